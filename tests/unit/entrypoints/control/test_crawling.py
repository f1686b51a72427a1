"""What opens the backends of a place to list them, and what it says when it cannot."""

from pathlib import Path

import pytest

from warpdrive.adapters.store.memory.crawl_register import MemoryCrawlRegister
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.control.crawling.crawl_pass import OpenSource
from warpdrive.application.ports.listing_source import ListingFailed
from warpdrive.domain.namespace.values import BackendDefinition
from warpdrive.entrypoints.control.crawling import backend_source
from warpdrive.entrypoints.settings.control import decode_control_settings

_FILE = b"""
control_plane:
  credentials:
    keys: {method: static, access_key_id: someone, secret_access_key: hidden-thing}
    azure: {method: static, account_key: hidden-thing}
"""


@pytest.fixture
def opening(tmp_path: Path) -> OpenSource:
    """Open by the file above."""
    return backend_source(decode_control_settings(_FILE, tmp_path, {}), MemoryCrawlRegister(Warehouse()))


def _bucket(name: str, prefix: str = "", *, auth: str = "keys", **options: str) -> BackendDefinition:
    options = {"endpoint": "http://127.0.0.1:1", "bucket": "bucket", "region": "eu", **options}
    return BackendDefinition(name=name, type="s3", options=options, prefix=prefix, auth=auth)


async def test_the_largest_prefixes_are_listed(opening: OpenSource) -> None:
    """Whatever the backends inside them may be called or authenticated by: they are not opened."""
    backends = [_bucket("a", "x/"), _bucket("b", "x/y/", auth="nowhere"), _bucket("c", "z/")]
    async with opening(backends[0].place, backends) as source:
        assert (source.kind, source.roots, source.as_of) == ("list", ("x/", "z/"), None)


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (_bucket("lake", auth="nowhere"), "add control_plane.credentials.nowhere to the control plane's file"),
        (_bucket("lake", auth="azure"), "control_plane.credentials.azure.account_key is not for s3 backends"),
        (_bucket("lake", endpoint="not an address"), "its option endpoint"),
    ],
)
async def test_a_backend_that_cannot_be_opened_says_what_to_do(
    opening: OpenSource, backend: BackendDefinition, words: str
) -> None:
    """By its name and the key that is wrong, and never a secret."""
    with pytest.raises(ListingFailed) as caught:
        async with opening(backend.place, [backend]):
            pytest.fail("it was opened")
    assert caught.value.detail.startswith("backend 'lake' cannot be opened here: ")
    assert words in caught.value.detail
    assert "hidden-thing" not in caught.value.detail
