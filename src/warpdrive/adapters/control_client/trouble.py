"""What goes wrong on the way to the control plane, sorted: asking again may help, or it cannot."""

import ssl
from dataclasses import dataclass
from typing import Final

from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError
from h2.exceptions import H2Error

from warpdrive.adapters.control_client.dialling import DialFault

LOST: Final = (GRPCError, StreamTerminatedError, ProtocolError, H2Error, OSError, DialFault)
"""Every way in which a call can fail that is no defect of ours. (Time-outs are OSErrors.)"""

_FINAL: Final = frozenset({Status.UNAUTHENTICATED, Status.PERMISSION_DENIED, Status.NOT_FOUND, Status.INVALID_ARGUMENT})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no connection. `refused`: asking the same again cannot help. Never holds a secret."""

    detail: str
    status: Status | None = None
    refused: bool = False


def trouble_of(error: BaseException) -> Trouble:
    """Sort an error of `LOST`."""
    if isinstance(error, GRPCError):
        words = error.message or "no reason given"
        return Trouble(f"{error.status.name}: {words}", error.status, refused=error.status in _FINAL)
    match error:
        case ssl.SSLCertVerificationError():
            detail = f"its certificate is not trusted: {error.verify_message}; check agent.ca_file"
        case ssl.SSLError():
            detail = f"TLS failed: {error.reason or error}; check agent.ca_file, cert_file and key_file"
        case TimeoutError():
            detail = "it does not answer in time"
        case OSError():
            detail = error.strerror or str(error) or type(error).__name__
        case DialFault():
            detail = str(error)
        case _:
            detail = f"the connection broke: {str(error) or type(error).__name__}"
    return Trouble(detail)
