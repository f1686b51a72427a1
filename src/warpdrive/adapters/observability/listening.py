"""Sockets to serve on, and what to say when there is none to be had."""

import errno
import socket


class AddressError(Exception):
    """Raised when an address cannot be listened on. `key`: of the settings; `addr` as configured."""

    def __init__(self, key: str, addr: str, why: str) -> None:
        super().__init__(f"{key}: cannot listen on {addr!r}: {why}")
        self.key = key
        self.addr = addr


def parse_addr(addr: str) -> tuple[str, int]:
    """Split ":9090", "127.0.0.1:9090", "localhost:9090" or "[::1]:9090"; host "" means every interface.

    Raises ValueError for anything else. Port 0 lets the system choose.
    """
    host, colon, digits = addr.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 host stands in brackets, like [::1]:9090, not {addr!r}")
    if not colon or not digits.isascii() or not digits.isdigit() or int(digits) > 65535:  # noqa: PLR2004 - the largest port
        raise ValueError(f"write host:port or :port, not {addr!r}")
    return host, int(digits)


def listen(addr: str, *, key: str, instead: str = "") -> socket.socket:
    """Return a bound TCP socket. ":port" takes IPv6 and IPv4 at once where the system has IPv6.

    `key` is where the address was configured, `instead` what else could be done about a port that is taken. Raises
    AddressError.
    """
    try:
        host, port = parse_addr(addr)
        if not host:
            return _everywhere(port)
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _bound(socket.socket(family, kind, protocol), address)
    except ValueError as error:
        raise AddressError(key, addr, str(error)) from None
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            why = f"another process has the port; set another one{instead}"
        raise AddressError(key, addr, why) from None


def _everywhere(port: int) -> socket.socket:
    try:
        both = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError:
        return _bound(socket.socket(socket.AF_INET, socket.SOCK_STREAM), ("", port))
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        return _bound(both, ("::", port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        # The kernel speaks IPv6, but no interface has an address of it.
        return _bound(socket.socket(socket.AF_INET, socket.SOCK_STREAM), ("", port))


def _bound(listener: socket.socket, address: object) -> socket.socket:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)  # type: ignore[arg-type]  # getaddrinfo says what the family wants
    except OSError:
        listener.close()
        raise
    return listener
