"""Finds every `provide_*.py` beside it and runs each test of the contract on each of them."""

import contextlib
import importlib.util
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.backends.provider import Place, Provider, RunningBackend
from tests.support.fault_proxy import FaultProxy
from warpdrive.adapters.blob.factory import Backend, Patience, build_backend

PATIENCE = Patience(
    deadline_s=6.0, stall_s=0.6, backoff_initial_s=0.02, backoff_ceiling_s=0.2, random=random.Random(7).random
)
_numbers = itertools.count(1)


def _providers() -> list[Provider]:
    found = []
    for path in sorted(Path(__file__).parent.glob("provide_*.py")):
        spec = importlib.util.spec_from_file_location(f"tests.contract.backends.{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module.PROVIDER)
    return found


_PROVIDERS = _providers()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on every provider that its class or module `applies_to` says; all without such a word."""
    if "provider" not in metafunc.fixturenames:
        return
    applies = getattr(metafunc.cls, "applies_to", getattr(metafunc.module, "applies_to", lambda _: True))
    chosen = [provider for provider in _PROVIDERS if applies(provider)]
    names = [provider.name for provider in chosen]
    metafunc.parametrize("provider", chosen, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def provider(request: pytest.FixtureRequest) -> Provider:
    """The backend under contract."""
    provider: Provider = request.param
    reason = provider.unavailable()
    if reason is not None:
        pytest.skip(f"{provider.name}: {reason}")
    return provider


@pytest.fixture(scope="session")
def server(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    """Its server, started once."""
    with provider.start(tmp_path_factory.mktemp(provider.name)) as running:
        yield running


@pytest.fixture
def place(provider: Provider, server: RunningBackend, request: pytest.FixtureRequest) -> Place:
    """An empty place for this test."""
    test = request.node.originalname
    if test in provider.unsupported:
        pytest.skip(f"{provider.name}: the server under test cannot do this (see provide_{provider.name}.py)")
    return server.place(f"t{next(_numbers)}")


Opener = Callable[..., Backend]


@pytest.fixture
async def opener() -> AsyncIterator[Opener]:
    """Builds backends with the contract's patience and closes them after the test."""
    async with contextlib.AsyncExitStack() as stack:

        def build(place: Place, **changes: object) -> Backend:
            definition = changes.get("definition", place.definition)
            credentials = changes.get("credentials", place.credentials)
            patience = changes.get("patience", PATIENCE)
            backend = build_backend(definition, credentials, patience=patience)  # type: ignore[arg-type]  # by keyword
            stack.push_async_callback(backend.aclose)
            return backend

        yield build


@pytest.fixture
async def backend(place: Place, opener: Opener) -> Backend:
    """The backend on this test's place."""
    return opener(place)


@pytest.fixture
async def twin(place: Place, opener: Opener) -> Backend:
    """A second, independent one on the same place: the world that changes things behind our back."""
    return opener(place)


@pytest.fixture
async def proxy(place: Place) -> AsyncIterator[FaultProxy]:
    """A fault proxy before the server."""
    assert place.address is not None
    async with FaultProxy(place.address) as proxy:
        yield proxy


@pytest.fixture
async def proxied(place: Place, proxy: FaultProxy, opener: Opener) -> Backend:
    """The backend, reached through the proxy."""
    assert place.through is not None
    return opener(place, definition=place.through(proxy.address))
