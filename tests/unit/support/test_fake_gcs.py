"""What Google documents of the JSON API, held against the fake: without this the contract would prove nothing.

Sources: "Request preconditions", "HTTP status and error codes for JSON", "Resumable uploads", and the reference
of objects.get, list, insert, rewrite, copy and delete.
"""

import itertools
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from hashlib import md5
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from tests.support.crc32c import crc32c
from tests.support.fake_gcs import FakeGcs, fake_gcs
from tests.support.fake_gcs_uploads import GRAIN
from tests.support.partial_response import select

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cloud() -> Iterator[FakeGcs]:
    """The fake, with one access token that it takes."""
    with fake_gcs() as fake:
        fake.tokens.valid.add("good")
        yield fake


class Client:
    """Plain requests to one bucket."""

    def __init__(self, cloud: FakeGcs, session: aiohttp.ClientSession, bucket: str) -> None:
        self._session = session
        self.bucket = bucket
        self.objects = f"{cloud.url}/storage/v1/b/{bucket}/o"
        self.upload = f"{cloud.url}/upload/storage/v1/b/{bucket}/o"

    async def ask(
        self,
        method: str,
        url: str,
        *,
        data: Any = None,
        token: str = "good",
        headers: Any = None,
        **params: str,
    ) -> tuple[int, Any, aiohttp.ClientResponse]:
        """Send; give status, the body (parsed where it is JSON) and the response."""
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in params.items())
        address = URL(f"{url}{'&' if '?' in url else '?'}{query}" if query else url, encoded=True)
        call = self._session.request(method, address, data=data, headers=sent, allow_redirects=False)
        async with call as response:
            body: Any = await response.read()
            if response.content_type == "application/json":
                body = json.loads(body)
            return response.status, body, response

    def at(self, name: str) -> str:
        """Address an object."""
        return f"{self.objects}/{quote(name, safe='')}"

    async def put(self, name: str, data: bytes, **params: str) -> tuple[int, Any]:
        """Insert by a simple upload."""
        answer = await self.ask("POST", self.upload, data=data, uploadType="media", name=name, **params)
        return answer[:2]

    async def names(self, **params: str) -> tuple[list[list[str]], list[list[str]]]:
        """List all pages; the names of items and prefixes, page by page."""
        items, prefixes = [], []
        for _ in range(100):
            status, page, _ = await self.ask("GET", self.objects, **params)
            assert status == 200
            items.append([item["name"] for item in page.get("items", [])])
            prefixes.append(page.get("prefixes", []))
            if "nextPageToken" not in page:
                return items, prefixes
            params["pageToken"] = page["nextPageToken"]
        raise AssertionError("the listing does not end")


@pytest.fixture
async def client(cloud: FakeGcs) -> AsyncIterator[Client]:
    """A client of a fresh bucket."""
    name = f"bucket-{next(_numbers)}"
    cloud.make_bucket(name)
    async with aiohttp.ClientSession() as session:
        yield Client(cloud, session, name)


class TestResources:
    async def test_numbers_are_strings_and_hashes_base64(self, client: Client) -> None:
        """Generation, metageneration and size are strings; md5Hash and big-endian crc32c are base64."""
        status, resource = await client.put("a/b", b"123456789")
        assert status == 200
        assert resource["kind"] == "storage#object"
        assert (resource["size"], resource["metageneration"]) == ("9", "1")
        assert resource["generation"].isdigit()
        assert resource["md5Hash"] == b64encode(md5(b"123456789").digest()).decode()
        assert resource["crc32c"] == "4waSgw=="
        assert resource["updated"].endswith("Z")

    async def test_generation_grows_and_is_never_given_twice(self, client: Client) -> None:
        """Also for an object that was deleted in between."""
        first = (await client.put("a", b"1"))[1]["generation"]
        second = (await client.put("a", b"2"))[1]["generation"]
        await client.ask("DELETE", client.at("a"))
        third = (await client.put("a", b"1"))[1]["generation"]
        assert int(first) < int(second) < int(third)

    async def test_fields_limit_the_answer(self, client: Client) -> None:
        """A partial response holds the named fields only."""
        await client.put("a", b"1")
        assert (await client.ask("GET", client.at("a"), fields="name,size"))[1] == {"name": "a", "size": "1"}
        listing = (await client.ask("GET", client.objects, fields="items(name)"))[1]
        assert listing == {"items": [{"name": "a"}]}
        assert select({"a": {"b": 1, "c": 2}, "d": 3}, "a(b),x") == {"a": {"b": 1}}


