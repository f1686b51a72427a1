"""Namespaces on the wire."""

from collections.abc import Sequence
from typing import Final

from warpdrive.adapters.wire.binding import Binding, Fields, command, query
from warpdrive.adapters.wire.fields import count, present, required
from warpdrive.adapters.wire.generated import messages as wire
from warpdrive.application.control.calls import Page
from warpdrive.application.control.errors import Malformed
from warpdrive.application.control.views import AppliedNamespace, EntryChange, NamespaceView
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy


def entry_value(field: str, entry: wire.MountEntry) -> MountEntry:
    """Read a mount entry; `field` is where it stands. Raises Malformed for what is missing or output only."""
    backend = present(f"{field}.backend", entry.backend)
    value = BackendDefinition(
        name=required(f"{field}.backend.name", backend.name),
        type=required(f"{field}.backend.type", backend.type),
        options=dict(backend.options),
        prefix=backend.prefix,
        auth=backend.auth,
        tenant=backend.tenant,
    )
    # What was read can be sent back; one that does not fit its definition is a mistake that somebody should see.
    if backend.fingerprint not in {"", value.fingerprint}:
        raise Malformed(f"{field}.backend.fingerprint", "does not fit the definition; leave it out")
    usual = MountPolicy()
    return MountEntry(
        path=required(f"{field}.path", entry.path),
        backend=value,
        policy=MountPolicy(
            write=entry.policy.write or usual.write,
            durability=entry.policy.durability or usual.durability,
            conflict=entry.policy.conflict or usual.conflict,
            delete=entry.policy.delete or usual.delete,
        ),
    )


def entry_values(entries: Sequence[wire.MountEntry]) -> tuple[MountEntry, ...]:
    """Read the mount entries of a request. Raises Malformed."""
    return tuple(entry_value(f"entries[{index}]", entry) for index, entry in enumerate(entries))


def entry_message(entry: MountEntry) -> Fields:
    """Write a mount entry."""
    backend, policy = entry.backend, entry.policy
    return {
        "path": entry.path,
        "backend": {
            "name": backend.name,
            "type": backend.type,
            "options": dict(backend.options),
            "prefix": backend.prefix,
            "auth": backend.auth,
            "tenant": backend.tenant,
            "fingerprint": backend.fingerprint,
        },
        "policy": {
            "write": policy.write,
            "durability": policy.durability,
            "conflict": policy.conflict,
            "delete": policy.delete,
        },
    }


def namespace_message(view: NamespaceView) -> Fields:
    """Write a namespace."""
    return {
        "id": view.id,
        "name": view.name,
        "entries": [entry_message(entry) for entry in view.entries],
        "sealed": view.sealed,
        "retired": view.retired,
        "version": view.version,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
    }


def _page_message(page: Page[NamespaceView]) -> Fields:
    return {"namespaces": [namespace_message(view) for view in page.items], "next_page_token": page.next_token}


def _change_message(change: EntryChange) -> Fields:
    message: Fields = {"path": change.path}
    if change.before is not None:
        message["before"] = entry_message(change.before)
    if change.after is not None:
        message["after"] = entry_message(change.after)
    if change.before is None:
        message["kind"] = "KIND_ADD"
    elif change.after is None:
        message["kind"] = "KIND_REMOVE"
    else:
        message["kind"] = "KIND_RECONFIGURE"
    return message


def _applied_message(applied: AppliedNamespace) -> Fields:
    return {
        "namespace": namespace_message(applied.namespace),
        "changes": [_change_message(change) for change in applied.changes],
        "created": applied.created,
    }


BINDINGS: Final[tuple[Binding, ...]] = (
    command(
        "ControlService/CreateNamespace",
        wire.CreateNamespaceRequest,
        lambda plane, call, request: plane.namespaces.create(
            call, required("name", request.name), entry_values(request.entries)
        ),
        namespace_message,
    ),
    query(
        "ControlService/GetNamespace",
        wire.GetNamespaceRequest,
        lambda plane, call, request: plane.namespaces.get(call, required("namespace", request.namespace)),
        namespace_message,
    ),
    query(
        "ControlService/ListNamespaces",
        wire.ListNamespacesRequest,
        lambda plane, call, request: plane.namespaces.page(
            call, size=request.page_size, token=request.page_token, retired=request.retired
        ),
        _page_message,
    ),
    command(
        "ControlService/ApplyNamespace",
        wire.ApplyNamespaceRequest,
        lambda plane, call, request: plane.namespaces.apply(
            call,
            required("namespace", request.namespace),
            entry_values(request.entries),
            dry_run=request.dry_run,
            expected_version=count("expected_version", request.expected_version),
        ),
        _applied_message,
    ),
    command(
        "ControlService/AddMountEntry",
        wire.AddMountEntryRequest,
        lambda plane, call, request: plane.namespaces.add_mount(
            call, required("namespace", request.namespace), entry_value("entry", present("entry", request.entry))
        ),
        namespace_message,
    ),
    command(
        "ControlService/ReconfigureMountEntry",
        wire.ReconfigureMountEntryRequest,
        lambda plane, call, request: plane.namespaces.reconfigure_mount(
            call, required("namespace", request.namespace), entry_value("entry", present("entry", request.entry))
        ),
        namespace_message,
    ),
    command(
        "ControlService/RemoveMountEntry",
        wire.RemoveMountEntryRequest,
        lambda plane, call, request: plane.namespaces.remove_mount(
            call, required("namespace", request.namespace), required("path", request.path)
        ),
        namespace_message,
    ),
    command(
        "ControlService/SealNamespace",
        wire.SealNamespaceRequest,
        lambda plane, call, request: plane.namespaces.seal(call, required("namespace", request.namespace)),
        namespace_message,
    ),
    command(
        "ControlService/UnsealNamespace",
        wire.UnsealNamespaceRequest,
        lambda plane, call, request: plane.namespaces.unseal(call, required("namespace", request.namespace)),
        namespace_message,
    ),
    command(
        "ControlService/RetireNamespace",
        wire.RetireNamespaceRequest,
        lambda plane, call, request: plane.namespaces.retire(call, required("namespace", request.namespace)),
        namespace_message,
    ),
)
