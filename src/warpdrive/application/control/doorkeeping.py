"""Who is calling: from the secret that was sent to a principal."""

import hmac
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from warpdrive.application.control.calls import Principal
from warpdrive.application.control.errors import Unauthenticated
from warpdrive.application.control.secrets import parse_secret
from warpdrive.application.control.streams import Streams
from warpdrive.application.ports.clock import Clock
from warpdrive.domain.token.aggregate import Token
from warpdrive.domain.token.values import Role

BELIEVED: Final = 1.0
"""Seconds that a token is believed without looking: so long may another process serve one that was revoked."""

BELIEVED_WATCHING: Final = 30.0
"""The same for who watches already: the follower that tells them of changes hears of a token's end first (`forget`).

Two hundred nodes would otherwise ask two hundred times before each of them is told of one change.
"""

_AT_HAND: Final = 10_000

ANYONE: Final = Principal("system:anyone", Role.ADMIN)
"""Everybody, where `auth.mode` is `none` (bound to loopback only)."""


class Doorkeeper:
    """Knows callers by their tokens' streams."""

    def __init__(self, streams: Streams, clock: Clock, *, open_door: bool = False) -> None:
        self._streams = streams
        self._clock = clock
        self._open_door = open_door
        self._known: OrderedDict[UUID, tuple[float, Token | None]] = OrderedDict()
        """Token id -> (monotonic moment of looking, what was found); bounded, oldest first."""
        self._forgotten = 0
        """How often something was forgotten: what was being read then is not to be kept."""

    async def principal(self, secret: str | None, *, believed: float = BELIEVED) -> Principal:
        """Tell who shows this secret, by what was seen of its token at most `believed` seconds ago.

        Raises Unauthenticated for none, a wrong one, an expired or a revoked one, all in the same words;
        StoreUnavailable.
        """
        if self._open_door:
            return ANYONE
        shown = parse_secret(secret or "")
        if shown is None:
            raise Unauthenticated
        token = await self._token(shown.token_id, believed)
        # Compared also when there is no such token, so that the time taken tells nothing.
        fits = hmac.compare_digest(shown.digest, token.grant.digest if token is not None else "0" * 64)
        if token is None or not fits or not token.is_valid(self._now()):
            raise Unauthenticated
        grant = token.grant
        return Principal(f"token:{token.id}", grant.role, grant.namespaces, grant.teams, grant.node)

    def forget(self, token_id: UUID) -> None:
        """Look again at a token's next use: it has just changed."""
        self._known.pop(token_id, None)
        self._forgotten += 1

    async def _token(self, token_id: UUID, believed: float) -> Token | None:
        known = self._known.get(token_id)
        now = self._clock.monotonic()
        if known is not None and now - known[0] <= believed:
            return known[1]
        forgotten = self._forgotten
        token = await self._streams.load(Token, token_id)
        if forgotten != self._forgotten:
            return token
        self._known[token_id] = (now, token)
        self._known.move_to_end(token_id)
        while len(self._known) > _AT_HAND:
            self._known.popitem(last=False)
        return token

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)
