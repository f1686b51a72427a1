"""Asking with a deadline that holds for everything, the look-up of a host's name too."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable
from warpdrive.adapters.control_client.rest import ControlPlaneClient, Repeating
from warpdrive.entrypoints.ctl.server import Server

Value = TypeVar("Value")

_ONCE: Final = Repeating(attempts=1)


def ask_promptly(server: Server, question: Callable[[ControlPlaneClient], Value], *, within: float) -> Value:
    """Ask once, and wait `within` seconds at most.

    Raises ControlPlaneRefusal, ControlPlaneUnreachable (when time is up, too), and click.ClickException for a token's
    file that cannot be used. A question that is still open is left behind in a thread that ends with the process.
    """
    secret = server.credential().secret
    answers: list[Value] = []
    faults: list[ControlPlaneRefusal | ControlPlaneUnreachable] = []

    def ask() -> None:
        try:
            with ControlPlaneClient(
                server.url,
                token=secret,
                ca_file=server.ca_file,
                cert_file=server.cert_file,
                key_file=server.key_file,
                timeout=within,
                repeating=_ONCE,
            ) as client:
                answers.append(question(client))
        except (ControlPlaneRefusal, ControlPlaneUnreachable) as fault:
            faults.append(fault)

    thread = threading.Thread(target=ask, daemon=True, name="warpdrive-ctl-question")
    thread.start()
    thread.join(within)
    if answers:
        return answers[0]
    raise faults[0] if faults else ControlPlaneUnreachable(server.url, f"no answer within {within:g} s")
