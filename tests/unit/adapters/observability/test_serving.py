"""An app on a socket."""

import socket

import pytest

from tests.support.ports import LOOPBACK
from warpdrive.adapters.observability.serving import serving


async def app(scope: object, receive: object, send: object) -> None:
    """Be there."""


@pytest.mark.parametrize("made_with", [0, socket.IPPROTO_TCP])
async def test_answers_are_not_held_back(made_with: int) -> None:
    """Connections send small writes at once, however their listener was made.

    asyncio looks at the protocol's number, which `create_server` and wildcard sockets leave out: a head and a body
    were 40 ms apart then.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, made_with)
    listener.bind((LOOPBACK, 0))
    async with serving(app, listener):
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
