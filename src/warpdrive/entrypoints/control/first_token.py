"""The first admin's token: made once in the life of a database, left in a file that only we can read.

The file is complete before the token is issued, under another name: whatever kills us in between leaves either no
token, or one whose secret is on disk.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from warpdrive.application.control.calls import Call, Principal
from warpdrive.application.control.errors import AlreadyThere
from warpdrive.application.control.secrets import RANDOM_BYTES, make_secret
from warpdrive.application.control.tokens import FIRST_ADMIN, Tokens
from warpdrive.application.ports.event_store import EventWriter
from warpdrive.domain.token.values import Role

TOKEN_FILE: Final = "admin.token"  # noqa: S105 - the name of a file
"""In the control plane's data directory."""

_BOOTSTRAP: Final = Principal("system:bootstrap", Role.ADMIN)


class TokenFileError(Exception):
    """Raised when the token cannot be written where it belongs. The message says where and what to do."""


async def ensure_first_token(tokens: Tokens, writer: EventWriter, directory: Path) -> Path | None:
    """Issue the first admin's token unless that was done before; return its file, None when it is not here.

    Raises TokenFileError before anything is issued, or when an issued token's file cannot get its name; the next
    start tries that again. Raises StoreUnavailable.
    """
    path = directory / TOKEN_FILE
    owner = await writer.owner_of(*FIRST_ADMIN)
    if owner is None:
        secret = make_secret(uuid4(), os.urandom(RANDOM_BYTES))
        # Named by the token's id: another control plane may be doing the same in this directory.
        unissued = _unissued(directory, str(secret.token_id))
        _write(unissued, secret.text)
        try:
            await tokens.create_first(_call(), secret)
        except AlreadyThere:
            # Another control plane on the same database was faster; the token is with that one.
            unissued.unlink(missing_ok=True)
            return path if _is_there(path) else None
        owner = str(secret.token_id)
    issued = _unissued(directory, owner)
    if _is_there(issued):
        _move(issued, path)
        _clear(directory)
    return path if _is_there(path) else None


async def new_admin_token(tokens: Tokens, directory: Path) -> Path:
    """Issue another admin's token in place of a lost one. Raises TokenFileError, StoreUnavailable."""
    path, written = directory / TOKEN_FILE, directory / f"{TOKEN_FILE}.new-{uuid4()}"
    _write(written, "")
    try:
        issued = await tokens.create(_call(), role=Role.ADMIN, note="made at the start with --new-admin-token")
        _write(written, issued.value.secret)
        _move(written, path)
    finally:
        written.unlink(missing_ok=True)
    return path


def _unissued(directory: Path, token_id: str) -> Path:
    return directory / f"{TOKEN_FILE}.first-{token_id}"


def _call() -> Call:
    command = uuid4()
    return Call(_BOOTSTRAP, command, command.bytes * 2, "bootstrap", datetime.now(UTC))


def _write(path: Path, text: str) -> None:
    try:
        # With a configured database nobody has made the directory yet.
        path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _fault(path, error) from None


def _clear(directory: Path) -> None:
    """Remove what was never issued: whoever still tries is refused, and finds that for itself."""
    for useless in directory.glob(_unissued(directory, "*").name):
        useless.unlink(missing_ok=True)


def _move(file: Path, path: Path) -> None:
    try:
        file.replace(path)
        # A name is lost with the power as well as content is.
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        # Another control plane, started in this directory meanwhile, has found and moved it.
        return
    except OSError as error:
        raise _fault(path, error) from None


def _fault(path: Path, error: OSError) -> TokenFileError:
    return TokenFileError(
        f"{path}: the first admin's token cannot be written: {error.strerror}; "
        "make control_plane.data_dir writable for this process"
    )


def _is_there(path: Path) -> bool:
    """Look for a file; where we may not look, or there is no directory, there is none for us."""
    try:
        return path.is_file()
    except OSError:
        return False
