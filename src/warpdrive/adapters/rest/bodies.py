"""Messages from JSON bodies: ProtoJSON, with everything refused that JSON itself does not allow."""

import json
from typing import Any, Final, NoReturn

from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from warpdrive.application.control.errors import Malformed

_DEEPEST: Final = 32
"""Levels of messages; the contract's own have five."""


def fill_from_body(message: Message, body: bytes, pool: DescriptorPool) -> None:
    """Set the fields that a body holds; an empty one is like `{}`. Unknown names are ignored. Raises Malformed."""
    if not body:
        return
    value = _json(body)
    if not isinstance(value, dict):
        raise Malformed("body", "must be a JSON object")
    try:
        json_format.ParseDict(
            value, message, ignore_unknown_fields=True, descriptor_pool=pool, max_recursion_depth=_DEEPEST
        )
    except (json_format.ParseError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Malformed("body", f"does not fit {message.DESCRIPTOR.name}: {_one_line(error)}") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Malformed("body", "is not UTF-8") from None
    except RecursionError:
        raise Malformed("body", "is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Malformed("body", f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from None
    except ValueError as error:
        raise Malformed("body", f"is not JSON: {_one_line(error)}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        # Two readers of such a text can see two different requests.
        raise ValueError("a name stands twice in one object")
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def _one_line(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words.encode("utf-8", "backslashreplace").decode()[:300]
