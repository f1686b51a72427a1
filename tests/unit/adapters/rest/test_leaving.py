"""Callers that leave in the middle of a request."""

from typing import Any

import structlog

from tests.support.fake_plane import SECRET
from tests.support.rest_door import RestDoor


async def test_a_caller_that_leaves_is_no_defect_of_ours() -> None:
    """Half a body and gone: nothing is asked of the plane, and nothing is logged as an error."""
    door = RestDoor()
    received = iter([{"type": "http.request", "body": b'{"name":', "more_body": True}, {"type": "http.disconnect"}])
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {SECRET}".encode()), (b"content-type", b"application/json")]
    path = "/api/v1/namespaces"
    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }
    with structlog.testing.capture_logs() as lines:
        await door.app()(scope, receive, send)
    assert (sent[0]["status"], door.fake.asked) == (499, [])
    assert [line for line in lines if line["log_level"] == "error"] == []
