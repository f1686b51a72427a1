"""An S3 server that can do one thing: list very many names, each page after a wait of its own.

It answers ListObjects, ListObjectsV2 and HEAD for keys `names/<number>.bin` of 4096 bytes. The general servers sort
all their keys for every page, so that a listing of 100,000 names would measure them and not the mount. Run as a
program: `python -m benchmarks.listing_server HOST PORT COUNT PAGE_MILLISECONDS`.
"""

import asyncio
import sys
from bisect import bisect_left
from collections.abc import Sequence
from xml.sax.saxutils import escape

from aiohttp import web

FOLDER = "names/"
SIZE = 4096
ETAG = "0123456789abcdef0123456789abcdef"
MODIFIED = "2024-01-01T00:00:00.000Z"
MODIFIED_HTTP = "Mon, 01 Jan 2024 00:00:00 GMT"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


class Listing:
    """The names, rendered once, and the pages cut from them."""

    def __init__(self, count: int) -> None:
        self.keys = [f"{FOLDER}{number:07d}.bin" for number in range(count)]
        self._entries = [
            f"<Contents><Key>{key}</Key><LastModified>{MODIFIED}</LastModified><ETag>&quot;{ETAG}&quot;</ETag>"
            f"<Size>{SIZE}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in self.keys
        ]

    def page(self, prefix: str, delimiter: str, after: str, limit: int) -> str:
        """Render one page: keys under `prefix` past `after`, at most `limit`."""
        if delimiter == "/" and FOLDER.startswith(prefix) and prefix != FOLDER:
            return self._render(prefix, [], f"<CommonPrefixes><Prefix>{FOLDER}</Prefix></CommonPrefixes>", "")
        start = bisect_left(self.keys, prefix)
        end = bisect_left(self.keys, prefix + "\U0010ffff")
        if after:
            start = max(start, bisect_left(self.keys, after) + 1)
        stop = min(start + limit, end)
        token = self.keys[stop - 1] if start < stop < end else ""
        return self._render(prefix, self._entries[start:stop], "", token)

    def _render(self, prefix: str, entries: Sequence[str], folders: str, token: str) -> str:
        truncated = "true" if token else "false"
        # The last name serves both versions of the listing call.
        more = f"<NextContinuationToken>{token}</NextContinuationToken><NextMarker>{token}</NextMarker>"
        more = more if token else ""
        count = len(entries) + bool(folders)
        return (
            f"{HEAD}<Name>bench</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{count}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>{truncated}</IsTruncated>{more}"
            f"{''.join(entries)}{folders}</ListBucketResult>"
        )


def application(count: int, page_seconds: float) -> web.Application:
    """Build the server for `count` names; every page is answered after `page_seconds`."""
    listing = Listing(count)
    known = frozenset(listing.keys)

    async def answer_listing(request: web.Request) -> web.Response:
        query = request.query
        after = query.get("continuation-token") or query.get("marker") or query.get("start-after", "")
        limit = min(int(query.get("max-keys", "1000")), 1000)
        text = listing.page(query.get("prefix", ""), query.get("delimiter", ""), after, limit)
        await asyncio.sleep(page_seconds)
        return web.Response(text=text, content_type="application/xml")

    async def answer_object(request: web.Request) -> web.Response:
        if request.method != "HEAD" or request.match_info["key"] not in known:
            return web.Response(status=404)
        # A Content-Length without a body is what HEAD means; aiohttp leaves a given one alone.
        headers = {"ETag": f'"{ETAG}"', "Last-Modified": MODIFIED_HTTP, "Content-Length": str(SIZE)}
        return web.Response(headers=headers)

    served = web.Application()
    served.router.add_get("/{bucket}", answer_listing)
    served.router.add_get("/{bucket}/", answer_listing)
    served.router.add_route("*", "/{bucket}/{key:.+}", answer_object)
    return served


if __name__ == "__main__":
    _, host, port, count, milliseconds = sys.argv
    served = application(int(count), float(milliseconds) / 1000)
    web.run_app(served, host=host, port=int(port), access_log=None)
