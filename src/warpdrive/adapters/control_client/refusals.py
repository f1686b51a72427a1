"""What the command line hears instead of an answer, in words that say what to do about it."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from grpclib.const import Status

_ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "UNAUTHENTICATED": "name a file with a valid token by --token-file or WARPDRIVE_TOKEN_FILE",
        "PERMISSION_DENIED": "ask for a token with that role and scope (warpdrive-ctl token create)",
        "RESOURCE_EXHAUSTED": "try again later",
        "UNAVAILABLE": "try again later; /readyz of the control plane says what it waits for",
        "ABORTED": "read it again and decide again",
        "DEADLINE_EXCEEDED": "look whether it happened before you repeat it",
        "UNIMPLEMENTED": "the control plane may be older than this program",
    }
)


class ControlPlaneRefusal(Exception):
    """Raised when the control plane answered, and the answer is no.

    `code` is the name of a google.rpc code ("NOT_FOUND"), `status` the HTTP status (0: refused before it was sent),
    `details` google.rpc messages as JSON, `correlation_id` what the operator finds it by. As text: with advice.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        details: Sequence[Mapping[str, Any]] = (),
        *,
        correlation_id: str = "",
    ) -> None:
        advice = _ADVICE.get(code, "")
        if code in {"INTERNAL", "UNKNOWN", "DATA_LOSS"} and correlation_id:
            advice = f"its log says more under {correlation_id}"
        super().__init__(f"{message}; {advice}" if advice else message)
        self.code = code
        self.status = status
        self.message = message
        self.details = tuple(details)
        self.correlation_id = correlation_id

    @property
    def reason(self) -> str:
        """The error's stable name ("NAMESPACE_SEALED"), "" when none was sent."""
        return next((str(each["reason"]) for each in self.details if "reason" in each), "")


class ControlPlaneUnreachable(Exception):
    """Raised when nobody answers at the address, or somebody who is no control plane."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"no control plane answers at {url} ({why}); start warpdrive-control there, "
            "or name another with --server or WARPDRIVE_SERVER"
        )
        self.url = url
        self.why = why


def refusal_in(status: int, body: bytes, correlation_id: str = "") -> ControlPlaneRefusal | None:
    """Read an answer's google.rpc.Status; None when it is none, so that somebody else has answered."""
    try:
        fault = json.loads(body)
        code = Status(fault["code"]).name
        message, given = str(fault["message"]), fault.get("details")
    except (ValueError, KeyError, TypeError):
        return None
    details = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return ControlPlaneRefusal(code, status, message, details, correlation_id=correlation_id)
