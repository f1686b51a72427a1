"""Answers: ProtoJSON as grpc-gateway writes it, or a table, and what both carry beside their bodies."""

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from litestar import Response

from warpdrive.adapters.wire.status import HTTP, WireFault

JSON: Final = "application/json"
CSV: Final = "text/csv"
"""The framework adds the charset to every text."""

SAFE_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {"cache-control": "no-store", "x-content-type-options": "nosniff"}
)
"""Answers are for who asked: a token's secret, above all, must not lie in a proxy."""

Headers = Mapping[str, str]


def json_bytes(value: Any) -> bytes:
    """Write plain values as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def proto_json(message: Message, pool: DescriptorPool | None = None) -> dict[str, Any]:
    """Return ProtoJSON: lowerCamelCase, 64-bit integers as texts, defaults written out, enums by name."""
    found: dict[str, Any] = json_format.MessageToDict(
        message, always_print_fields_with_no_presence=True, descriptor_pool=pool
    )
    return found


def json_answer(value: Any, *, status: int = 200, headers: Headers = MappingProxyType({})) -> Response[bytes]:
    """Answer with JSON."""
    return Response(json_bytes(value), status_code=status, media_type=JSON, headers={**SAFE_HEADERS, **headers})


def csv_answer(table: str, headers: Headers) -> Response[bytes]:
    """Answer with a table."""
    return Response(table.encode(), media_type=CSV, headers={**SAFE_HEADERS, "vary": "accept", **headers})


def fault_answer(
    fault: WireFault, *, status: int | None = None, headers: Headers = MappingProxyType({})
) -> Response[bytes]:
    """Answer with a google.rpc.Status; `status` where HTTP has a finer word than its code's."""
    number = HTTP[fault.code] if status is None else status
    extra = dict(headers)
    if fault.retry_after is not None:
        extra["retry-after"] = str(max(1, math.ceil(fault.retry_after)))
    if number == HTTPStatus.UNAUTHORIZED:
        extra["www-authenticate"] = 'Bearer realm="warpdrive"'
    return json_answer(proto_json(fault.status()), status=number, headers={**fault.metadata, **extra})
