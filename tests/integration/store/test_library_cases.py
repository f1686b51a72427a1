"""The `eventsourcing` library's own test cases of recorders, run against our store through a facade.

All of their methods are run. The case of its infrastructure factory does not fit: we have none.
"""

from collections.abc import Iterator

import pytest
from eventsourcing.tests import persistence as cases

from tests.support.recorders import (
    OurAggregateRecorder,
    OurApplicationRecorder,
    OurProcessRecorder,
    our_recorders,
)
from warpdrive.adapters.store.connecting import DatabasePlace


class _OnOurStore:
    """Gives each test a recorder over a fresh database."""

    @pytest.fixture(autouse=True)
    def _recorders(self, postgres_server: DatabasePlace, migrated_template: str) -> Iterator[None]:
        with our_recorders(postgres_server, migrated_template) as self.recorder:
            yield


class TestAggregateRecorder(_OnOurStore, cases.AggregateRecorderTestCase):
    """Streams."""

    def create_recorder(self) -> OurAggregateRecorder:
        """Make one over the same store."""
        return OurAggregateRecorder(self.recorder.portal, self.recorder.store, self.recorder.connection)


class TestApplicationRecorder(_OnOurStore, cases.ApplicationRecorderTestCase[OurApplicationRecorder]):
    """The order of all streams, concurrency, subscriptions."""

    def create_recorder(self) -> OurApplicationRecorder:
        """Make one over the same store."""
        return OurApplicationRecorder(self.recorder.portal, self.recorder.store, self.recorder.connection)

    def test_insert_subscribe(self) -> None:
        """The case has it as an option for recorders that can be followed; ours can."""
        self.optional_test_insert_subscribe()


class TestProcessRecorder(_OnOurStore, cases.ProcessRecorderTestCase):
    """Events and tracking in one transaction."""

    def create_recorder(self) -> OurProcessRecorder:
        """Give it."""
        return self.recorder


class TestTrackingRecorder(_OnOurStore, cases.TrackingRecorderTestCase):
    """Positions only grow."""

    def create_recorder(self) -> OurProcessRecorder:
        """Give it."""
        return self.recorder


class TestNonInterleaving(_OnOurStore, cases.NonInterleavingNotificationIDsBaseCase):
    """Positions of two big inserts at once do not interleave."""

    def create_recorder(self) -> OurApplicationRecorder:
        """Give it."""
        return self.recorder
