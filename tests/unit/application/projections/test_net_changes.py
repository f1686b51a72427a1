"""Many changes made few mean the same."""

from random import Random

import pytest
from eventsourcing.domain import Aggregate
from hypothesis import given
from hypothesis import strategies as st

from tests.support.random_lives import interleaved
from tests.support.recording import recorded
from warpdrive.application.ports.read_models import PatchRow, PutRow, RemoveRow, RowMissing
from warpdrive.application.projections.changes import row_changes
from warpdrive.application.projections.codec import EventCodec
from warpdrive.application.projections.expected import ExpectedRows
from warpdrive.application.projections.net_changes import net_changes, row_key

MEMBER = {"team_id": "1", "principal": "ann"}
TEAM = {"id": "1"}


@given(interleaved(), st.integers(1, 20), st.randoms(use_true_random=False))
def test_batches_of_any_size_make_the_same_rows(
    drawn: tuple[list[Aggregate], list[Aggregate.Event]], size: int, shuffler: Random
) -> None:
    """Each row is changed once a batch, and the order of these changes means nothing."""
    codec = EventCodec()
    changes = [change for record in recorded(drawn[1]) for change in row_changes(codec.decode(record), record)]
    one_by_one, in_batches = ExpectedRows(), ExpectedRows()
    one_by_one.apply(changes)
    for start in range(0, len(changes), size):
        net = list(net_changes(changes[start : start + size]))
        assert len({row_key(change) for change in net}) == len(net)
        shuffler.shuffle(net)
        in_batches.apply(net)
    assert in_batches.by_key() == one_by_one.by_key()


def test_a_row_that_goes_and_comes_is_put() -> None:
    """The last word counts, with what was patched since."""
    assert net_changes([RemoveRow("team_members", MEMBER), PutRow("team_members", MEMBER)]) == (
        PutRow("team_members", MEMBER),
    )
    assert net_changes([PutRow("team_members", MEMBER), RemoveRow("team_members", MEMBER)]) == (
        RemoveRow("team_members", MEMBER),
    )


def test_patches_of_one_row_become_one() -> None:
    """Later columns win."""
    first = PatchRow("teams", TEAM, {"name": "a", "version": 2})
    second = PatchRow("teams", TEAM, {"version": 3})
    assert net_changes([first, second]) == (PatchRow("teams", TEAM, {"name": "a", "version": 3}),)


def test_a_patch_of_a_removed_row_is_a_fault() -> None:
    """Events that do not fit each other are found before anything is written."""
    with pytest.raises(RowMissing):
        net_changes([RemoveRow("teams", TEAM), PatchRow("teams", TEAM, {"name": "a"})])
