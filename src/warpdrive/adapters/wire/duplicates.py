"""Duplicates on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.fields import size
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.duplicates import DuplicateGroup, DuplicatesView


def _group_message(group: DuplicateGroup) -> Fields:
    return {
        "bytes": group.bytes,
        "checksum": group.checksum,
        "confidence": group.confidence,
        "copies": [
            {"backend": copy.backend, "key": copy.key, "storage_class": copy.storage_class} for copy in group.copies
        ],
        "copies_in_all": group.copies_in_all,
        "wasted_bytes": group.wasted_bytes,
    }


def duplicates_message(view: DuplicatesView) -> Fields:
    """Write a page of groups, and the sums of all of them."""
    return {
        "groups": [_group_message(group) for group in view.groups],
        "next_page_token": view.next_token,
        "groups_in_all": view.groups_in_all,
        "wasted_bytes": view.wasted_bytes,
        "unchecked_objects": view.unchecked_objects,
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/ListDuplicates",
        wire.ListDuplicatesRequest,
        lambda plane, call, request: plane.duplicates.page(
            call,
            min_size=size("min_size", request.min_size) if request.min_size else 0,
            backend=request.backend,
            size=request.page_size,
            token=request.page_token,
        ),
        duplicates_message,
    ),
)
