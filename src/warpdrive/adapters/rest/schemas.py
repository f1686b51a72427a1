"""JSON schemas of messages, as ProtoJSON writes them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from warpdrive.adapters.wire.contract import PACKAGE

Schema = dict[str, Any]

STATUS: Final = "Status"

_INT64: Final[Schema] = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_INT32: Final[Schema] = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
_UINT32: Final[Schema] = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**32 - 1}
_DOUBLE: Final[Schema] = {"type": "number", "format": "double"}

_SINGLE: Final[Mapping[int, Schema]] = MappingProxyType(
    {
        FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
        FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
        FieldDescriptor.CPPTYPE_INT64: _INT64,
        FieldDescriptor.CPPTYPE_UINT64: _INT64,
        FieldDescriptor.CPPTYPE_INT32: _INT32,
        FieldDescriptor.CPPTYPE_UINT32: _UINT32,
        FieldDescriptor.CPPTYPE_DOUBLE: _DOUBLE,
        FieldDescriptor.CPPTYPE_FLOAT: _DOUBLE,
    }
)

_TIMESTAMP: Final = "google.protobuf.Timestamp"

_STATUS: Final[Schema] = {
    "type": "object",
    "description": "google.rpc.Status: why a call failed. Programs look at `code` and at `reason` in the details.",
    "required": ["code", "message", "details"],
    "properties": {
        "code": {
            "type": "integer",
            "format": "int32",
            "description": "A google.rpc.Code.",
            "minimum": 1,
            "maximum": 16,
        },
        "message": {"type": "string", "description": "For people."},
        "details": {
            "type": "array",
            "description": "google.rpc.ErrorInfo (the error's name and facts), BadRequest (which field), RetryInfo.",
            "items": {
                "type": "object",
                "required": ["@type"],
                "properties": {"@type": {"type": "string"}},
                "additionalProperties": True,
            },
        },
    },
}


class Schemas:
    """Components of the document: each message and enum once, by its short name."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self.components: dict[str, Schema] = {STATUS: _STATUS}

    def reference(self, descriptor: Descriptor | EnumDescriptor) -> Schema:
        """Return a reference to a message or enum, which this adds with all that it holds."""
        name = _short(descriptor)
        if name not in self.components:
            # Before it is filled, so that a message can hold itself.
            schema = self.components[name] = {}
            schema.update(
                self._enum(descriptor) if isinstance(descriptor, EnumDescriptor) else self._message(descriptor)
            )
        return {"$ref": f"#/components/schemas/{name}"}

    def field(self, field: FieldDescriptor, *, words: bool = True) -> Schema:
        """Return a field's schema, with the contract's words about it."""
        schema = self._kind(field)
        text = self._words.get(field.full_name, "") if words else ""
        return {**schema, "description": text} if text else schema

    def body(self, descriptor: Descriptor, but: tuple[str, ...]) -> Schema:
        """Return the schema of a request's body: its message without the fields that the path holds."""
        if not but:
            return self.reference(descriptor)
        return self._message(descriptor, but)

    def _message(self, descriptor: Descriptor, but: tuple[str, ...] = ()) -> Schema:
        schema: Schema = {
            "type": "object",
            "properties": {field.json_name: self.field(field) for field in descriptor.fields if field.name not in but},
        }
        text = self._words.get(descriptor.full_name, "")
        return {**schema, "description": text} if text else schema

    def _enum(self, descriptor: EnumDescriptor) -> Schema:
        meanings = [
            f"{value.name}: {self._words[f'{descriptor.full_name}.{value.name}']}"
            for value in descriptor.values
            if f"{descriptor.full_name}.{value.name}" in self._words
        ]
        schema: Schema = {"type": "string", "enum": [value.name for value in descriptor.values]}
        return {**schema, "description": " ".join(meanings)} if meanings else schema

    def _kind(self, field: FieldDescriptor) -> Schema:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            return {"type": "object", "additionalProperties": self._one(message.fields_by_name["value"])}
        one = self._one(field)
        return {"type": "array", "items": one} if field.is_repeated else one

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.enum_type is not None:
            return self.reference(field.enum_type)
        if field.message_type is None:
            return dict(_SINGLE[field.cpp_type])
        if field.message_type.full_name == _TIMESTAMP:
            return {"type": "string", "format": "date-time"}
        return self.reference(field.message_type)


def _short(descriptor: Descriptor | EnumDescriptor) -> str:
    return str(descriptor.full_name).removeprefix(f"{PACKAGE}.")
