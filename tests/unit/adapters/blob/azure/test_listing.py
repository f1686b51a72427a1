"""List Blobs' XML, as the service writes it, becomes a page."""

from base64 import b64encode

import pytest

from warpdrive.adapters.blob.azure.listing import parse_listing
from warpdrive.application.ports.errors import Unavailable
from warpdrive.application.ports.objects import Digest

HEAD = '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c"><Blobs>'
TAIL = "</Blobs><NextMarker>{}</NextMarker></EnumerationResults>"
MD5 = bytes(range(16))


def _blob(name: str, *, attribute: str = "", extra: str = "") -> str:
    return (
        f"<Blob><Name{attribute}>{name}</Name><Properties>"
        "<Last-Modified>Wed, 09 Sep 2009 09:20:02 GMT</Last-Modified><Etag>0x8CBFF45D8A29A19</Etag>"
        f"<Content-Length>100</Content-Length><Content-MD5>{b64encode(MD5).decode()}</Content-MD5>{extra}"
        "</Properties></Blob>"
    )


def _document(*entries: str, marker: str = "") -> bytes:
    return (HEAD + "".join(entries) + TAIL.format(marker)).encode()


def test_blob_becomes_an_object() -> None:
    """Name, length, bare ETag, time in whole seconds and the MD5 are taken over."""
    (info,) = parse_listing(_document(_blob("a/b.txt"))).objects
    assert info.key == "a/b.txt"
    assert info.size == 100
    assert info.version == "0x8CBFF45D8A29A19"
    assert info.mtime_ns == 1_252_488_002 * 10**9
    assert info.digest == Digest("md5", MD5)


def test_prefixes_and_marker_are_told() -> None:
    """BlobPrefix entries are sub-prefixes, NextMarker is the cursor."""
    page = parse_listing(_document("<BlobPrefix><Name>a/</Name></BlobPrefix>", marker="2!92!abc"))
    assert page.prefixes == ["a/"]
    assert page.cursor == "2!92!abc"


def test_last_page_has_no_cursor() -> None:
    """An empty NextMarker ends the listing."""
    assert parse_listing(_document()) == ([], [], None)


def test_encoded_name_is_decoded_and_others_are_not() -> None:
    """Only a name marked Encoded is percent-encoded: "%41" in an ordinary one is three characters."""
    page = parse_listing(_document(_blob("a%EF%BF%BE", attribute=' Encoded="true"'), _blob("a%41")))
    assert [info.key for info in page.objects] == ["a\ufffe", "a%41"]


def test_directory_of_a_hierarchical_namespace_is_no_object() -> None:
    """Such accounts list directories as empty blobs; they are left out."""
    page = parse_listing(_document(_blob("d", extra="<ResourceType>directory</ResourceType>"), _blob("f")))
    assert [info.key for info in page.objects] == ["f"]


@pytest.mark.parametrize("cut", [b"", _document(_blob("a"))[:-30], b"<html></html>"])
def test_what_is_no_listing_is_unavailable(cut: bytes) -> None:
    """A cut document, or a proxy's page, is a passing fault, not an empty directory."""
    with pytest.raises(Unavailable):
        parse_listing(cut)
