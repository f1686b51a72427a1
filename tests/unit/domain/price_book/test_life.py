"""Any life of a PriceBook against a dictionary, and `price_at` against trying everything."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.support.replay import assert_snapshot_is_the_same
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.price_book.errors import PriceBookRetired, UnknownPrice
from warpdrive.domain.price_book.values import PriceEntry

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BACKENDS = st.sampled_from(["*", "s3", "gcs"])
CLASSES = st.sampled_from(["*", "hot", "cold"])
DAYS = st.integers(0, 4).map(lambda days: date(2026, 1, 1) + timedelta(days=days))
AMOUNTS = st.decimals(0, 10**6, places=6)
ENTRIES = st.builds(PriceEntry, BACKENDS, CLASSES, DAYS, AMOUNTS, AMOUNTS, AMOUNTS)


def brute_force(entries: tuple[PriceEntry, ...], backend: str, storage_class: str, on: date) -> PriceEntry | None:
    """Ask for each pair of names from the most specific on, and for each day backwards."""
    for pair in ((backend, storage_class), (backend, "*"), ("*", storage_class), ("*", "*")):
        for days in range(10):
            for entry in entries:
                if (entry.backend, entry.storage_class) == pair and entry.valid_from == on - timedelta(days=days):
                    return entry
    return None


# Few names, so that entries of different specificity often meet in the price of one thing.
RIVALS = st.builds(
    PriceEntry, st.sampled_from(["*", "s3"]), st.sampled_from(["*", "hot"]), DAYS, AMOUNTS, AMOUNTS, AMOUNTS
)


@given(st.lists(RIVALS, max_size=5), st.sampled_from(["s3", "gcs"]), st.sampled_from(["hot", "cold"]), DAYS)
def test_the_price_of_a_day_is_what_trying_everything_finds(
    entries: list[PriceEntry], backend: str, storage_class: str, on: date
) -> None:
    """The order in which prices were set does not matter, only what they say."""
    book = PriceBook.create(UUID(int=1), "list prices", "EUR", at=AT)
    for entry in entries:
        book.set_price(entry, at=AT)
    assert book.price_at(backend, storage_class, on) == brute_force(book.prices, backend, storage_class, on)


class PriceBookLife(RuleBasedStateMachine):
    """Random commands against a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.book = PriceBook.create(UUID(int=1), "list prices", "EUR", at=AT)
        self.model: dict[tuple[str, str, date], PriceEntry] = {}
        self.retired = False

    @rule(entry=ENTRIES)
    def set_price(self, entry: PriceEntry) -> None:
        """Let a price begin."""
        try:
            self.book.set_price(entry, at=AT)
        except PriceBookRetired:
            assert self.retired
        else:
            assert not self.retired
            self.model[entry.backend, entry.storage_class, entry.valid_from] = entry

    @rule(backend=BACKENDS, storage_class=CLASSES, day=DAYS)
    def remove_price(self, backend: str, storage_class: str, day: date) -> None:
        """Take one back."""
        key = (backend, storage_class, day)
        try:
            self.book.remove_price(*key, at=AT)
        except PriceBookRetired:
            assert self.retired
        except UnknownPrice:
            assert key not in self.model
        else:
            assert not self.retired
            del self.model[key]

    @rule(really=st.integers(0, 9))
    def retire(self, really: int) -> None:
        """End it, seldom, since little happens after."""
        if really == 0 and not self.retired:
            self.book.retire(at=AT)
            self.retired = True

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        """One entry a key, in order."""
        assert self.book.prices == tuple(self.model[key] for key in sorted(self.model))
        assert self.book.retired == self.retired

    @invariant()
    def replay_gives_the_same(self) -> None:
        """Stored events and a stored snapshot give the state that the commands left."""
        assert_snapshot_is_the_same(self.book)


TestPriceBookLife = PriceBookLife.TestCase
