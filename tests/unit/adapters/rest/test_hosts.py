"""Requests that were meant for another name."""

from typing import Any

import pytest

from warpdrive.adapters.rest.hosts import LocalHosts, is_local


@pytest.mark.parametrize("host", ["localhost", "localhost:8090", "127.0.0.1:1", "127.8.9.1", "[::1]:8090", "LOCALHOST"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    """With any port."""
    assert is_local(host.encode())


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8090",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "127.1",
        "[::1",
        "\xff",
    ],
)
def test_any_other_name_is_not_this_machine(host: str) -> None:
    """Whatever address it leads to today."""
    assert not is_local(host.encode("latin-1"))


async def asked(headers: list[tuple[bytes, bytes]]) -> int:
    """Ask an app behind the guard; returns the status."""
    sent: list[Any] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "http", "method": "GET", "headers": headers}
    await LocalHosts(app)(scope, None, send)  # type: ignore[arg-type]  # nothing is received
    return int(sent[0]["status"])


async def test_what_was_meant_for_another_name_is_refused() -> None:
    """A page that had its name lead here cannot act as an admin; two names are no better than one."""
    assert await asked([(b"host", b"localhost:8090")]) == 200
    assert await asked([(b"host", b"evil.example")]) == 403
    assert await asked([(b"host", b"localhost"), (b"host", b"evil.example")]) == 403
