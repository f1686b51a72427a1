"""A gate on loopback before a real PostgreSQL: ends TLS as the protocol wants it, and can lie about the version.

The embedded server is built without TLS. The negotiation is the protocol's own (SSLRequest, one byte, handshake), as
poolers do it; everything behind it is the real server's.
"""

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.ports import LOOPBACK

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_REAL, _OLD = b"server_version\x0018.", b"server_version\x0015."
_PATIENCE_S = 10.0


@dataclass
class PostgresGate:
    """The gate: `port` on loopback; `encrypted` says of each login whether it came by TLS."""

    door: socket.socket
    server: Path
    tls: ssl.SSLContext | None
    looks_old: bool
    encrypted: list[bool] = field(default_factory=list)
    _callers: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.door.getsockname()[1])

    def serve(self) -> None:
        """Pass connections through, one thread each, until the door is shut."""
        threads = []
        with contextlib.suppress(OSError):  # the door was shut
            while True:
                caller, _ = self.door.accept()
                self._callers.append(caller)
                threads.append(threading.Thread(target=self._pass, args=(caller,)))
                threads[-1].start()
        for caller in self._callers:
            with contextlib.suppress(OSError):  # it has left
                caller.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(_PATIENCE_S)

    def _pass(self, caller: socket.socket) -> None:
        # A caller that refuses our certificate, or our having none, just leaves.
        with contextlib.suppress(OSError), contextlib.ExitStack() as sockets:
            sockets.callback(caller.close)
            caller.settimeout(_PATIENCE_S)
            first = caller.recv(8, socket.MSG_WAITALL)
            if first == _SSL_REQUEST:
                caller.sendall(b"N" if self.tls is None else b"S")
                if self.tls is not None:
                    caller = sockets.enter_context(self.tls.wrap_socket(caller, server_side=True))
                first = caller.recv(8)
            if not first:
                return
            self.encrypted.append(isinstance(caller, ssl.SSLSocket))
            inner = sockets.enter_context(socket.socket(socket.AF_UNIX))
            inner.connect(str(self.server))
            inner.sendall(first)
            self._pump(caller, inner)

    def _pump(self, caller: socket.socket, inner: socket.socket) -> None:
        while True:
            # What TLS has decrypted already does not make the socket readable again.
            waiting = isinstance(caller, ssl.SSLSocket) and caller.pending() > 0
            ready = [caller] if waiting else select.select([caller, inner], [], [], _PATIENCE_S)[0]
            if not ready:
                return
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                if source is caller:
                    inner.sendall(data)
                else:
                    caller.sendall(data.replace(_REAL, _OLD) if self.looks_old else data)


@contextlib.contextmanager
def postgres_gate(server: Path, *, certificate: Path | None = None, looks_old: bool = False) -> Iterator[PostgresGate]:
    """Serve for the block before the server on a unix socket. Without a certificate the gate refuses TLS."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    with socket.create_server((LOOPBACK, 0)) as door:
        gate = PostgresGate(door, server, tls, looks_old)
        thread = threading.Thread(target=gate.serve)
        thread.start()
        try:
            yield gate
        finally:
            door.shutdown(socket.SHUT_RDWR)
            thread.join(_PATIENCE_S)
