"""The XML of List Blobs as a ListPage."""

import xml.etree.ElementTree as ET
from urllib.parse import unquote

from warpdrive.adapters.blob.azure.properties import etag_version, md5_digest
from warpdrive.adapters.blob.http.headers import http_date_ns
from warpdrive.application.ports.errors import Unavailable
from warpdrive.application.ports.objects import ListPage, ObjectInfo, ObjectKey


def parse_listing(document: bytes) -> ListPage:
    """Read one page. Directories of a hierarchical namespace are left out of the objects.

    Raises Unavailable when the document is cut or no listing.
    """
    try:
        root = ET.fromstring(document)  # noqa: S314 -- expat >= 2.4 bounds entity expansion, and the endpoint is configured
    except ET.ParseError as error:
        raise Unavailable(f"the listing is not well-formed XML: {error}") from error
    if root.tag != "EnumerationResults":
        raise Unavailable(f"the listing is a <{root.tag}>")
    objects: list[ObjectInfo] = []
    prefixes: list[ObjectKey] = []
    for element in root.iterfind("Blobs/*"):
        if element.tag == "BlobPrefix":
            prefixes.append(_name(element))
        elif element.tag == "Blob":
            info = _blob(element)
            if info is not None:
                objects.append(info)
    return ListPage(objects=objects, prefixes=prefixes, cursor=root.findtext("NextMarker") or None)


def _name(element: ET.Element) -> ObjectKey:
    name = element.find("Name")
    if name is None:
        raise Unavailable("the listing holds an entry without a name")
    text = name.text or ""
    # Names with characters that XML cannot carry come percent-encoded, marked so.
    return ObjectKey(unquote(text) if name.get("Encoded") == "true" else text)


def _blob(element: ET.Element) -> ObjectInfo | None:
    values = {child.tag: child.text or "" for child in element.iterfind("Properties/*")}
    if values.get("ResourceType") == "directory":
        return None
    return ObjectInfo(
        key=_name(element),
        size=int(values.get("Content-Length") or 0),
        version=etag_version(values.get("Etag", "")),
        mtime_ns=http_date_ns(values.get("Last-Modified")),
        digest=md5_digest(values.get("Content-MD5")),
        storage_class=values.get("AccessTier", ""),
    )
