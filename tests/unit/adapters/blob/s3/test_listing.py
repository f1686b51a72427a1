"""Pages of listings."""

from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpdrive.adapters.blob.s3.http.head import MalformedResponse
from warpdrive.adapters.blob.s3.listing import _parsed, list_query, parse_page
from warpdrive.adapters.blob.s3.page_scan import scan
from warpdrive.application.ports.objects import ObjectInfo, ObjectKey, ObjectVersion

_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_EXTRA = "<StorageClass>STANDARD</StorageClass><Owner><ID>1</ID><DisplayName>me</DisplayName></Owner>"


def _entry(key: str, *, etag: str = "&quot;e1&quot;", modified: str = "2024-02-29T12:00:00.500Z") -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{etag}</ETag>"
        f"<Size>7</Size>{_EXTRA}</Contents>"
    )


def _page(content: str, *, xmlns: str = _XMLNS, declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> bytes:
    return f"{declaration}<ListBucketResult {xmlns}><Name>b</Name>{content}</ListBucketResult>".encode()


def test_entries_prefixes_and_cursor() -> None:
    """A page as AWS sends it; the digest of a listed object is not known."""
    content = (
        "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        "<NextContinuationToken>a+b/c==</NextContinuationToken>"
        + _entry("d/a%2Bb+c")
        + "<CommonPrefixes><Prefix>d/sub+dir/</Prefix></CommonPrefixes>"
    )
    page = parse_page(_page(content))
    when = 1_709_208_000 * 10**9
    assert page.objects == [ObjectInfo(ObjectKey("d/a+b c"), 7, ObjectVersion("e1"), when, storage_class="STANDARD")]
    assert page.prefixes == ["d/sub dir/"]
    assert page.cursor == "a+b/c=="


def test_an_empty_page() -> None:
    """Nothing there is an answer too."""
    page = parse_page(_page("<IsTruncated>false</IsTruncated><Prefix/>"))
    assert (page.objects, page.prefixes, page.cursor) == ([], [], None)


def test_without_encoding_names_stand_as_they_are() -> None:
    """A store that ignores `encoding-type` does not mean its plus signs as spaces."""
    assert parse_page(_page(_entry("a+b%20c"))).objects[0].key == "a+b%20c"


def test_names_that_are_not_utf8_come_as_surrogates() -> None:
    """Raw bytes survive."""
    page = parse_page(_page("<EncodingType>url</EncodingType>" + _entry("raw%E9")))
    assert page.objects[0].key == "raw\udce9"


@pytest.mark.parametrize(
    "classes",
    [("GLACIER", "GLACIER"), ("STANDARD", "GLACIER", "STANDARD"), ("", ""), ("STANDARD", ""), ("a&amp;b", "a&amp;b")],
)
def test_each_entry_has_its_own_storage_class(classes: tuple[str, ...]) -> None:
    """One for all, different ones, none, only some, and one that nobody has: by cutting and by parsing."""
    content = ""
    for number, one in enumerate(classes):
        tag = f"<StorageClass>{one}</StorageClass>" if one else ""
        content += _entry(f"k{number}").replace("<StorageClass>STANDARD</StorageClass>", tag)
    body = _page(content)
    wanted = [one.replace("&amp;", "&") for one in classes]
    assert [info.storage_class for info in parse_page(body).objects] == wanted
    assert _parsed(body).classes == wanted


_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(_NAMES, max_size=5), st.lists(_NAMES, max_size=3))
def test_any_name_survives_the_encoding(keys: list[str], prefixes: list[str]) -> None:
    """Control characters, entities and signs of every kind."""
    content = "<EncodingType>url</EncodingType>"
    content += "".join(_entry(quote_plus(key, safe="/")) for key in keys)
    content += "".join(
        f"<CommonPrefixes><Prefix>{quote_plus(prefix, safe='/')}</Prefix></CommonPrefixes>" for prefix in prefixes
    )
    page = parse_page(_page(content))
    assert [info.key for info in page.objects] == keys
    assert page.prefixes == prefixes


_XML_TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn"]), min_size=1, max_size=12)


@given(st.lists(_XML_TEXT, max_size=5), st.lists(_XML_TEXT, max_size=3))
def test_cutting_and_parsing_mean_the_same(keys: list[str], prefixes: list[str]) -> None:
    """The quick way gives what the XML parser gives, entities included."""
    content = "".join(_entry(escape(key), etag="&#34;e&amp;quot;&#34;") for key in keys)
    content += "".join(f"<CommonPrefixes><Prefix>{escape(key)}</Prefix></CommonPrefixes>" for key in prefixes)
    body = _page(content + "<IsTruncated>false</IsTruncated>")
    assert scan(body) == _parsed(body)
    assert [info.key for info in parse_page(body).objects] == keys


@pytest.mark.parametrize(
    "content",
    [
        "<!-- a comment --><Contents/>",
        _entry("<![CDATA[a<b]]>"),
        _entry("k").replace("<Key>", '<Key lang="en">'),
        _entry("k").replace("<Contents>", "<Contents >"),
        "<CommonPrefixes ><Prefix>a/</Prefix></CommonPrefixes>",
        _entry("k").replace("</Size>", "</Size >"),
        _entry("caf&#233;"),
        _entry("a").replace("<Size>7</Size>", "<Size>7</Size><Size>8</Size>"),
    ],
)
def test_what_cannot_be_cut_is_left_to_the_parser(content: str) -> None:
    """Anything but plain elements."""
    assert scan(_page(content)) is None


def test_the_parser_takes_what_cutting_declines() -> None:
    """CDATA, comments, attributes and prefixed names are still a listing."""
    content = (
        "<!-- c -->" + _entry("<![CDATA[a&b]]>") + _entry("caf&#233;") + _entry("k").replace("<Key>", '<Key lang="en">')
    )
    assert [info.key for info in parse_page(_page(content)).objects] == ["a&b", "café", "k"]
    prefixed = (
        '<s:ListBucketResult xmlns:s="urn:x"><s:Contents><s:Key>k</s:Key><s:Size>1</s:Size><s:ETag>e</s:ETag>'
        "<s:LastModified>2024-02-29T12:00:00Z</s:LastModified></s:Contents></s:ListBucketResult>"
    )
    assert [info.key for info in parse_page(prefixed.encode()).objects] == ["k"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<Error><Code>X</Code></Error>",
        _page("<IsTruncated>true</IsTruncated>"),
        _page(_entry("")),
        _page(_entry("k", modified="yesterday")),
        _page(_entry("k").replace("<Size>7", "<Size>seven")),
        _page(_entry("k").replace("<ETag>&quot;e1&quot;</ETag>", "")),
        _page("<unclosed>" + "<!-- -->"),
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>',
        '<?xml version="1.0" encoding="UTF-16"?><ListBucketResult/>'.encode("utf-16"),
    ],
)
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    """With an error that may be tried again; a DTD is never expanded."""
    with pytest.raises(MalformedResponse):
        parse_page(body)


def test_the_query_asks_for_what_is_wanted() -> None:
    """Folded at slashes unless recursive; never more than S3 gives."""
    folded = list_query(ObjectKey("a/"), cursor="c", limit=5000, recursive=False)
    assert folded == {
        "list-type": "2",
        "encoding-type": "url",
        "max-keys": "1000",
        "prefix": "a/",
        "continuation-token": "c",
        "delimiter": "/",
    }
    assert list_query(ObjectKey(""), cursor=None, limit=1, recursive=True) == {
        "list-type": "2",
        "encoding-type": "url",
        "max-keys": "1",
    }
