"""What the adapters that speak HTTP through aiohttp share: a session, a body into a buffer, header values.

It holds no vendor's rule. `session` makes the connection pool on first use, `body` streams a response into
the caller's memory, `headers` reads dates, ranges and Retry-After.
"""
