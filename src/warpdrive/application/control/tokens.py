"""Access tokens: making them, ending them, listing them."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.doorkeeping import Doorkeeper
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.control.paging import page_of, page_size, page_start
from warpdrive.application.control.secrets import RANDOM_BYTES, Secret, make_secret
from warpdrive.application.control.views import IssuedToken, TokenView
from warpdrive.application.ports.event_store import EventReader, NameUse
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.token.aggregate import Token
from warpdrive.domain.token.values import Role, TokenGrant

FIRST_ADMIN: Final = ("bootstrap", "first admin")
"""The name (kind, name) that the first admin's token takes, so that there is only one."""

_ORDER: Final = ("id",)
_LONGEST: Final = 100 * 366 * 86400.0

Random = Callable[[int], bytes]


class Tokens:
    """Use cases of tokens. Commands raise what the aggregate does, NotFound, Malformed, the store's errors."""

    def __init__(
        self,
        commands: Commands,
        reader: EventReader,
        models: ReadModels,
        doorkeeper: Doorkeeper,
        new_id: Callable[[], UUID],
        random: Random,
    ) -> None:
        self._commands = commands
        self._reader = reader
        self._models = models
        self._doorkeeper = doorkeeper
        self._new_id = new_id
        self._random = random

    async def create(
        self,
        call: Call,
        *,
        role: Role,
        namespaces: tuple[str, ...] = (),
        teams: tuple[str, ...] = (),
        node: str = "",
        note: str = "",
        expires_in: float | None = None,
    ) -> Done[IssuedToken]:
        """Make a token; `expires_in` in seconds, None for ever. The secret is in the answer and nowhere else."""
        if expires_in is not None and not 0 < expires_in <= _LONGEST:
            raise Malformed("expires_in", "must be more than nothing and at most 100 years")
        expires_at = None if expires_in is None else call.at + timedelta(seconds=expires_in)
        secret = make_secret(self._new_id(), self._random(RANDOM_BYTES))
        grant = TokenGrant(role, secret.digest, namespaces, teams, node, note, expires_at)
        return await self._issue(call, secret, grant, ())

    async def create_first(self, call: Call, secret: Secret) -> Done[IssuedToken]:
        """Make the first admin's token, once in the life of a database. Raises AlreadyThere ever after."""
        grant = TokenGrant(Role.ADMIN, secret.digest, note="first admin")
        claim = NameUse(*FIRST_ADMIN, str(secret.token_id))
        return await self._issue(call, secret, grant, (claim,))

    async def revoke(self, call: Call, token_id: str, reason: str) -> Done[TokenView]:
        """End a token: at once in this process, in every other within a second."""

        def decide(token: Token | None) -> Decision[Token]:
            if token is None:
                raise NotFound("token", token_id)
            token.revoke(reason, at=call.at)
            return Decision(token)

        async def locate() -> UUID:
            return _parsed(token_id)

        issued = await self._reader.stream(_parsed(token_id), to_version=1)
        by = issued[0].actor if issued else ""
        try:
            return await self._commands.change(Token, call, locate, decide, lambda token: token_view(token, by))
        finally:
            # Also when the caller has gone, or the store was lost, before we knew what came of it.
            self._doorkeeper.forget(_parsed(token_id))

    async def page(self, call: Call, *, size: int, token: str, ended: bool) -> Done[Page[TokenView]]:
        """Show tokens by id; revoked and expired ones only with `ended`. Raises Malformed."""
        limit = page_size(size)
        position = await self._models.position()
        where: dict[str, Any] = {} if ended else {"revoked": False}
        rows = await self._models.rows(
            "tokens", where=where, order=_ORDER, after=page_start(token, len(_ORDER)), limit=limit + 1
        )
        page = page_of(rows, limit, _ORDER, _row_view)
        if not ended:
            # A page may hold fewer than asked for: who pages looks at the token, not at the number.
            lasting = tuple(each for each in page.items if each.expires_at is None or each.expires_at > call.at)
            page = Page(lasting, page.next_token)
        return Done(page, position)

    async def _issue(
        self, call: Call, secret: Secret, grant: TokenGrant, names: tuple[NameUse, ...]
    ) -> Done[IssuedToken]:
        def decide(_: Token | None) -> Decision[Token]:
            return Decision(Token.issue(secret.token_id, grant, at=call.at), names)

        async def locate() -> None:
            """Nowhere: it is to be made."""

        done = await self._commands.change(
            Token, call, locate, decide, lambda token: token_view(token, call.principal.name)
        )
        return Done(IssuedToken(done.value, "" if done.repeated else secret.text), done.position, done.repeated)


def token_view(token: Token, created_by: str) -> TokenView:
    """Show an aggregate as it is."""
    grant = token.grant
    return TokenView(
        id=str(token.id),
        role=grant.role,
        namespaces=grant.namespaces,
        teams=grant.teams,
        node=grant.node,
        note=grant.note,
        created_at=token.created_on,
        created_by=created_by,
        expires_at=grant.expires_at,
        revoked=token.revoked,
    )


def _row_view(row: Mapping[str, Any]) -> TokenView:
    return TokenView(
        id=row["id"],
        role=Role(row["role"]),
        namespaces=tuple(row["namespaces"]),
        teams=tuple(row["teams"]),
        node=row["node"],
        note=row["note"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        expires_at=row["expires_at"],
        revoked=row["revoked"],
    )


def _parsed(token_id: str) -> UUID:
    try:
        return UUID(token_id)
    except ValueError:
        raise Malformed("token_id", "is no token's id; `ListTokens` shows them") from None
