"""Where methods live: the contract's annotations as the framework's paths."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor import FieldDescriptor

from warpdrive.adapters.wire.contract import Contract, Method, Route

_FIELD: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class RestRoute:
    """A method with its place. `fields` are those of the request that its path holds, in order."""

    method: Method
    route: Route
    fields: tuple[str, ...]

    @property
    def litestar_path(self) -> str:
        """The path as the framework writes it: each field is one segment of text."""
        return _FIELD.sub(r"{\1:str}", self.route.path)

    @property
    def takes_body(self) -> bool:
        """The request's other fields are its body, not its query."""
        return self.route.body == "*"

    @property
    def table(self) -> FieldDescriptor | None:
        """The field of the answer that holds its rows, for answers that can be tables; None for others.

        Tables are pages of a list, and answers that say as of when they hold. The first list of messages is the one
        that was asked for: what else such an answer has (a forecast, sums) is in its JSON only.
        """
        fields = self.method.answer.fields
        items = [field for field in fields if field.is_repeated and field.message_type is not None]
        listed = any(field.name in {"next_page_token", "as_of"} for field in fields)
        return items[0] if listed and items else None


def rest_routes(contract: Contract) -> Mapping[str, RestRoute]:
    """Return every method that HTTP can carry, by its name in the contract."""
    return {found.method.name: found for found in _routes(contract)}


def _routes(contract: Contract) -> Iterator[RestRoute]:
    for method in contract.methods.values():
        if method.route is None:
            continue
        fields = tuple(_FIELD.findall(method.route.path))
        unknown = [field for field in fields if field not in method.request.fields_by_name]
        assert not unknown, f"{method.name}: its path names {unknown}, which the request does not have"
        yield RestRoute(method, method.route, fields)
