"""The fixtures of the backend contract, on accounts in real clouds instead of servers on loopback."""

import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from tests.contract.backends.conftest import backend, place, server, twin
from tests.contract.backends.provider import Place, Provider
from tests.integration.clouds.accounts import ACCOUNTS, provider_of
from warpdrive.adapters.blob.factory import Backend, build_backend

__all__ = ["backend", "opener", "place", "provider", "server", "twin"]

PROVIDERS = [provider_of(account) for account in ACCOUNTS]


@pytest.fixture(scope="session", params=PROVIDERS, ids=[provider.name for provider in PROVIDERS])
def provider(request: pytest.FixtureRequest) -> Provider:
    """The account under contract; without one its tests are skipped, and the reason names the variables."""
    provider: Provider = request.param
    reason = provider.unavailable()
    if reason is not None:
        pytest.skip(f"{provider.name}: {reason}")
    return provider


@pytest.fixture
async def opener() -> AsyncIterator[Callable[..., Backend]]:
    """Builds backends with the patience that users get: a real cloud is slower than loopback."""
    async with contextlib.AsyncExitStack() as stack:

        def build(place: Place, **changes: object) -> Backend:
            definition = changes.get("definition", place.definition)
            credentials = changes.get("credentials", place.credentials)
            backend = build_backend(definition, credentials)  # type: ignore[arg-type]  # by keyword, as the contract does
            stack.push_async_callback(backend.aclose)
            return backend

        yield build


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line per cloud whether it was tried, and if not, why."""
    for provider in PROVIDERS:
        reason = provider.unavailable()
        terminalreporter.write_line(f"{provider.name}: " + (f"skipped, {reason}" if reason else "held to the contract"))
