"""Backends that fail: their own paths answer an errno in bounded time, all others serve."""

import errno
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import names
from tests.support.agents import Bucket, agent_config, health, local_backend, s3_backend
from tests.support.mounts import agent_mount
from tests.support.ports import LOOPBACK, free_port
from tests.support.s3_server import S3Server
from warpdrive.application.ports.credentials import AccessKey

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting in a test needs root")

MIB = 1024 * 1024


def test_failing_backends_answer_their_own_errno_and_disturb_nobody(
    server: S3Server, bucket: Bucket, tmp_path: Path
) -> None:
    """Unreachable and missing: EIO; wrong credentials: EACCES; each in bounded time; the others serve."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "f").write_bytes(b"fine")
    bucket.put("f", b"fine too")
    wrong = S3Server(server.address, AccessKey(server.keys.access_key_id, "not the secret"))
    nobody = S3Server((LOOPBACK, free_port()), server.keys)
    backends = [
        local_backend(root),
        bucket.backend("/good"),
        s3_backend(server, "no-such-bucket", "/missing"),
        s3_backend(wrong, bucket.name, "/denied"),
        s3_backend(nobody, "any", "/unreachable"),
    ]
    config = agent_config(tmp_path, backends)
    with agent_mount(config, tmp_path / "mnt") as mount:
        began = time.monotonic()
        for name, expected in (("missing", errno.EIO), ("denied", errno.EACCES)):
            with pytest.raises(OSError, match=r".") as caught:
                names(mount.point / name)
            assert caught.value.errno == expected, name
        # The unreachable one uses its whole patience; the others are read while it does.
        with subprocess.Popen(["ls", str(mount.point / "unreachable")], stderr=subprocess.PIPE) as waiting:
            assert (mount.point / "local/f").read_bytes() == b"fine"
            assert (mount.point / "good/f").read_bytes() == b"fine too"
            _, said = waiting.communicate(timeout=60)
        assert waiting.returncode != 0
        assert b"Input/output error" in said or b"timed out" in said
        assert time.monotonic() - began < 60
        assert names(mount.point) == ["denied", "good", "local", "missing", "unreachable"]
        code, report = health(config)
        assert code == 503
        assert report["status"] == "degraded"
        failed = {name for name, check in report["checks"].items() if check["status"] != "ok"}
        assert failed == {"backend:missing", "backend:denied", "backend:unreachable"}
        assert "not the secret" not in mount.printed()
