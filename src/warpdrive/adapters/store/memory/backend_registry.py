"""Backends of namespaces in a warehouse: the twin of `store.backend_registry`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from warpdrive.adapters.store.memory.warehouse import BackendRow, Warehouse
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.namespace.payloads import entry_value
from warpdrive.domain.namespace.values import BackendDefinition


async def backend_definitions(models: ReadModels) -> Mapping[str, BackendDefinition]:
    """Return what namespaces that are not retired say of each backend, by name."""
    living = await models.rows("namespaces", where={"retired": False}, order=("id",))
    where: dict[str, Any] = {"namespace_id": [row["id"] for row in living]}
    found: dict[str, BackendDefinition] = {}
    for row in await models.rows("mount_entries", where=where, order=("backend", "namespace_id", "path")):
        backend = entry_value(row["entry"]).backend
        found.setdefault(backend.name, backend)
    return found


async def register_backends(warehouse: Warehouse, models: ReadModels) -> None:
    """Bring the warehouse's backends in line with the mount entries."""
    wanted = {
        (each.name, each.place, each.prefix): BackendRow(each.name, each.place, each.prefix, each.type)
        for each in (await backend_definitions(models)).values()
    }
    kept = {(row.name, row.place, row.prefix): row for row in warehouse.backends}
    # No await from here on: nobody sees it half done.
    for key, row in kept.items():
        row.present = key in wanted
    warehouse.backends.extend(replace(row) for key, row in wanted.items() if key not in kept)
