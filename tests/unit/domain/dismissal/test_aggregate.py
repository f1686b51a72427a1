"""What a dismissal allows: a reason each time, one stream for ever, nothing without a change."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.dismissal.errors import InvalidDismissal, NotDismissed

AT = datetime(2026, 1, 2, tzinfo=UTC)
LATER = AT + timedelta(days=1)
ID = UUID(int=7)


def dismissed(reason: str = "we need it", *, team_id: str = "t", kind: str = "k", backend: str = "b") -> Dismissal:
    """Dismiss something for the first time."""
    return Dismissal.dismiss_first(ID, reason, kind=kind, team_id=team_id, backend=backend, at=AT)


def test_a_dismissal_knows_what_it_is_about_and_why() -> None:
    """The recommendation's id is its own."""
    one = dismissed(" we need it\n")
    assert (one.id, one.kind, one.team_id, one.backend, one.reason) == (ID, "k", "t", "b", "we need it")
    assert one.dismissed
    assert one.created_on == AT


def test_what_nobody_owns_can_be_dismissed_too() -> None:
    """The team is empty then."""
    assert dismissed(team_id="").team_id == ""


def test_it_is_restored_and_dismissed_again() -> None:
    """The newest reason counts, and none remains of what is restored."""
    one = dismissed()
    one.restore(at=LATER)
    assert (one.dismissed, one.reason) == (False, "")
    one.dismiss("still", at=LATER)
    assert (one.dismissed, one.reason, one.version, one.modified_on) == (True, "still", 3, LATER)


def test_the_same_reason_again_is_no_event_and_another_is() -> None:
    """A repeated wish leaves no trace."""
    one = dismissed()
    one.dismiss("we need it ", at=LATER)
    assert one.version == 1
    one.dismiss("somebody else needs it", at=LATER)
    assert (one.version, one.reason) == (2, "somebody else needs it")


def test_what_is_not_dismissed_cannot_be_restored() -> None:
    """It is recommended already."""
    one = dismissed()
    one.restore(at=LATER)
    with pytest.raises(NotDismissed, match="is not dismissed"):
        one.restore(at=LATER)


@pytest.mark.parametrize("reason", ["", " \n", "x" * 1001, "\udc80"])
def test_a_reason_is_needed_and_must_be_kept(reason: str) -> None:
    """Whoever meets the dismissal in a year has nothing else."""
    with pytest.raises(InvalidDismissal, match="reason"):
        dismissed(reason)
    with pytest.raises(InvalidDismissal, match="reason"):
        dismissed().dismiss(reason, at=LATER)


@pytest.mark.parametrize("field", ["kind", "team_id", "backend"])
def test_what_it_is_about_can_be_printed(field: str) -> None:
    """An auditor's log shows it on one line."""
    with pytest.raises(InvalidDismissal):
        dismissed(**{field: "a\nb"})
