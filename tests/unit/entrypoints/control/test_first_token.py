"""The first admin's token: whatever happens in between, the file opens the door or is not there."""

import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from tests.support.memory_plane import MemoryPlane
from warpdrive.application.control.tokens import FIRST_ADMIN
from warpdrive.application.ports.event_store import Append, OutcomeUnknown, Receipt
from warpdrive.domain.token.values import Role
from warpdrive.entrypoints.control.first_token import TOKEN_FILE, TokenFileError, ensure_first_token, new_admin_token


async def start(on: MemoryPlane, directory: Path) -> Path | None:
    """Do what a start does."""
    return await ensure_first_token(on.plane.tokens, on.store, directory)


def secret_in(file: Path) -> str:
    """Read what a bearer would send."""
    return file.read_text(encoding="ascii").strip()


def names_in(directory: Path) -> list[str]:
    """List a directory."""
    return sorted(each.name for each in directory.iterdir())


async def role_of(on: MemoryPlane, file: Path | None) -> Role:
    """Show the file's secret at the door."""
    assert file is not None
    return (await on.plane.doorkeeper.principal(secret_in(file))).role


async def test_the_first_start_leaves_a_token_and_the_next_ones_leave_it_alone(tmp_path: Path) -> None:
    """For its owner's eyes only, and nothing else is left."""
    on = MemoryPlane()
    home = tmp_path / "not" / "there" / "yet"
    file = await start(on, home)
    assert await role_of(on, file) is Role.ADMIN
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.read_text()
    assert await start(on, home) == file
    assert file.read_text() == written
    assert names_in(home) == [TOKEN_FILE]


async def test_two_that_start_at_once_in_one_directory_leave_the_token_that_was_issued(tmp_path: Path) -> None:
    """Two APIs on one machine and one database: neither overwrites what the other is about to issue."""
    on = MemoryPlane()
    async with anyio.create_task_group() as tasks:
        for plane in (on, MemoryPlane.beside(on), MemoryPlane.beside(on)):
            tasks.start_soon(start, plane, tmp_path)
    assert await role_of(on, tmp_path / TOKEN_FILE) is Role.ADMIN
    assert names_in(tmp_path) == [TOKEN_FILE]


@pytest.mark.parametrize("written", [True, False])
async def test_a_start_that_was_cut_off_is_made_good_by_the_next(tmp_path: Path, written: bool) -> None:
    """Between the file and the issue, or between the issue and the file's name."""
    on = MemoryPlane()
    appending = on.store.append

    async def cut_off(append: Append) -> Receipt:
        if written:
            await appending(append)
        raise OutcomeUnknown("gone")

    on.store.append = cut_off  # type: ignore[method-assign] # what a lost database does
    with pytest.raises(OutcomeUnknown):
        await start(on, tmp_path)
    on.store.append = appending  # type: ignore[method-assign] # as above
    assert (await on.store.owner_of(*FIRST_ADMIN) is not None) is written
    assert await role_of(on, await start(on, tmp_path)) is Role.ADMIN


async def test_without_a_place_for_the_token_none_is_issued(tmp_path: Path) -> None:
    """The message says where it belongs and what to do."""
    on = MemoryPlane()
    (tmp_path / "file").write_text("")
    with pytest.raises(TokenFileError, match="data_dir"):
        await start(on, tmp_path / "file")
    assert await on.store.owner_of(*FIRST_ADMIN) is None


async def test_a_token_issued_elsewhere_needs_no_directory_here(tmp_path: Path) -> None:
    """Another machine's control plane has it; this one serves all the same, wherever its data directory points."""
    on = MemoryPlane()
    await start(on, tmp_path / "elsewhere")
    (tmp_path / "file").write_text("")
    assert await start(on, tmp_path / "file") is None
    assert await start(on, tmp_path / "nowhere") is None


@pytest.mark.parametrize("issue", [start, lambda on, home: new_admin_token(on.plane.tokens, home)])
async def test_a_directory_in_the_files_place_is_told(
    tmp_path: Path, issue: Callable[[MemoryPlane, Path], Awaitable[object]]
) -> None:
    """Not with a traceback."""
    (tmp_path / TOKEN_FILE).mkdir()
    with pytest.raises(TokenFileError, match=TOKEN_FILE):
        await issue(MemoryPlane(), tmp_path)


async def test_another_admins_token_takes_the_place_of_a_lost_one(tmp_path: Path) -> None:
    """Also when several are asked for at once: each is whole, the last one is in the file."""
    on = MemoryPlane()
    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(new_admin_token, on.plane.tokens, tmp_path)
    assert await role_of(on, tmp_path / TOKEN_FILE) is Role.ADMIN
    assert names_in(tmp_path) == [TOKEN_FILE]
