"""Local directories (NFS mounts too) as a backend: `root` and what lies below it.

`keys` turns keys into paths and back, `store` stats and reads, `listing` walks directories page by page,
`writing` publishes files, `faults` turns errno into our errors, `threads` keeps blocking calls off the
event loop.

Versions are mtime, size and inode, hence weak: a rewrite in place of the same size within one tick of the
file system's clock is not seen. Symbolic links are followed, wherever they lead (people link data sets
together); links that lead nowhere, FIFOs, sockets and devices are hidden.
"""

from warpdrive.adapters.blob.local.store import open_local

__all__ = ["open_local"]
