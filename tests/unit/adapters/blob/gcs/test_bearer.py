"""Tokens: fetched once, kept while good, never fetched for nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.fake_gcs import FakeGcs
from tests.support.fault_proxy import FaultProxy
from warpdrive.adapters.blob.gcs.bearer import Bearer
from warpdrive.application.ports.credentials import EnvironmentChain, ServiceAccountFile
from warpdrive.application.ports.errors import AccessDenied, BackendMisconfigured, Unavailable


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session of the test's own loop."""
    async with aiohttp.ClientSession() as opened:
        yield opened


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_many_readers_share_one_token(
    cloud: FakeGcs, account: ServiceAccountFile, session: aiohttp.ClientSession
) -> None:
    """Who comes while a token is fetched waits for that one."""
    before = cloud.tokens.issued
    bearer = Bearer(account, lambda: session)
    headers = await asyncio.gather(*(bearer.header() for _ in range(20)))
    assert cloud.tokens.issued == before + 1
    assert len({header["Authorization"] for header in headers}) == 1


async def test_cancelled_reader_does_not_take_the_token_from_others(
    account: ServiceAccountFile, session: aiohttp.ClientSession
) -> None:
    """Whoever started the refresh may go; the others still get their token."""
    bearer = Bearer(account, lambda: session)
    first = asyncio.create_task(bearer.header())
    second = asyncio.create_task(bearer.header())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second)["Authorization"].startswith("Bearer ya29.")
    assert first.cancelled() or first.cancelling()
    await asyncio.gather(first, return_exceptions=True)


async def test_token_is_replaced_near_its_end_and_when_refused(
    account: ServiceAccountFile, session: aiohttp.ClientSession
) -> None:
    """It is used for 95 % of its life; one that the service refused is not shown again."""
    clock = _Clock()
    bearer = Bearer(account, lambda: session, clock)
    first = await bearer.header()
    assert await bearer.header() == first
    bearer.forget()
    second = await bearer.header()
    assert second != first
    clock.now = 1e12
    assert await bearer.header() != second


async def test_unknown_signature_is_denied_at_once(
    cloud: FakeGcs, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """The token server's refusal is AccessDenied, after one request: retrying is not done here."""
    path = cloud.tokens.service_account(tmp_path / "k.json", f"{cloud.url}/token", registered=False)
    cloud.requests.clear()
    with pytest.raises(AccessDenied):
        await Bearer(ServiceAccountFile(str(path)), lambda: session).header()
    assert cloud.requests == [("POST", "/token")]


async def test_broken_token_server_is_unavailable(
    cloud: FakeGcs, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """No connection, or 5xx, is a passing fault."""
    async with FaultProxy(cloud.address) as proxy:
        uri = f"http://{proxy.address[0]}:{proxy.address[1]}/token"
        path = cloud.tokens.service_account(tmp_path / "k.json", uri)
        bearer = Bearer(ServiceAccountFile(str(path)), lambda: session)
        proxy.refuse()
        with pytest.raises(Unavailable):
            await bearer.header()
        proxy.heal()
        proxy.answer(503, "Unavailable")
        with pytest.raises(Unavailable):
            await bearer.header()


@pytest.mark.parametrize(
    "content", ["not json", "{}", "[]", json.dumps({"type": "service_account", "client_email": "a@b"})]
)
def test_file_that_is_no_key_is_misconfigured(content: str, tmp_path: Path) -> None:
    """The SDK would fall back to the machine's own identity; that is refused."""
    path = tmp_path / "k.json"
    path.write_text(content)
    with pytest.raises(BackendMisconfigured):
        Bearer(ServiceAccountFile(str(path)), aiohttp.ClientSession)
    with pytest.raises(BackendMisconfigured):
        Bearer(ServiceAccountFile(str(tmp_path / "absent.json")), aiohttp.ClientSession)


async def test_unusable_private_key_is_misconfigured(
    cloud: FakeGcs, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A file of the right shape with rubbish for a key fails by name at first use."""
    account = {
        "type": "service_account",
        "client_email": "a@b",
        "private_key": "rubbish",
        "private_key_id": "1",
        "token_uri": f"{cloud.url}/token",
    }
    path = tmp_path / "k.json"
    path.write_text(json.dumps(account))
    with pytest.raises(BackendMisconfigured):
        await Bearer(ServiceAccountFile(str(path)), lambda: session).header()


async def test_environment_names_a_key_file(
    account: ServiceAccountFile, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GOOGLE_APPLICATION_CREDENTIALS is the first link of the default chain; a file that is not there is said."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", account.path)
    assert await Bearer(EnvironmentChain(), lambda: session).header()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "absent.json"))
    with pytest.raises(BackendMisconfigured):
        await Bearer(EnvironmentChain(), lambda: session).header()
