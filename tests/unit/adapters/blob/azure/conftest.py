"""One Azurite for the module's tests, and a fresh container for each."""

import itertools
from collections.abc import Iterator

import pytest

from tests.support.azurite import Azurite, azurite, unavailable

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    """Azurite, started once."""
    reason = unavailable()
    if reason is not None:
        pytest.skip(reason)
    with azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture
def container(server: Azurite) -> str:
    """An empty container's name."""
    name = f"unit-{next(_numbers)}"
    server.make_container(name)
    return name
