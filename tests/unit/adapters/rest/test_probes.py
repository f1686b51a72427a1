"""What machines ask without a token."""

from tests.support.rest_door import RestDoor
from warpdrive.adapters.rest.probes import Check


async def test_a_process_that_answers_is_alive() -> None:
    """200 with facts, whatever the store does."""
    async with RestDoor(checks=(Check("database", ok=False),)).client(token=None) as client:
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "pid": 17})


async def test_readiness_is_every_check() -> None:
    """One that fails makes it 503, and the body says which and why."""
    door = RestDoor(checks=(Check("database", ok=True), Check("writes", ok=False, detail="read-only")))
    async with door.client(token=None) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {
            "status": "unavailable",
            "checks": {
                "database": {"status": "ok", "detail": ""},
                "writes": {"status": "failed", "detail": "read-only"},
            },
        }
        door.checks = (Check("database", ok=True),)
        assert (await client.get("/readyz")).status_code == 200


async def test_metrics_are_in_prometheus_own_words() -> None:
    """The registry that was given, as text."""
    async with RestDoor().client(token=None) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "opened_total 1.0" in answer.text
