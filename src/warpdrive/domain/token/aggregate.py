"""The Token as a stream of events: issued once, revoked at most once."""

import re
from datetime import datetime
from typing import Final, Self, TypedDict
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.domain.content.moments import in_utc, moment_text, moment_value
from warpdrive.domain.content.texts import why_no_note, why_no_word
from warpdrive.domain.token.errors import InvalidRevocation, InvalidTokenGrant, TokenRevoked
from warpdrive.domain.token.values import Role, TokenGrant

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class GrantPayload(TypedDict):
    """A `TokenGrant` in texts; names sorted, each once; "" for a node or expiry that there is not."""

    role: str
    digest: str
    namespaces: list[str]
    teams: list[str]
    node: str
    note: str
    expires_at: str


class Token(Aggregate):
    """An access token's life.

    The id is random and made by whoever issues it. Commands take `at`, a moment with a time zone (ValueError
    without).
    """

    TOPIC = "warpdrive.token:Token"

    class Event(Aggregate.Event):
        """Something that happened to a token."""

    class Issued(Event, Aggregate.Created):
        """Somebody was given a secret with this digest. The state begins in `Token.__init__`."""

        TOPIC = "warpdrive.token:Issued.v1"
        grant: GrantPayload

    Created = Issued
    """The library wants this name on every aggregate, and would make an event of its own otherwise."""

    class Revoked(Event):
        """The secret opens nothing any more."""

        TOPIC = "warpdrive.token:Revoked.v1"
        reason: str

        def apply(self, aggregate: "Token") -> None:
            """End it."""
            aggregate._revoked = True  # noqa: SLF001 - events are the aggregate's own

    def __init__(self, grant: GrantPayload) -> None:
        """Begin the state that `Issued` describes; use `issue`, which checks."""
        self._grant = grant
        self._revoked = False

    @classmethod
    def issue(cls, token_id: UUID, grant: TokenGrant, *, at: datetime) -> Self:
        """Give a bearer access. Raises InvalidTokenGrant."""
        payload = _grant_payload(grant, at)
        return cls._create(cls.Issued, id=token_id, timestamp=in_utc(at), grant=payload)

    @property
    def grant(self) -> TokenGrant:
        """What the bearer was given, names sorted."""
        grant = self._grant
        return TokenGrant(
            role=Role(grant["role"]),
            digest=grant["digest"],
            namespaces=tuple(grant["namespaces"]),
            teams=tuple(grant["teams"]),
            node=grant["node"],
            note=grant["note"],
            expires_at=moment_value(grant["expires_at"]),
        )

    @property
    def revoked(self) -> bool:
        """It opens nothing, ever again."""
        return self._revoked

    def is_valid(self, at: datetime) -> bool:
        """Tell whether it opens anything at a moment: not revoked, and before its expiry."""
        expires_at = moment_value(self._grant["expires_at"])
        return not self._revoked and (expires_at is None or in_utc(at) < expires_at)

    def revoke(self, reason: str, *, at: datetime) -> None:
        """Let it open nothing from now on, even when it has expired. Raises TokenRevoked, InvalidRevocation."""
        if self._revoked:
            raise TokenRevoked(str(self.id))
        unkept = why_no_note(reason)
        if unkept is not None:
            raise InvalidRevocation(unkept)
        self.trigger_event(self.Revoked, timestamp=in_utc(at), reason=reason)


def _grant_payload(grant: TokenGrant, at: datetime) -> GrantPayload:
    if not _DIGEST.fullmatch(grant.digest):
        raise InvalidTokenGrant("digest", "is not 64 lowercase hex digits")
    for field, names in (("namespaces", grant.namespaces), ("teams", grant.teams)):
        for name in names:
            reason = why_no_word(name)
            if reason is not None:
                raise InvalidTokenGrant(field, f"hold {name!r}, which {reason}")
    _check_node(grant)
    reason = why_no_note(grant.note)
    if reason is not None:
        raise InvalidTokenGrant("note", reason)
    if grant.expires_at is not None and in_utc(grant.expires_at) <= in_utc(at):
        raise InvalidTokenGrant("expiry", "is not after its issue")
    return GrantPayload(
        role=grant.role.value,
        digest=grant.digest,
        namespaces=sorted(set(grant.namespaces)),
        teams=sorted(set(grant.teams)),
        node=grant.node,
        note=grant.note,
        expires_at=moment_text(grant.expires_at),
    )


def _check_node(grant: TokenGrant) -> None:
    """An agent speaks for one node, and nobody else speaks for any."""
    if grant.role is not Role.AGENT:
        if grant.node:
            raise InvalidTokenGrant("node", f"is for agents only, not for the role {grant.role.value!r}")
        return
    reason = why_no_word(grant.node)
    if reason is not None:
        raise InvalidTokenGrant("node", reason)
