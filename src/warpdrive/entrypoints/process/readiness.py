"""systemd's readiness protocol (sd_notify(3)): one datagram per state to the socket named in NOTIFY_SOCKET."""

import os
import socket
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"


def notify(state: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell the service manager; False when nobody asked or nobody listens, which is no fault of ours.

    A name that starts with "@" is an abstract socket: the kernel knows it by a leading NUL.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        try:
            manager.sendto(state.encode(), address)
        except OSError:
            return False
    return True
