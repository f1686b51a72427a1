"""The control: a bare aiohttp client that fetches one object by 16 ranged requests at a time, and does nothing else."""

import asyncio
import os
import re
import time
from pathlib import Path

import aiohttp

WAYS = 16
PART = 8 << 20


def download(url: str, size: int, into: Path | None) -> float:
    """Fetch `size` bytes of `url`, written to the file `into` or thrown away; MB (10^6) per second."""
    return asyncio.run(_download(url, size, into))


async def _download(url: str, size: int, into: Path | None) -> float:
    descriptor = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if into else None
    places = iter(range(0, size, PART))
    received = 0

    async def worker(session: aiohttp.ClientSession) -> None:
        nonlocal received
        for start in places:  # one shared iterator: each part is taken once
            wanted = {"Range": f"bytes={start}-{min(start + PART, size) - 1}"}
            async with session.get(url, headers=wanted) as answer:
                answer.raise_for_status()
                at = start
                async for piece in answer.content.iter_any():
                    if descriptor is not None:
                        os.pwrite(descriptor, piece, at)
                    at += len(piece)
                received += at - start

    try:
        connector = aiohttp.TCPConnector(limit=WAYS)
        timeout = aiohttp.ClientTimeout(total=600)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, read_bufsize=1 << 20, auto_decompress=False
        ) as session:
            started = time.perf_counter()
            await asyncio.gather(*(worker(session) for _ in range(WAYS)))
            seconds = time.perf_counter() - started
    finally:
        if descriptor is not None:
            os.close(descriptor)
    if received != size:
        raise OSError(f"{received} bytes received where {size} were expected")
    return size / seconds / 1e6


def list_names(endpoint: str, bucket: str, prefix: str) -> tuple[int, float]:
    """Page through a listing and do nothing with it but count; names and seconds."""
    return asyncio.run(_list_names(endpoint, bucket, prefix))


async def _list_names(endpoint: str, bucket: str, prefix: str) -> tuple[int, float]:
    names, token = 0, None
    async with aiohttp.ClientSession() as session:
        started = time.perf_counter()
        while True:
            query = {"list-type": "2", "prefix": prefix, "delimiter": "/", "max-keys": "1000"}
            if token:
                query["continuation-token"] = token
            async with session.get(f"{endpoint}/{bucket}", params=query) as answer:
                answer.raise_for_status()
                body = await answer.read()
            names += body.count(b"<Key>")
            found = re.search(rb"<NextContinuationToken>([^<]+)<", body)
            if not found:
                return names, time.perf_counter() - started
            token = found[1].decode()
