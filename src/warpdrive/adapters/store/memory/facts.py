"""The twins of everything in `Facts`, on one warehouse."""

from warpdrive.adapters.store.memory.usage_facts import MemoryUsageFacts
from warpdrive.adapters.store.memory.warehouse import Warehouse
from warpdrive.application.ports.facts import Facts


def memory_facts(warehouse: Warehouse) -> Facts:
    """Put them together."""
    return Facts(usage=MemoryUsageFacts(warehouse))