class TestErrors:
    async def test_error_has_googles_shape(self, client: Client) -> None:
        """Code, message and a list of causes with reason and domain."""
        status, body, _ = await client.ask("GET", client.at("absent"))
        assert status == 404
        assert body["error"]["code"] == 404
        assert body["error"]["errors"][0]["reason"] == "notFound"
        assert body["error"]["errors"][0]["domain"] == "global"
        assert body["error"]["message"] == f"No such object: {client.bucket}/absent"

    async def test_refused_media_is_plain_text(self, client: Client) -> None:
        """Reads of media are refused without JSON."""
        status, body, response = await client.ask("GET", client.at("absent"), alt="media")
        assert (status, response.content_type) == (404, "text/plain")
        assert body == f"No such object: {client.bucket}/absent".encode()

    async def test_missing_bucket_is_404(self, cloud: FakeGcs, client: Client) -> None:
        """Listing and inserting say so; reading an object of it looks like a missing object."""
        client.objects = f"{cloud.url}/storage/v1/b/none/o"
        client.upload = f"{cloud.url}/upload/storage/v1/b/none/o"
        for method, url in (("GET", client.objects), ("POST", f"{client.upload}?uploadType=media&name=a")):
            status, body, _ = await client.ask(method, url)
            assert (status, body["error"]["message"]) == (404, "The specified bucket does not exist.")
        assert (await client.ask("GET", client.at("a")))[1]["error"]["message"] == "No such object: none/a"

    async def test_tokens_are_checked(self, cloud: FakeGcs, client: Client) -> None:
        """None and a bad one are 401, with different reasons; a public bucket is read without one."""
        await client.put("a", b"1")
        status, body, _ = await client.ask("GET", client.at("a"), token="")
        assert (status, body["error"]["errors"][0]["reason"]) == (401, "required")
        status, body, _ = await client.ask("GET", client.at("a"), token="bad")
        assert (status, body["error"]["errors"][0]["reason"]) == (401, "authError")
        cloud.make_bucket(client.bucket).public = True
        assert (await client.ask("GET", client.at("a"), token=""))[0] == 200
        assert (await client.ask("DELETE", client.at("a"), token=""))[0] == 401


class TestPreconditions:
    async def test_generation_match(self, client: Client) -> None:
        """Another generation is 412 for get, media, insert and delete; the right one goes through."""
        good = (await client.put("a", b"1"))[1]["generation"]
        for wanted, status in (("1", 412), (good, 200)):
            assert (await client.ask("GET", client.at("a"), ifGenerationMatch=wanted))[0] == status
            assert (await client.ask("GET", client.at("a"), alt="media", ifGenerationMatch=wanted))[0] == status
        assert (await client.put("a", b"2", ifGenerationMatch="1"))[0] == 412
        assert (await client.ask("DELETE", client.at("a"), ifGenerationMatch="1"))[0] == 412
        status, body = await client.put("a", b"2", ifGenerationMatch=good)
        assert status == 200
        assert (await client.ask("DELETE", client.at("a"), ifGenerationMatch=body["generation"]))[0] == 204

    async def test_zero_means_no_live_object(self, client: Client) -> None:
        """Insert with 0 succeeds once; with a generation it fails on an absent object."""
        assert (await client.put("a", b"1", ifGenerationMatch="0"))[0] == 200
        status, body = await client.put("a", b"2", ifGenerationMatch="0")
        assert (status, body["error"]["errors"][0]["reason"]) == (412, "conditionNotMet")
        assert (await client.put("b", b"1", ifGenerationMatch="17"))[0] == 412

    async def test_generation_not_match_is_304_on_get(self, client: Client) -> None:
        """An unchanged object is 304 to a reader and 412 to a writer."""
        current = (await client.put("a", b"1"))[1]["generation"]
        assert (await client.ask("GET", client.at("a"), ifGenerationNotMatch=current))[0] == 304
        assert (await client.put("a", b"2", ifGenerationNotMatch=current))[0] == 412
        assert (await client.ask("GET", client.at("a"), ifGenerationNotMatch="1"))[0] == 200

    async def test_metageneration_match(self, client: Client) -> None:
        """It is 1 for fresh data."""
        await client.put("a", b"1")
        assert (await client.ask("GET", client.at("a"), ifMetagenerationMatch="1"))[0] == 200
        assert (await client.ask("GET", client.at("a"), ifMetagenerationMatch="2"))[0] == 412
        assert (await client.ask("GET", client.at("a"), ifMetagenerationNotMatch="1"))[0] == 304

    async def test_generation_parameter_names_one_generation(self, client: Client) -> None:
        """Without object versioning an old generation is gone: 404."""
        old = (await client.put("a", b"1"))[1]["generation"]
        assert (await client.ask("GET", client.at("a"), generation=old))[0] == 200
        await client.put("a", b"2")
        assert (await client.ask("GET", client.at("a"), generation=old))[0] == 404
        assert (await client.ask("DELETE", client.at("a"), generation=old))[0] == 404

    async def test_missing_object_is_404_whatever_the_precondition(self, client: Client) -> None:
        """There is nothing whose generation could match."""
        assert (await client.ask("GET", client.at("a"), ifGenerationMatch="5"))[0] == 404
        assert (await client.ask("DELETE", client.at("a"), ifGenerationMatch="5"))[0] == 404

    async def test_precondition_that_is_no_number_is_400(self, client: Client) -> None:
        """An ETag is no generation."""
        await client.put("a", b"1")
        assert (await client.ask("GET", client.at("a"), ifGenerationMatch="etag"))[0] == 400


