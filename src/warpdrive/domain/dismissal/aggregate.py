"""The Dismissal as a stream of events: a recommendation is dismissed for a reason, restored, dismissed again."""

from datetime import datetime
from typing import Final, Self
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.domain.content.moments import in_utc
from warpdrive.domain.content.texts import why_no_note, why_no_word
from warpdrive.domain.dismissal.errors import InvalidDismissal, NotDismissed

_LONGEST_BACKEND: Final = 255


class Dismissal(Aggregate):
    """What people decided about one recommendation: the same kind of advice to the same team about the same backend.

    The id is the recommendation's own, which is the same for ever, so there is one stream for it. Every command takes
    `at`, a moment with a time zone (ValueError without).
    """

    TOPIC = "warpdrive.dismissal:Dismissal"

    class Event(Aggregate.Event):
        """Something that was decided about a recommendation."""

    class Dismissed(Event, Aggregate.Created):
        """It was dismissed for the first time. `team_id` "": of what nobody owns. See `Dismissal.__init__`."""

        TOPIC = "warpdrive.dismissal:Dismissed.v1"
        reason: str
        kind: str
        team_id: str
        backend: str

    Created = Dismissed
    """The library wants this name on every aggregate, and would make an event of its own otherwise."""

    class DismissedAgain(Event):
        """It was dismissed after it had been restored, or for another reason."""

        TOPIC = "warpdrive.dismissal:DismissedAgain.v1"
        reason: str

        def apply(self, aggregate: "Dismissal") -> None:
            """Know the newest reason."""
            aggregate._dismissed = True  # noqa: SLF001 - events are the aggregate's own
            aggregate._reason = self.reason  # noqa: SLF001 - as above

    class Restored(Event):
        """It is recommended again."""

        TOPIC = "warpdrive.dismissal:Restored.v1"

        def apply(self, aggregate: "Dismissal") -> None:
            """Forget the reason."""
            aggregate._dismissed = False  # noqa: SLF001 - as above
            aggregate._reason = ""  # noqa: SLF001 - as above

    def __init__(self, reason: str, kind: str, team_id: str, backend: str) -> None:
        """Begin the state that `Dismissed` describes; use `dismiss_first`, which checks."""
        self._kind = kind
        self._team_id = team_id
        self._backend = backend
        self._dismissed = True
        # Empty while it is not dismissed.
        self._reason = reason

    @classmethod
    def dismiss_first(
        cls, recommendation: UUID, reason: str, *, kind: str, team_id: str, backend: str, at: datetime
    ) -> Self:
        """Dismiss what was never dismissed before. Raises InvalidDismissal."""
        for field, text, why in (
            ("kind", kind, why_no_word(kind)),
            ("team", team_id, why_no_word(team_id) if team_id else None),
            ("backend", backend, why_no_word(backend, _LONGEST_BACKEND)),
        ):
            if why is not None:
                raise InvalidDismissal(field, f"{text!r} {why}")
        return cls._create(
            cls.Dismissed,
            id=recommendation,
            timestamp=in_utc(at),
            reason=_reason(reason),
            kind=kind,
            team_id=team_id,
            backend=backend,
        )

    @property
    def kind(self) -> str:
        """Of the recommendation, such as "archive_stale"."""
        return self._kind

    @property
    def team_id(self) -> str:
        """Whose bytes it is about; "" for what nobody owns."""
        return self._team_id

    @property
    def backend(self) -> str:
        """Where they are, by name."""
        return self._backend

    @property
    def dismissed(self) -> bool:
        """Nobody wants to see it; False: it was restored."""
        return self._dismissed

    @property
    def reason(self) -> str:
        """Why it is dismissed; "" while it is not."""
        return self._reason

    def dismiss(self, reason: str, *, at: datetime) -> None:
        """Dismiss it again, or for another reason; nothing happens for the same. Raises InvalidDismissal."""
        said = _reason(reason)
        if not self._dismissed or said != self._reason:
            self.trigger_event(self.DismissedAgain, timestamp=in_utc(at), reason=said)

    def restore(self, *, at: datetime) -> None:
        """Recommend it again. Raises NotDismissed."""
        if not self._dismissed:
            raise NotDismissed(str(self.id))
        self.trigger_event(self.Restored, timestamp=in_utc(at))


def _reason(text: str) -> str:
    """Check why: whoever meets the dismissal in a year has nothing else."""
    said = text.strip()
    why = "is missing" if not said else why_no_note(said)
    if why is not None:
        raise InvalidDismissal("reason", why)
    return said
