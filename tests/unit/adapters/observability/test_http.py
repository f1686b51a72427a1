"""`/metrics` and `/healthz` over real sockets on loopback."""

import signal
import socket
import time

import anyio
import httpx
import pytest

from tests.support.agent_readings import readings
from tests.support.clocks import RealClock
from tests.support.health_checks import FixedCheck
from warpdrive.adapters.observability.http import serving_metrics
from warpdrive.adapters.observability.listening import AddressError, listen, parse_addr
from warpdrive.adapters.observability.metrics import build_registry
from warpdrive.adapters.observability.serving import serving
from warpdrive.application.mount.health import Health


def health(*checks: FixedCheck) -> Health:
    """Return a health of fixed checks."""
    return Health(checks, RealClock(), deadline=1.0, max_age=0.0)


def has_ipv6_loopback() -> bool:
    """Say whether ::1 is an address of this machine."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def get(port: int, path: str, **headers: str) -> httpx.Response:
    """Ask the server on loopback."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        return await client.get(path, headers=headers)


@pytest.mark.parametrize(
    ("addr", "parts"),
    [
        (":9090", ("", 9090)),
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:9090", ("::1", 9090)),
        ("[::]:1", ("::", 1)),
    ],
)
def test_addresses_as_people_write_them(addr: str, parts: tuple[str, int]) -> None:
    """Host and port, the host perhaps empty, IPv6 in brackets."""
    assert parse_addr(addr) == parts


@pytest.mark.parametrize("addr", ["9090", "host", "host:", "::1:9090", ":70000", ":-1", ""])
def test_addresses_that_are_none(addr: str) -> None:
    """Refused, with the configuration key in the message."""
    with pytest.raises(AddressError, match=r"metrics\.addr"):
        listen(addr, key="metrics.addr")


async def test_metrics_are_scraped_in_text_form() -> None:
    """The classic text format by default, OpenMetrics when the scraper asks for it."""
    async with serving_metrics("127.0.0.1:0", build_registry(readings()), health()) as port:
        plain = await get(port, "/metrics")
        opened = await get(port, "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert plain.status_code == 200
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert "warpdrive_cache_hit_total 7.0" in plain.text
    assert "process_resident_memory_bytes" in plain.text
    assert opened.headers["content-type"].startswith("application/openmetrics-text")
    assert opened.text.endswith("# EOF\n")


async def test_healthz_is_200_when_every_check_is_well() -> None:
    """Each check by name, with its words."""
    async with serving_metrics(
        "127.0.0.1:0", build_registry(readings()), health(FixedCheck("mount", "answers"))
    ) as port:
        answer = await get(port, "/healthz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok"
    assert body["checks"]["mount"]["status"] == "ok"
    assert body["checks"]["mount"]["detail"] == "answers"


async def test_healthz_is_503_when_one_check_fails() -> None:
    """Degraded as a whole; the others still say that they are well."""
    checks = health(FixedCheck("mount", "answers"), FixedCheck("backend:far", fault="no route to host"))
    async with serving_metrics("127.0.0.1:0", build_registry(readings()), checks) as port:
        answer = await get(port, "/healthz")
    assert answer.status_code == 503
    body = answer.json()
    assert body["status"] == "degraded"
    assert body["checks"]["mount"]["status"] == "ok"
    assert body["checks"]["backend:far"]["detail"] == "no route to host"


async def test_other_paths_are_404() -> None:
    """Nothing else is served, no API description either."""
    async with serving_metrics("127.0.0.1:0", build_registry(readings()), health()) as port:
        assert [(await get(port, path)).status_code for path in ("/", "/schema", "/status")] == [404] * 3


async def test_a_taken_port_names_the_key() -> None:
    """The operator reads which setting to change; nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        addr = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AddressError, match=r"metrics\.addr: cannot listen on '127.*another process"):
            async with serving_metrics(addr, build_registry(readings()), health()):
                pytest.fail("it must not start")


async def test_every_interface_is_both_protocols() -> None:
    """`:port` answers over IPv4 and, where the system has it, over IPv6."""
    async with serving_metrics(":0", build_registry(readings()), health()) as port:
        assert (await get(port, "/healthz")).status_code == 200
        if has_ipv6_loopback():
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"http://[::1]:{port}/healthz")).status_code == 200


async def test_signals_stay_with_the_agent_and_the_port_is_free_afterwards() -> None:
    """Uvicorn's handlers are not installed, and the block's end closes the socket."""
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    async with serving_metrics("127.0.0.1:0", build_registry(readings()), health()) as port:
        assert {sign: signal.getsignal(sign) for sign in before} == before
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_stopping_is_bounded_while_a_request_hangs() -> None:
    """A request that never ends is cancelled after its second of grace."""
    entered = anyio.Event()
    cancelled = anyio.Event()
    answers: list[int] = []

    async def hang(scope: dict[str, object], _receive: object, _send: object) -> None:
        assert scope["type"] == "http"
        entered.set()
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    listener = listen("127.0.0.1:0", key="metrics.addr")
    port = listener.getsockname()[1]
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            answers.append((await get(port, "/")).status_code)

        async with serving(hang, listener):
            tasks.start_soon(ask)
            await entered.wait()
            started = time.monotonic()
        assert time.monotonic() - started < 4.0
        assert cancelled.is_set()
    assert answers == [500]
