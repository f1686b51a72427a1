"""Users: one person's teams, accesses and data, across backends."""

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import AsOf, Moments
from warpdrive.application.control.calls import Call, Done
from warpdrive.application.control.errors import Malformed, NotFound
from warpdrive.application.ports.reader_shares import WINDOWS, ReaderShares
from warpdrive.application.ports.user_facts import UserBackendRow, UserFacts, UserJobRow, UserObjectRow

USUAL_DAYS: Final = 30
MOST_DAYS: Final = 3660
SHOWN: Final = 100
"""Objects and jobs in an answer."""


@dataclass(frozen=True, slots=True)
class UserView:
    """One user. `reader_bytes`: the user's share by the reader basis over 30 days."""

    user: str
    teams: tuple[str, ...]
    backends: tuple[UserBackendRow, ...]
    objects: tuple[UserObjectRow, ...]
    jobs: tuple[UserJobRow, ...]
    reader_bytes: int
    as_of: AsOf


class Users:
    """Use case of users. Raises Malformed, NotFound (nobody recorded anything of the user, and no team has it)."""

    def __init__(self, names: AnswerNames, moments: Moments, facts: UserFacts, readers: ReaderShares) -> None:
        self._names = names
        self._moments = moments
        self._facts = facts
        self._readers = readers

    async def get(self, call: Call, user: str, *, days: int = USUAL_DAYS) -> Done[UserView]:
        """Show what a user did today (UTC) and in the `days` days before."""
        if not 1 <= days <= MOST_DAYS:
            raise Malformed("days", f"must be 1 to {MOST_DAYS}")
        today = call.at.astimezone(UTC).date()
        window = (today - timedelta(days=days), today)
        as_of = await self._moments.now(call.at, window=window, readers=True)
        teams = await self._names.teams_of_user(user)
        if not teams and not await self._facts.known(user):
            raise NotFound("user", user)
        view = UserView(
            user=user,
            teams=tuple(teams),
            backends=tuple(await self._facts.backends(user, *window)),
            objects=tuple(await self._facts.objects(user, *window, limit=SHOWN)),
            jobs=tuple(await self._facts.jobs(user, *window, limit=SHOWN)),
            reader_bytes=await self._readers.of_user(user, WINDOWS[0]),
            as_of=as_of,
        )
        return Done(view, as_of.position)