class TestMedia:
    @pytest.mark.parametrize(
        ("asked", "body", "content_range"),
        [
            ("bytes=0-3", b"0123", "bytes 0-3/10"),
            ("bytes=4-", b"456789", "bytes 4-9/10"),
            ("bytes=-3", b"789", "bytes 7-9/10"),
            ("bytes=8-100", b"89", "bytes 8-9/10"),
        ],
    )
    async def test_ranges(self, client: Client, asked: str, body: bytes, content_range: str) -> None:
        """A range is 206 with Content-Range, cut at the end of the object."""
        await client.put("a", b"0123456789")
        status, got, response = await client.ask("GET", client.at("a"), alt="media", headers={"Range": asked})
        assert (status, got, response.headers["Content-Range"]) == (206, body, content_range)

    async def test_range_past_the_end_is_416(self, client: Client) -> None:
        """Also at the very end, and for any range of an empty object."""
        await client.put("a", b"0123456789")
        await client.put("empty", b"")
        for name, asked in (("a", "bytes=10-"), ("a", "bytes=99-100"), ("empty", "bytes=0-0")):
            assert (await client.ask("GET", client.at(name), alt="media", headers={"Range": asked}))[0] == 416

    async def test_headers_name_generation_and_hashes(self, client: Client) -> None:
        """Hashes are of the whole object, on two lines, also for a range."""
        resource = (await client.put("a", b"0123456789"))[1]
        response = (await client.ask("GET", client.at("a"), alt="media", headers={"Range": "bytes=1-2"}))[2]
        assert response.headers["x-goog-generation"] == resource["generation"]
        assert response.headers["x-goog-stored-content-length"] == "10"
        expected = [f"crc32c={resource['crc32c']}", f"md5={resource['md5Hash']}"]
        assert response.headers.getall("x-goog-hash") == expected


class TestListing:
    @pytest.fixture(autouse=True)
    async def _objects(self, client: Client) -> None:
        # The example of Google's own reference.
        for name in ("a/b", "a/c", "d", "e", "e/f", "e/g/h"):
            await client.put(name, b"1")

    async def test_everything_in_order(self, client: Client) -> None:
        """Without a delimiter all names come, sorted."""
        assert await client.names() == ([["a/b", "a/c", "d", "e", "e/f", "e/g/h"]], [[]])

    async def test_delimiter_folds(self, client: Client) -> None:
        """Names with a delimiter after the prefix become prefixes, whole from the bucket's root."""
        assert await client.names(delimiter="/") == ([["d", "e"]], [["a/", "e/"]])
        assert await client.names(delimiter="/", prefix="e/") == ([["e/f"]], [["e/g/"]])

    @pytest.mark.parametrize("limit", ["1", "2", "3", "100"])
    async def test_pages_give_each_entry_once(self, client: Client, limit: str) -> None:
        """Items and prefixes together fill a page, and nothing is repeated over page ends."""
        items, prefixes = await client.names(delimiter="/", maxResults=limit)
        assert list(itertools.chain(*items)) == ["d", "e"]
        assert list(itertools.chain(*prefixes)) == ["a/", "e/"]
        assert all(len(one) + len(two) <= int(limit) for one, two in zip(items, prefixes, strict=True))

    async def test_offsets_bound_the_names(self, client: Client) -> None:
        """StartOffset is inclusive, endOffset exclusive."""
        assert await client.names(startOffset="a/c", endOffset="e/f") == ([["a/c", "d", "e"]], [[]])

    async def test_bad_token_is_400(self, client: Client) -> None:
        """A token that the service never gave is refused."""
        assert (await client.ask("GET", client.objects, pageToken="%"))[0] == 400


