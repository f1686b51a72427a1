"""Backends on the wire."""

from typing import Final

from warpdrive.adapters.wire.as_of import as_of_message
from warpdrive.adapters.wire.binding import Binding, Fields, query
from warpdrive.adapters.wire.crawls import crawl_message
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.backends import BackendsView


def backends_message(view: BackendsView) -> Fields:
    """Write all backends."""
    return {
        "backends": [
            {
                "name": each.name,
                "type": each.type,
                "place": each.place,
                "prefix": each.prefix,
                "namespaces": list(each.namespaces),
                "objects": each.objects,
                "bytes": each.bytes,
                "generation": each.generation,
                "crawled_at": each.crawled_at,
                "last_crawl": None if each.last_crawl is None else crawl_message(each.last_crawl),
            }
            for each in view.backends
        ],
        "as_of": as_of_message(view.as_of),
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    query(
        "GovernanceService/ListBackends",
        wire.ListBackendsRequest,
        lambda plane, call, _: plane.backends.every(call),
        backends_message,
    ),
)
