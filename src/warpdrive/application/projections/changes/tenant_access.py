"""What the events of the access to a tenant do to `tenant_access`."""

from collections.abc import Sequence
from typing import Any

from warpdrive.application.ports.event_store import RecordedEvent
from warpdrive.application.ports.read_models import PutRow, RowChange
from warpdrive.application.projections.changes.stamps import stamps, touched
from warpdrive.application.projections.tables import TENANT_ACCESS
from warpdrive.domain.content.moments import moment_value
from warpdrive.domain.tenant_access.aggregate import TenantAccess
from warpdrive.domain.tenant_access.payloads import GrantPayload


def tenant_access_changes(event: TenantAccess.Event, recorded: RecordedEvent) -> Sequence[RowChange]:
    """Turn one event into row changes. Raises NotImplementedError for an event that this file forgot."""
    policy = {"policy_version": recorded.version}
    match event:
        case TenantAccess.Opened():
            return (_opened(event, recorded),)
        case TenantAccess.Granted():
            return (touched(TENANT_ACCESS, event, recorded, **_granted(event.grant), **policy, revoked=False),)
        case TenantAccess.Revoked():
            return (touched(TENANT_ACCESS, event, recorded, **policy, revoked=True),)
        case (
            TenantAccess.PrivateLinkValidated() | TenantAccess.PrivateLinkViolated() | TenantAccess.ServiceTagsChecked()
        ):
            return (touched(TENANT_ACCESS, event, recorded, **policy),)
        case TenantAccess.AccessDenied() | TenantAccess.AllowsAggregated():
            return (touched(TENANT_ACCESS, event, recorded),)
        case _:
            raise NotImplementedError(f"{type(event).__qualname__} has no row changes")


def _opened(event: TenantAccess.Opened, recorded: RecordedEvent) -> PutRow:
    row = {
        "id": str(recorded.stream),
        "tenant_id": event.tenant_id,
        "backends": [],
        "private_endpoint": "",
        "enforce_private_link": False,
        "service_tags": [],
        "expires_at": None,
        "revoked": False,
        "policy_version": recorded.version,
        **stamps(event, recorded),
    }
    return PutRow(TENANT_ACCESS.name, row)


def _granted(grant: GrantPayload) -> dict[str, Any]:
    return {
        "backends": grant["backends"],
        "private_endpoint": grant["private_endpoint"],
        "enforce_private_link": grant["enforce_private_link"],
        "service_tags": grant["service_tags"],
        "expires_at": moment_value(grant["expires_at"]),
    }