class TestResumable:
    async def _begin(self, client: Client, **params: str) -> str:
        status, _, response = await client.ask("POST", client.upload, uploadType="resumable", name="a", **params)
        assert status == 200
        return response.headers["Location"]

    async def test_parts_are_308_until_the_last(self, client: Client) -> None:
        """Range tells what is stored; nothing is visible before the end."""
        session = await self._begin(client)
        sent = {"Content-Range": f"bytes 0-{GRAIN - 1}/*"}
        status, _, response = await client.ask("PUT", session, data=bytes(GRAIN), headers=sent)
        assert (status, response.headers["Range"]) == (308, f"bytes=0-{GRAIN - 1}")
        assert (await client.ask("GET", client.at("a")))[0] == 404
        last = {"Content-Range": f"bytes {GRAIN}-{GRAIN + 1}/{GRAIN + 2}"}
        status, body, _ = await client.ask("PUT", session, data=b"xy", headers=last)
        assert (status, body["size"]) == (200, str(GRAIN + 2))

    async def test_status_of_a_fresh_session_has_no_range(self, client: Client) -> None:
        """Nothing stored is no Range header."""
        session = await self._begin(client)
        status, _, response = await client.ask("PUT", session, headers={"Content-Range": "bytes */*"})
        assert status == 308
        assert "Range" not in response.headers

    async def test_part_off_the_grain_is_400(self, client: Client) -> None:
        """All parts but the last are multiples of 256 KiB."""
        session = await self._begin(client)
        sent = {"Content-Range": "bytes 0-9/*"}
        assert (await client.ask("PUT", session, data=bytes(10), headers=sent))[0] == 400

    async def test_cancelled_session_is_499_then_404(self, client: Client) -> None:
        """DELETE ends it."""
        session = await self._begin(client)
        assert (await client.ask("DELETE", session))[0] == 499
        assert (await client.ask("PUT", session, data=b"x"))[0] == 404

    async def test_precondition_holds_at_both_ends(self, client: Client) -> None:
        """It is checked when the session begins and when it ends."""
        session = await self._begin(client, ifGenerationMatch="0")
        await client.put("a", b"first")
        last = {"Content-Range": "bytes 0-0/1"}
        assert (await client.ask("PUT", session, data=b"x", headers=last))[0] == 412
        answer = await client.ask("POST", client.upload, uploadType="resumable", name="a", ifGenerationMatch="0")
        assert answer[0] == 412


class TestMultipart:
    async def test_wrong_hash_is_400(self, client: Client) -> None:
        """A digest sent along is checked before anything is stored."""
        for digest, status in (("AAAA", 400), (b64encode(md5(b"data").digest()).decode(), 200)):
            head = json.dumps({"name": "a", "md5Hash": digest, "metadata": {"k": "v"}}).encode()
            body = b"--B\r\nContent-Type: application/json\r\n\r\n" + head
            body += b"\r\n--B\r\nContent-Type: text/plain\r\n\r\ndata\r\n--B--\r\n"
            kind = {"Content-Type": "multipart/related; boundary=B"}
            answer = await client.ask("POST", client.upload, data=body, headers=kind, uploadType="multipart")
            assert answer[0] == status
        resource = (await client.ask("GET", client.at("a")))[1]
        assert (resource["contentType"], resource["metadata"]) == ("text/plain", {"k": "v"})


class TestCopies:
    async def test_copy_and_rewrite_check_source_and_target(self, client: Client) -> None:
        """IfSourceGenerationMatch is the source's, ifGenerationMatch the target's."""
        current = (await client.put("a", b"1"))[1]["generation"]
        for verb in ("copyTo", "rewriteTo"):
            url = f"{client.at('a')}/{verb}/b/{client.bucket}/o/{verb}"
            assert (await client.ask("POST", url, ifSourceGenerationMatch="1"))[0] == 412
            assert (await client.ask("POST", url, ifGenerationMatch="1"))[0] == 412
            both = {"ifSourceGenerationMatch": current, "ifGenerationMatch": "0"}
            assert (await client.ask("POST", url, **both))[0] == 200
            assert (await client.ask("GET", client.at(verb), alt="media"))[1] == b"1"

    async def test_long_rewrite_is_continued_by_token(
        self, cloud: FakeGcs, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Until it is done there is a token and no object."""
        monkeypatch.setattr(cloud, "rewrite_step", 6)
        await client.put("a", b"0123456789")
        url = f"{client.at('a')}/rewriteTo/b/{client.bucket}/o/b"
        first = (await client.ask("POST", url))[1]
        assert (first["done"], first["totalBytesRewritten"], first["objectSize"]) == (False, "6", "10")
        assert (await client.ask("GET", client.at("b")))[0] == 404
        second = (await client.ask("POST", url, rewriteToken=first["rewriteToken"]))[1]
        assert (second["done"], second["resource"]["size"]) == (True, "10")
        assert (await client.ask("POST", url, rewriteToken="made-up"))[0] == 400


def test_crc32c_agrees_with_the_standards_vectors() -> None:
    """RFC 3720, B.4, and the check value of the CRC catalogue; long data by lanes as by bytes."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    data = bytes(range(251)) * 4000
    joined = crc32c(data)
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    assert joined == register ^ 0xFFFFFFFF
