"""HTTP as no proper client would send it: bytes onto a socket, and what comes back until it closes."""

import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

_ANSWER_S = 15.0


def exchange(url: str, *pieces: bytes) -> bytes:
    """Send the pieces for as long as they are taken, then return all that is answered until the server hangs up.

    Whoever sends a proper request asks for that with `Connection: close`.
    """
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=_ANSWER_S) as connection:
        _send(connection, pieces)
        answered = b""
        try:
            while more := connection.recv(65536):
                answered += more
        except ConnectionResetError:
            return answered  # what was not read there resets us after the answer
        return answered


def statuses(answered: bytes) -> list[int]:
    """Return the status of each answer on a connection."""
    lines = [line for line in answered.split(b"\r\n") if line.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))]
    return [int(line.split()[1]) for line in lines]


def _send(connection: socket.socket, pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            connection.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        return  # it has answered already
