"""The page cache: on the local disk (`DiskCache`) and its twin in memory (`MemoryCache`).

One sparse file per object version, an SQLite index of the pages that are recorded, and an eviction that survives
epochs larger than the cache. `disk.py` names the parts and how they fit; `layout.py` shows the directory. The rules
it keeps: record after the bytes, clear the record before the hole, never fail a reader.
"""

from warpdrive.adapters.cache.disk import DiskCache
from warpdrive.adapters.cache.errors import (
    CacheError,
    CacheForeign,
    CacheFormatUnknown,
    CacheInUse,
    CacheUnusable,
)
from warpdrive.adapters.cache.memory import MemoryCache

__all__ = [
    "CacheError",
    "CacheForeign",
    "CacheFormatUnknown",
    "CacheInUse",
    "CacheUnusable",
    "DiskCache",
    "MemoryCache",
]
