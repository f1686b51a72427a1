"""What the twin in memory has beside the contract: a fault to order."""

import pytest

from tests.support.appends import an_append
from warpdrive.adapters.store.memory.event_store import MemoryEventStore
from warpdrive.application.ports.event_store import EventStoreError, StoreReadOnly, StoreUnavailable


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), StoreReadOnly("the disk is full")])
async def test_a_fault_to_order_is_raised_until_it_is_taken_back(fault: EventStoreError) -> None:
    """Whoever stands above the ports can be tested with a database that is away; nothing is written meanwhile."""
    store = MemoryEventStore()
    append = an_append()
    store.fault = fault
    for ask in (store.append(append), store.head(), store.read(0, 1), store.receipt(append.facts)):
        with pytest.raises(type(fault)):
            await ask
    store.fault = None
    assert not (await store.append(append)).repeated
