"""Access to tenants: grants, what they would answer, and what the network says about the way there."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from warpdrive.application.control.calls import Call, Done, Page
from warpdrive.application.control.commands import Commands, Decision
from warpdrive.application.control.errors import Malformed, NotFound, VersionMismatch
from warpdrive.application.control.paging import page_of, page_size, page_start
from warpdrive.application.control.streams import Streams
from warpdrive.application.control.views import TenantAccessView
from warpdrive.application.ports.event_store import EventReader
from warpdrive.application.ports.network_checks import NetworkChecks
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.sfi import not_allowed
from warpdrive.domain.tenant_access.values import NOTHING_GRANTED, AccessDecision, AccessGrant, AccessRequest

_ORDER: Final = ("tenant_id",)


class Tenants:
    """Use cases of tenant access. Commands raise what the aggregate does, NotFound, Malformed, the store's errors."""

    def __init__(self, commands: Commands, streams: Streams, reader: EventReader, models: ReadModels) -> None:
        self._commands = commands
        self._streams = streams
        self._reader = reader
        self._models = models

    async def grant(self, call: Call, tenant_id: str, grant: AccessGrant) -> Done[TenantAccessView]:
        """Let nodes reach backends of the tenant; replaces the grant before."""

        def decide(access: TenantAccess | None) -> Decision[TenantAccess]:
            if access is None:
                return Decision(TenantAccess.grant_first(tenant_id, grant, at=call.at))
            access.grant(grant, at=call.at)
            return Decision(access)

        return await self._change(call, tenant_id, decide)

    async def revoke(self, call: Call, tenant_id: str, reason: str) -> Done[TenantAccessView]:
        """Take the grant back."""
        return await self._on_granted(call, tenant_id, lambda access: access.revoke(reason, at=call.at))

    async def get(self, call: Call, tenant_id: str) -> Done[TenantAccessView]:
        """Show what is granted to reach one tenant."""
        del call
        position = await self._models.position()
        row = await self._models.row("tenant_access", {"id": str(_stream(tenant_id))})
        if row is None:
            raise NotFound("tenant", tenant_id)
        return Done(_row_view(row), position)

    async def page(self, call: Call, *, size: int, token: str) -> Done[Page[TenantAccessView]]:
        """Show every tenant with a history, by id. Raises Malformed."""
        del call
        limit = page_size(size)
        position = await self._models.position()
        rows = await self._models.rows(
            "tenant_access", order=_ORDER, after=page_start(token, len(_ORDER)), limit=limit + 1
        )
        return Done(page_of(rows, limit, _ORDER, _row_view), position)

    async def check(self, call: Call, tenant_id: str, request: AccessRequest) -> Done[AccessDecision]:
        """Say what the newest grant answers to an access, with reasons; nothing is recorded."""
        position = await self._reader.head()
        access = await self._streams.load(TenantAccess, _stream(tenant_id))
        decision = NOTHING_GRANTED if access is None else access.decide(request, call.at)
        return Done(decision, position)

    async def validate(self, call: Call, tenant_id: str, checks: NetworkChecks) -> Done[TenantAccessView]:
        """Look at the way to the tenant as this process sees it, and keep what was seen.

        Raises NetworkCheckFailed, which changes nothing; Malformed when the grant names no private endpoint;
        VersionMismatch when the grant has changed meanwhile: what was seen says nothing about another way.
        """
        access = await self._streams.load(TenantAccess, _stream(tenant_id))
        granted = None if access is None else access.granted
        if access is None or granted is None:
            raise NotFound("tenant", tenant_id)
        looked_at = access.policy_version
        if not granted.private_endpoint:
            raise Malformed("private_endpoint", "the grant names none, so there is no way to look at")
        link = await checks.private_link(granted.private_endpoint)
        tags = await checks.service_tags(granted.private_endpoint) if granted.service_tags else None

        def record(found: TenantAccess) -> None:
            if found.granted != granted:
                raise VersionMismatch("tenant", tenant_id, looked_at, found.policy_version)
            found.record_private_link(link.valid, link.addresses, link.detail, at=call.at)
            if tags is not None:
                found.record_service_tags(tags.tags, not not_allowed(tags.tags, granted.service_tags), at=call.at)

        return await self._on_granted(call, tenant_id, record)

    async def changed_since(self, after: int) -> list[TenantAccessView]:
        """Show those that changed after a position, in the order of their changes."""
        rows = [row for row in await self._models.rows("tenant_access", order=_ORDER) if row["position"] > after]
        return [_row_view(row) for row in sorted(rows, key=_position)]

    async def _on_granted(
        self, call: Call, tenant_id: str, command: Callable[[TenantAccess], None]
    ) -> Done[TenantAccessView]:
        def decide(access: TenantAccess | None) -> Decision[TenantAccess]:
            if access is None:
                raise NotFound("tenant", tenant_id)
            command(access)
            return Decision(access)

        return await self._change(call, tenant_id, decide)

    async def _change(
        self, call: Call, tenant_id: str, decide: Callable[[TenantAccess | None], Decision[TenantAccess]]
    ) -> Done[TenantAccessView]:
        async def locate() -> UUID:
            return _stream(tenant_id)

        return await self._commands.change(TenantAccess, call, locate, decide, tenant_access_view)


def tenant_access_view(access: TenantAccess) -> TenantAccessView:
    """Show an aggregate as it is."""
    granted = access.granted or AccessGrant(())
    return TenantAccessView(
        tenant_id=access.tenant_id,
        backends=granted.backends,
        private_endpoint=granted.private_endpoint,
        enforce_private_link=granted.enforce_private_link,
        service_tags=granted.service_tags,
        expires_at=granted.expires_at,
        revoked=access.revoked,
        policy_version=access.policy_version,
        version=access.version,
        updated_at=access.modified_on,
    )


def _row_view(row: Mapping[str, Any]) -> TenantAccessView:
    return TenantAccessView(
        tenant_id=row["tenant_id"],
        backends=tuple(row["backends"]),
        private_endpoint=row["private_endpoint"],
        enforce_private_link=row["enforce_private_link"],
        service_tags=tuple(row["service_tags"]),
        expires_at=row["expires_at"],
        revoked=row["revoked"],
        policy_version=row["policy_version"],
        version=row["version"],
        updated_at=row["updated_at"],
    )


def _stream(tenant_id: str) -> UUID:
    return TenantAccess.id_of(tenant_id)


def _position(row: Mapping[str, Any]) -> int:
    return int(row["position"])
