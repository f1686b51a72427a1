"""The pool's life: made late, closed whole."""

import asyncio
import gc
import socket
from collections.abc import Iterator

import pytest

from warpdrive.adapters.blob.http.parts import in_pieces
from warpdrive.adapters.blob.http.session import LazySession
from warpdrive.application.ports.errors import Unavailable


@pytest.fixture
def silent() -> Iterator[str]:
    """A server's URL that accepts connections and takes no more than the kernel's buffers hold."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_is_made_without_a_loop() -> None:
    """Building a backend opens nothing."""
    LazySession(4)


async def test_is_one_session_until_closed() -> None:
    """The same session answers every time; after closing, twice if need be, none does."""
    sessions = LazySession(4)
    assert sessions.get() is sessions.get()
    await sessions.aclose()
    await sessions.aclose()
    with pytest.raises(Unavailable):
        sessions.get()


async def test_abandoned_upload_leaves_no_socket_behind(silent: str) -> None:
    """Closing ends a connection whose buffer the server never takes; an open one would warn, and fail this test."""
    sessions = LazySession(4)
    upload = in_pieces(bytes(16 * 1024 * 1024))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await sessions.get().put(silent, data=upload)
    assert len(sessions._open()) == 1
    await sessions.aclose()
    assert sessions._open() == []
    gc.collect()
