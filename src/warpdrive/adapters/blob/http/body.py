"""Bodies of responses: into the caller's buffer, copied once; or, of a refusal, its first words."""

import aiohttp

from warpdrive.application.ports.errors import ShortBody, Stalled
from warpdrive.application.ports.object_reader import BodySink

_REFUSAL_LIMIT = 16 * 1024


async def refusal(response: aiohttp.ClientResponse) -> bytes:
    """Read what a server says of its refusal, 16 KiB at most; a body that breaks off costs only the words."""
    words = bytearray()
    try:
        while len(words) < _REFUSAL_LIMIT and not response.content.at_eof():
            words += (await response.content.readchunk())[0]
    except (aiohttp.ClientError, OSError):
        return bytes(words)
    return bytes(words)


async def pour(response: aiohttp.ClientResponse, into: memoryview, what: str, sink: BodySink | None) -> None:
    """Fill `into` with the body, telling `sink` after each piece.

    Raises ShortBody when the body ends, or its connection breaks, before `into` is full: what did arrive
    stays valid either way. Raises Stalled when the socket's own time-out passes.
    """
    wanted = len(into)
    content = response.content
    filled = 0
    try:
        while filled < wanted:
            # readchunk hands out the parser's own pieces; read and readany would join them first.
            piece, _ = await content.readchunk()
            if not piece:
                if content.at_eof():
                    break
                continue
            end = filled + len(piece)
            if end > wanted:
                piece, end = piece[: wanted - filled], wanted
            into[filled:end] = piece
            filled = end
            if sink is not None:
                sink.advanced(filled)
    except TimeoutError as error:
        raise Stalled(f"{what}: the body stopped after {filled} of {wanted} bytes") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ShortBody(f"{what}: {filled} of {wanted} bytes, then {error!r}", filled) from error
    if filled < wanted:
        raise ShortBody(f"{what}: the body ended after {filled} of {wanted} bytes", filled)
