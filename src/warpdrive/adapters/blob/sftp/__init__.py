"""SFTP servers as a backend: `host`, `port`, `root`, `known_hosts`.

`login` says how to connect, `pool` keeps connections, `reading`, `listing` and `writing` are the verbs,
`store` joins them, `faults` turns asyncssh's errors into ours, `keys` maps names. asyncssh needs
`cryptography`, a Rust extension: this package is imported only where an SFTP backend is configured, and
asyncssh only when it first connects.

Versions are mtime (whole seconds, as protocol 3 tells it) and size, hence weak: a rewrite of the same size
within a second is not seen. A file's status is looked at again behind every piece that is read.
"""

from warpdrive.adapters.blob.sftp.store import open_sftp

__all__ = ["open_sftp"]
