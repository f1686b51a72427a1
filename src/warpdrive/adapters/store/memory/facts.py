"""The twins of everything in `Facts`, on one warehouse."""

from warpdrive.adapters.store.memory.crawl_register import MemoryCrawlRegister
from warpdrive.adapters.store.memory.duplicate_facts import MemoryDuplicateFacts
from warpdrive.adapters.store.memory.job_register import MemoryJobRegister
from warpdrive.adapters.store.memory.lease_books import MemoryLeaseBooks
from warpdrive.adapters.store.memory.object_facts import MemoryObjectFacts
from warpdrive.adapters.store.memory.reader_shares import MemoryReaderShares
from warpdrive.adapters.store.memory.usage_facts import MemoryUsageFacts
from warpdrive.adapters.store.memory.user_facts import MemoryUserFacts
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.ports.facts import Facts


def memory_facts(warehouse: Warehouse) -> Facts:
    """Put them together."""
    return Facts(
        usage=MemoryUsageFacts(warehouse),
        objects=MemoryObjectFacts(warehouse),
        readers=MemoryReaderShares(warehouse),
        users=MemoryUserFacts(warehouse),
        duplicates=MemoryDuplicateFacts(warehouse),
        leases=MemoryLeaseBooks(warehouse),
        jobs=MemoryJobRegister(warehouse),
        crawls=MemoryCrawlRegister(warehouse),
    )
