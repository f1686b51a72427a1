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
from warpdrive.application.control.secrets import RANDOM_BYTES, Secret, make_secret, parse_secret
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

    Raises TokenFileError before anything is issued, StoreUnavailable.
    """
    path, unissued = directory / TOKEN_FILE, directory / f"{TOKEN_FILE}.new"
    owner = await writer.owner_of(*FIRST_ADMIN)
    if owner is None:
        secret = make_secret(uuid4(), os.urandom(RANDOM_BYTES))
        _write(unissued, secret.text)
        try:
            await tokens.create_first(_call(), secret)
        except AlreadyThere:
            # Another control plane on the same database was faster; the token is with that one.
            unissued.unlink(missing_ok=True)
            return path if path.exists() else None
        unissued.replace(path)
        return path
    left = _read(unissued)
    if left is not None and str(left.token_id) == owner:
        unissued.replace(path)
    return path if path.exists() else None


async def new_admin_token(tokens: Tokens, directory: Path) -> Path:
    """Issue another admin's token in place of a lost one. Raises TokenFileError, StoreUnavailable."""
    path, unissued = directory / TOKEN_FILE, directory / f"{TOKEN_FILE}.new"
    _write(unissued, "")
    issued = await tokens.create(_call(), role=Role.ADMIN, note="made at the start with --new-admin-token")
    _write(unissued, issued.value.secret)
    unissued.replace(path)
    return path


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
        raise TokenFileError(
            f"{path}: the first admin's token cannot be written: {error.strerror}; "
            "make control_plane.data_dir writable for this process"
        ) from None


def _read(path: Path) -> Secret | None:
    try:
        return parse_secret(path.read_text(encoding="ascii").strip())
    except (FileNotFoundError, UnicodeDecodeError):
        return None
