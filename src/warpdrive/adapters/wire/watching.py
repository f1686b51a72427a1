"""The watch stream on the wire."""

from typing import Final

from warpdrive.adapters.wire.binding import Fields
from warpdrive.adapters.wire.fields import count, required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.adapters.wire.namespaces import namespace_message
from warpdrive.adapters.wire.quotas import quota_message
from warpdrive.adapters.wire.tenants import tenant_message
from warpdrive.application.control.views import NamespaceView, QuotaView, WatchChange

WATCH: Final = "ControlService/WatchAgent"


def watched(request: wire.WatchAgentRequest) -> tuple[str, str, int]:
    """Read which node, which namespace, after which position. Raises Malformed."""
    return (
        required("node", request.node),
        required("namespace", request.namespace),
        count("after_position", request.after_position),
    )


def update_message(change: WatchChange) -> Fields:
    """Write one update."""
    message: Fields = {"position": change.position}
    if change.change is None:
        message["alive"] = {}
    elif isinstance(change.change, NamespaceView):
        message["namespace"] = namespace_message(change.change)
    elif isinstance(change.change, QuotaView):
        message["quota"] = quota_message(change.change)
    else:
        message["tenant_access"] = tenant_message(change.change)
    return message
