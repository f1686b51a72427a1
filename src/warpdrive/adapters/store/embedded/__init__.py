"""A PostgreSQL of our own, for a control plane that was told of none.

`directory` owns the data directory, `account` says which user serves it, `binaries` which programs, `cluster` makes
the cluster and its command line, `postmaster` is the process, `roles` what must exist inside, `server_log` what it
says, and `server` puts them together into one context manager. Nothing here is needed, nor imported, when
`control_plane.database` names a server.
"""

from warpdrive.adapters.store.embedded.errors import EmbeddedPostgresError
from warpdrive.adapters.store.embedded.server import embedded_postgres

__all__ = ["EmbeddedPostgresError", "embedded_postgres"]
