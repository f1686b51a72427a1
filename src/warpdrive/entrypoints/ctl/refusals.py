"""What a control plane's refusals mean for who typed the command: what happened, where, what to do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from warpdrive.adapters.control_client.refusals import ControlPlaneRefusal, ControlPlaneUnreachable
from warpdrive.entrypoints.ctl.server import Credential, Server
from warpdrive.entrypoints.settings.faults import did_you_mean

_INFO: Final = "google.rpc.ErrorInfo"
_MANY: Final = 1000

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Asks the control plane: a method's name and its fields."""

_LISTS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "namespace": ("ControlService/ListNamespaces", "namespaces", "name"),
        "team": ("GovernanceService/ListTeams", "teams", "name"),
        "price book": ("GovernanceService/ListPriceBooks", "books", "name"),
        "tenant": ("ControlService/ListTenantAccess", "tenants", "tenantId"),
    }
)
"""Where the names of each kind can be had: method, the answer's list, the field in it."""

_TODO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NAMESPACE_SEALED": "unseal it first: warpdrive-ctl namespace unseal NAME",
        "NAMESPACE_RETIRED": "it has ended; see warpdrive-ctl namespace list --retired",
        "BACKEND_CONFLICT": "a backend's name keeps meaning one place: give the one at the new place another name",
        "VERSION_MISMATCH": "somebody changed it meanwhile: run the command again and look at what differs now",
        "DUPLICATE_MOUNT_PATH": "say --reconfigure to change what is there",
        "CONCURRENT_WRITE": "run the command again",
    }
)
"""What to do about a refusal, by its reason."""


def facts_of(refusal: ControlPlaneRefusal) -> Mapping[str, str]:
    """Return the fields of the error, which came beside its message; nothing when there are none."""
    for detail in refusal.details:
        if str(detail.get("@type", "")).endswith(_INFO):
            facts: Mapping[str, str] = detail.get("metadata", {})
            return facts
    return {}


def explain(refusal: ControlPlaneRefusal, server: Server, credential: Credential, ask: Ask) -> str:
    """Say in one line what was refused and what to do. `ask` is used where a list of names may help."""
    said = refusal.message.rstrip(".")
    match refusal.code:
        case "UNAUTHENTICATED":
            return (
                f"{server.url} does not know who calls: {credential.words}; name the file of a valid token with"
                " --token-file or WARPDRIVE_TOKEN_FILE (an admin makes one: warpdrive-ctl token create)"
            )
        case "PERMISSION_DENIED":
            return f"{said} ({credential.words}); warpdrive-ctl whoami shows what you have, an admin can give more"
        case "NOT_FOUND":
            return said + _close(facts_of(refusal), ask)
        case "UNAVAILABLE":
            return f"{server.url} cannot do this now: {said}; {server.url}/readyz says what it waits for"
        case _:
            todo = _TODO.get(refusal.reason, "")
            return f"{said}; {todo}" if todo else str(refusal)


def _close(facts: Mapping[str, str], ask: Ask) -> str:
    """Find a name that may have been meant; nothing when there is none, or none can be had."""
    found = _LISTS.get(facts.get("kind", ""))
    if found is None:
        return ""
    method, items, field = found
    try:
        answer = ask(method, {"page_size": _MANY})
    except (ControlPlaneRefusal, ControlPlaneUnreachable):
        return ""
    return did_you_mean(facts.get("name", ""), [str(item.get(field, "")) for item in answer.get(items, ())])
