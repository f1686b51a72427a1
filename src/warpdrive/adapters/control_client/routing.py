"""A method of the contract and its fields as an HTTP request, by the contract's own annotations."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal
from warpdrive.adapters.wire.contract import Method, contract, message_class

_FIELD: Final = re.compile(r"\{([a-z_]+)\}")
_LEAVES: Final = ("google.protobuf.Timestamp",)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send. `target`: path and query, encoded; `body`: JSON, None for none."""

    verb: str
    target: str
    body: bytes | None


def method_named(name: str) -> Method:
    """Return a method with a route. Raises KeyError: the caller's own mistake."""
    method = contract().methods[name]
    if method.route is None:
        raise KeyError(f"{name} has no route over HTTP")
    return method


def request_for(method: Method, fields: Mapping[str, Any]) -> HttpRequest:
    """Write a request. `fields` are ProtoJSON, in the contract's names or in lowerCamelCase.

    Raises ControlPlaneRefusal (INVALID_ARGUMENT, status 0) for a field that the contract does not know, a value that
    does not fit its field, or a missing one that the path needs.
    """
    message = message_class(method.request)()
    try:
        json_format.ParseDict(dict(fields), message, descriptor_pool=contract().pool)
    except json_format.ParseError as error:
        raise ControlPlaneRefusal("INVALID_ARGUMENT", 0, str(error)) from None
    assert method.route is not None, "see method_named"
    path = _path_of(method.route.path, message)
    if method.route.body == "*":
        body = json_format.MessageToDict(message, descriptor_pool=contract().pool)
        return HttpRequest(method.route.verb, path, json.dumps(body).encode())
    query = urlencode(list(_parameters(message)), quote_via=quote)
    return HttpRequest(method.route.verb, f"{path}?{query}" if query else path, None)


def items_field(method: Method) -> str:
    """Return the JSON name of the field that holds a page's items. Raises KeyError when the answer has no pages."""
    if "next_page_token" in method.answer.fields_by_name:
        for field in method.answer.fields:
            if field.is_repeated and field.message_type is not None:
                return field.json_name
    raise KeyError(f"{method.name} has no pages")


def _path_of(template: str, message: Message) -> str:
    """Fill the path in, and take from the message what it holds."""
    names = _FIELD.findall(template)
    words = {name: str(getattr(message, name)) for name in names}
    for name, word in words.items():
        if not word:
            raise ControlPlaneRefusal("INVALID_ARGUMENT", 0, f"{name}: is missing")
        message.ClearField(name)
    return _FIELD.sub(lambda found: _segment(words[found[1]]), template)


def _segment(word: str) -> str:
    # Dots alone would be taken for a way up by whoever normalises paths.
    return word.replace(".", "%2E") if word in {".", ".."} else quote(word, safe="")


def _parameters(message: Message, above: str = "") -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        name = f"{above}{field.json_name}"
        for each in value if field.is_repeated else (value,):
            if field.message_type is None:
                yield name, _text(field, each)
            elif field.message_type.full_name in _LEAVES:
                yield name, each.ToJsonString()
            else:
                yield from _parameters(each, f"{name}.")


def _text(field: FieldDescriptor, value: Any) -> str:
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    return str(value).lower() if isinstance(value, bool) else str(value)
