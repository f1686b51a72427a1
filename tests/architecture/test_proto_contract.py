"""The contract is complete: words, routes, rights and bindings for every rpc, and nothing that the generator loses."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

from warpdrive.adapters.rest.openapi import openapi_document
from warpdrive.adapters.rest.routes import rest_routes
from warpdrive.adapters.wire.bindings import BINDINGS
from warpdrive.adapters.wire.contract import PACKAGE, Method, contract
from warpdrive.adapters.wire.watching import WATCH
from warpdrive.application.control.authorisation import RULES

METHODS = list(contract().methods.values())
OURS = [file for file in contract().files.file if file.package == PACKAGE]
LOST = ("google.protobuf.Duration", "google.protobuf.Struct", "google.protobuf.FieldMask", "Value")


def messages(file: FileDescriptorProto) -> Iterator[DescriptorProto]:
    """Yield a file's messages, nested ones too."""
    found = list(file.message_type)
    while found:
        message = found.pop()
        found += message.nested_type
        yield message


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_rpc_is_complete(method: Method) -> None:
    """An rpc has words and a rule; a unary one a route, an OpenAPI operation and a binding for its own messages too."""
    assert method.words, "proto/ says nothing about it"
    assert method.name in RULES
    if method.streams:
        assert method.name == WATCH
        return
    assert method.route is not None
    document = openapi_document(contract(), rest_routes(contract()).values(), "0")
    operation = document["paths"][method.route.path][method.route.verb.lower()]
    assert operation["operationId"] == method.name.replace("/", "_")
    binding = BINDINGS[method.name]
    assert binding.request.__name__ == method.request.name
    assert binding.reads or method.route.verb != "GET", "what a GET asks changes nothing"


def test_nothing_is_bound_or_allowed_that_is_not_declared() -> None:
    """The tables hold the contract's rpcs and no others."""
    assert set(RULES) == set(contract().methods)
    assert set(BINDINGS) == set(contract().methods) - {WATCH}


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_names_fields_that_the_request_has(name: str) -> None:
    """A rule that compares a field compares a text of the request."""
    rule = RULES[name]
    known = contract().methods[name].request.fields_by_name
    for field in (rule.namespace_field, rule.team_field, rule.node_field):
        assert not field or known[field].cpp_type == FieldDescriptor.CPPTYPE_STRING


def test_no_two_methods_share_a_place() -> None:
    """A verb and a path, whatever its fields are called, lead to one method."""
    places = [
        (method.route.verb, re.sub(r"\{\w+\}", "{}", method.route.path))
        for method in METHODS
        if method.route is not None
    ]
    assert len(places) == len(set(places))


def test_the_contract_has_nothing_that_the_generator_loses() -> None:
    """No Duration, wrappers, Struct or FieldMask, and no name that ends in "_" and a digit."""
    for file in OURS:
        for message in messages(file):
            for field in message.field:
                assert not field.type_name.endswith(LOST), f"{message.name}.{field.name}"
                assert not re.search(r"_\d", field.name), f"{message.name}.{field.name}"


def test_betterproto_and_the_descriptors_spell_every_field_alike() -> None:
    """Names that betterproto would mangle show here: errors and rules name fields as the contract does."""
    for binding in BINDINGS.values():
        method = contract().methods[binding.method]
        names = {each.name for each in fields(binding.request)}  # type: ignore[arg-type]  # they are dataclasses
        assert names == set(method.request.fields_by_name)
