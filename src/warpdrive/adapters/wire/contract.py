"""The contract at run time: every method with its route, every message, and the words that proto/ says about them.

It is read from the packaged descriptor set into a pool of its own, so that nothing else in the process that brings
descriptors of the same names can clash with it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from google.api import annotations_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

PACKAGE: Final = "warpdrive.v1"

_FILE: Final = "descriptors.binpb"
_VERBS: Final = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a method is found over HTTP. `path` holds `{field}`; `body` is "*" (all other fields) or "" (none)."""

    verb: str
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Method:
    """One rpc. `name` as in the authorisation table ("ControlService/CreateNamespace"); `words` is its comment.

    `route` is None for what only gRPC can carry.
    """

    name: str
    request: Descriptor
    answer: Descriptor
    streams: bool
    route: Route | None
    words: str

    @property
    def path(self) -> str:
        """Where gRPC finds it: "/warpdrive.v1.ControlService/CreateNamespace"."""
        return f"/{PACKAGE}.{self.name}"

    @property
    def service(self) -> str:
        """The service's short name."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything that proto/ says. `words`: comments by full name ("warpdrive.v1.Namespace.version")."""

    files: FileDescriptorSet
    pool: DescriptorPool
    methods: Mapping[str, Method]
    words: Mapping[str, str]


@cache
def contract() -> Contract:
    """Return the packaged contract."""
    return read_contract(resources.files("warpdrive.adapters.wire.generated").joinpath(_FILE).read_bytes())


def read_contract(descriptors: bytes) -> Contract:
    """Read a descriptor set."""
    files = FileDescriptorSet.FromString(descriptors)
    pool = DescriptorPool()
    words: dict[str, str] = {}
    for file in files.file:
        pool.Add(file)
        words.update(_words_of(file))
    methods = {
        method.name: method
        for file in files.file
        if file.package == PACKAGE
        for method in _methods_of(file, pool, words)
    }
    return Contract(files, pool, MappingProxyType(methods), MappingProxyType(words))


def message_class(descriptor: Descriptor) -> type[Message]:
    """Return google.protobuf's class for a message of the contract."""
    return message_factory.GetMessageClass(descriptor)


def message_bytes(descriptor: Descriptor, fields: Mapping[str, Any]) -> bytes:
    """Write a message of plain fields. Raises ValueError for a name that the contract does not have."""
    return message_class(descriptor)(**fields).SerializeToString()


def _methods_of(file: FileDescriptorProto, pool: DescriptorPool, words: Mapping[str, str]) -> Iterator[Method]:
    for service in file.service:
        for method in service.method:
            yield Method(
                name=f"{service.name}/{method.name}",
                request=pool.FindMessageTypeByName(method.input_type.removeprefix(".")),
                answer=pool.FindMessageTypeByName(method.output_type.removeprefix(".")),
                streams=method.server_streaming or method.client_streaming,
                route=_route_of(method),
                words=words.get(f"{file.package}.{service.name}.{method.name}", ""),
            )


def _route_of(method: MethodDescriptorProto) -> Route | None:
    if not method.options.HasExtension(annotations_pb2.http):
        return None
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    assert verb in _VERBS, f"{method.name}: custom verbs have no place in an OpenAPI document"
    assert rule.body in {"", "*"}, f"{method.name}: a body is all of the message or nothing"
    assert not rule.additional_bindings, f"{method.name}: one method, one route"
    return Route(verb.upper(), getattr(rule, verb), rule.body)


def _words_of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield comments by full name. A location's path leads through the file's fields by number and index."""
    for location in file.source_code_info.location:
        text = " ".join(line.strip() for line in location.leading_comments.splitlines()).strip()
        if text and len(location.path) > 1:  # one number is the file's own, such as its head comment
            yield ".".join(_names_on(file, list(location.path))), text


def _names_on(file: FileDescriptorProto, path: list[int]) -> Iterator[str]:
    yield file.package
    part: FileDescriptorProto | DescriptorProto = file
    while path:
        field = part.DESCRIPTOR.fields_by_number[path.pop(0)]
        if not path:
            return
        part = getattr(part, field.name)[path.pop(0)]
        yield part.name
