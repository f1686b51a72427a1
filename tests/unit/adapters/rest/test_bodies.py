"""Messages from JSON bodies."""

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from warpdrive.adapters.rest.bodies import fill_from_body
from warpdrive.adapters.wire.contract import contract, message_class
from warpdrive.adapters.wire.parsing import check
from warpdrive.application.control.errors import Malformed

POOL = contract().pool
REQUESTS = [method.request for method in contract().methods.values()]
NAMES = sorted({field.json_name for request in REQUESTS for field in request.fields} | {"path", "backend", "options"})

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(request=st.sampled_from(REQUESTS), value=VALUES)
def test_any_json_is_a_message_or_malformed(request: Any, value: Any) -> None:
    """Whatever stands under the contract's names, nothing but Malformed is raised."""
    message = message_class(request)()
    with contextlib.suppress(Malformed):
        fill_from_body(message, json.dumps(value).encode(), POOL)
        check(message)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=60))
def test_any_bytes_are_a_message_or_malformed(body: bytes) -> None:
    """So too for what is no JSON."""
    with contextlib.suppress(Malformed):
        fill_from_body(message_class(REQUESTS[0])(), body, POOL)


def test_null_is_the_default() -> None:
    """As ProtoJSON has it."""
    message: Any = message_class(POOL.FindMessageTypeByName("warpdrive.v1.CreateTokenRequest"))()
    fill_from_body(message, b'{"role": null, "namespaces": null, "note": "x"}', POOL)
    assert (message.role, list(message.namespaces), message.note) == (0, [], "x")
