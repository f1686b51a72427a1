"""One fake Cloud Storage for the package's tests, a service account that it knows, a fresh bucket for each."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.support.fake_gcs import FakeGcs, fake_gcs
from warpdrive.adapters.blob.gcs import open_gcs
from warpdrive.adapters.blob.object_store import ObjectStore
from warpdrive.application.ports.credentials import Credentials, ServiceAccountFile
from warpdrive.domain.namespace.values import BackendDefinition

_numbers = itertools.count(1)

Opener = Callable[..., ObjectStore]


@pytest.fixture(scope="package")
def cloud() -> Iterator[FakeGcs]:
    """The server, started once."""
    with fake_gcs() as fake:
        yield fake


@pytest.fixture(scope="package")
def account(cloud: FakeGcs, tmp_path_factory: pytest.TempPathFactory) -> ServiceAccountFile:
    """Credentials that the server takes."""
    path = tmp_path_factory.mktemp("account") / "key.json"
    return ServiceAccountFile(str(cloud.tokens.service_account(path, f"{cloud.url}/token")))


@pytest.fixture
def bucket(cloud: FakeGcs) -> Iterator[str]:
    """An empty bucket's name; the server's knobs are back as they were afterwards."""
    name = f"unit-{next(_numbers)}"
    cloud.make_bucket(name)
    cloud.requests.clear()
    yield name
    cloud.uploads.keep_at_most = None
    cloud.rewrite_step = None


@pytest.fixture
async def opener(cloud: FakeGcs, account: ServiceAccountFile, bucket: str) -> AsyncIterator[Opener]:
    """Opens stores (by default on the bucket, as the account) and closes them after the test."""
    opened: list[ObjectStore] = []

    def build(name: str = bucket, credentials: Credentials = account, endpoint: str = cloud.url) -> ObjectStore:
        store = open_gcs(BackendDefinition("b", "gcs", {"bucket": name, "endpoint": endpoint}), credentials)
        opened.append(store)
        return store

    yield build
    for store in opened:
        await store.aclose()


@pytest.fixture
async def store(opener: Opener) -> ObjectStore:
    """A store on the bucket."""
    return opener()
