"""Building backends: by type, without I/O, with plain words about what is missing."""

import sys

import pytest

from tests.contract.backends.objects import put, read
from tests.contract.backends.patience import FakeTime
from warpdrive.adapters.blob.factory import build_backend
from warpdrive.application.ports.credentials import AccessKey, Anonymous, Login
from warpdrive.application.ports.errors import BackendMisconfigured
from warpdrive.domain.namespace.values import BACKEND_TYPES, BackendDefinition


class _Unfindable:
    """An import finder by which one top-level package is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name == self.package or name.startswith(f"{self.package}."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


async def test_a_prefix_is_applied_once() -> None:
    """The definition's prefix is before every key in the store, and in no answer."""
    whole = build_backend(BackendDefinition("m", "memory", {"name": "factory"}), Anonymous())
    part = build_backend(BackendDefinition("m", "memory", {"name": "factory"}, prefix="p/"), Anonymous())
    info = await put(part, "key", b"bytes")
    assert info.key == "key"
    assert (await read(whole, "p/key", 0, 5))[0] == b"bytes"
    await part.aclose()
    await whole.aclose()


def test_unknown_types_are_refused_by_name() -> None:
    """The message says what is known."""
    with pytest.raises(BackendMisconfigured, match=r"'ftp'.*azureblob, s3, gcs, sftp, local, memory"):
        build_backend(BackendDefinition("b", "ftp"), Anonymous())


@pytest.mark.parametrize(("kind", "options"), [("local", {}), ("local", {"root": "relative"}), ("sftp", {})])
def test_missing_options_are_refused(kind: str, options: dict[str, str]) -> None:
    """A place that cannot be named cannot be built."""
    with pytest.raises(BackendMisconfigured, match="needs"):
        build_backend(BackendDefinition("b", kind, options), Login("me"))


def test_credentials_of_another_kind_are_refused() -> None:
    """An access key opens no SFTP server."""
    with pytest.raises(BackendMisconfigured, match="AccessKey"):
        build_backend(BackendDefinition("b", "sftp", {"host": "h"}), AccessKey("id", "secret"))
    with pytest.raises(BackendMisconfigured, match="port 'x'"):
        build_backend(BackendDefinition("b", "sftp", {"host": "h", "port": "x"}), Login("me"))


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asyncssh an sftp backend is misconfigured, in words an operator can act on."""
    for name in [name for name in sys.modules if name.split(".")[0] == "asyncssh"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Unfindable("asyncssh"), *sys.meta_path])
    with pytest.raises(BackendMisconfigured, match=r"needs the sftp extra: pip install 'warpdrive\[sftp\]'"):
        build_backend(BackendDefinition("b", "sftp", {"host": "h"}), Login("me"))


def test_every_type_of_the_domain_has_an_adapter() -> None:
    """The factory and the domain name the same types."""
    from warpdrive.adapters.blob.factory import _OPENERS  # noqa: PLC0415  # white-box

    assert tuple(_OPENERS) == BACKEND_TYPES


async def test_building_does_no_io() -> None:
    """Places that do not exist build; the fault shows on use."""
    fake = FakeTime()
    backend = build_backend(
        BackendDefinition("b", "local", {"root": "/nonexistent"}), Anonymous(), patience=fake.patience()
    )
    with pytest.raises(BackendMisconfigured, match="not mounted"):
        await read(backend, "x", 0, 1)
    await backend.aclose()
