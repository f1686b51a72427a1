"""What every place that keeps the last known namespace does: the file, and its twin in memory."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from warpdrive.adapters.control_client.last_known import FILE_NAME, LastKnownFile, LastKnownMemory
from warpdrive.application.ports.namespace_feed import LastKnownNamespace, NamespaceSnapshot
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy

BUCKET = BackendDefinition(
    "photos", "s3", {"bucket": "b", "region": "eu"}, "a/☃/", "team-keys", "6f9619ff-8b86-d011-b42d-00c04fc964ff"
)
SNAPSHOT = NamespaceSnapshot(
    position=2**53 + 1,
    id=UUID(int=7),
    name="training",
    entries=(
        MountEntry("/a ☃", BUCKET, MountPolicy(delete="allow")),
        MountEntry("/b", BackendDefinition("x", "local")),
    ),
    sealed=True,
)


@pytest.fixture(params=["file", "memory"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> LastKnownNamespace:
    """One of them, empty."""
    makers: dict[str, Callable[[], LastKnownNamespace]] = {
        "file": lambda: LastKnownFile(tmp_path / "not" / "yet"),
        "memory": LastKnownMemory,
    }
    return makers[request.param]()


def test_nothing_is_known_at_first(kept: LastKnownNamespace) -> None:
    """None, not a fault: a node's first start."""
    assert kept.load("training") is None


def test_what_was_kept_comes_back_whole(kept: LastKnownNamespace) -> None:
    """Every field, with texts beyond ASCII and positions beyond 2**53."""
    kept.keep(SNAPSHOT)
    assert kept.load("training") == SNAPSHOT


def test_the_last_one_wins_and_another_name_has_none(kept: LastKnownNamespace) -> None:
    """One place holds one namespace: a node whose configuration names another does not serve this one."""
    kept.keep(SNAPSHOT)
    kept.keep(NamespaceSnapshot(9, UUID(int=8), "other", retired=True))
    assert kept.load("training") is None
    assert kept.load("other") == NamespaceSnapshot(9, UUID(int=8), "other", retired=True)


class TestFile:
    def test_another_process_reads_it_and_only_its_owner_may(self, tmp_path: Path) -> None:
        """The file outlives the object that wrote it, with mode 0600, and no draft stays beside it."""
        LastKnownFile(tmp_path).keep(SNAPSHOT)
        assert LastKnownFile(tmp_path).load("training") == SNAPSHOT
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
        assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]

    @pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "format", "garbage"])
    def test_a_damaged_file_counts_as_none(self, tmp_path: Path, damage: str) -> None:
        """Cut off, one bit turned, empty, of a later format, or no JSON at all: reported, never served."""
        kept = LastKnownFile(tmp_path)
        kept.keep(SNAPSHOT)
        path = tmp_path / FILE_NAME
        whole = path.read_bytes()
        harmed = {
            "cut": whole[: len(whole) // 2],
            "flipped": whole.replace(b'"bucket":"b"', b'"bucket":"c"'),
            "empty": b"",
            "format": whole.replace(b'"format":1', b'"format":2'),
            "garbage": b"\xff\x00",
        }[damage]
        assert harmed != whole
        path.write_bytes(harmed)
        assert kept.load("training") is None
        kept.keep(SNAPSHOT)
        assert kept.load("training") == SNAPSHOT

    def test_a_draft_of_a_killed_run_is_no_hindrance(self, tmp_path: Path) -> None:
        """What a crash left half written is neither read nor in the way."""
        (tmp_path / f"{FILE_NAME}.new").write_bytes(b"half")
        kept = LastKnownFile(tmp_path)
        assert kept.load("training") is None
        kept.keep(SNAPSHOT)
        assert kept.load("training") == SNAPSHOT

    def test_a_disk_that_refuses_is_an_oserror(self, tmp_path: Path) -> None:
        """The former state stays."""
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(OSError, match=r"Not a directory|File exists"):
            LastKnownFile(tmp_path / "file").keep(SNAPSHOT)
