"""A minimal HTTP/1.1 client whose body lands in the caller's own buffer.

The room exists because reading is all this system does all day: a general client spends most of a small GET
on itself, and collects bodies that we want elsewhere. `head` parses response heads, `chunked` undoes
chunked transfer, `connection` runs one exchange at a time on one transport (`asyncio.BufferedProtocol`: the
kernel writes into the caller's memory), `pool` keeps connections alive and replaces stale ones. Requests
are bytes that the caller made. Only bodiless requests that may be repeated (GET, HEAD) go this way;
everything else uses the vendor's SDK.
"""
