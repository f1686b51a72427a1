"""What a TenantAccess refuses, as facts with fields. All are permanent: the same command fails again.

A denied access is none of them: it is a decision, and a value.
"""


class TenantAccessError(Exception):
    """Base of every refusal of a TenantAccess."""


class InvalidTenant(TenantAccessError):
    """Raised when a tenant's id is not a UUID in lower case with hyphens."""

    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"tenant {tenant_id!r} is no lowercase UUID")
        self.tenant_id = tenant_id


class InvalidGrant(TenantAccessError):
    """Raised when a field of a grant cannot be right (see `reason`)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"grant's {field} {reason}")
        self.field = field
        self.reason = reason


class InvalidAccessReason(TenantAccessError):
    """Raised when the words given with a revocation or check cannot be kept (see `reason`)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"the {field} {reason}")
        self.field = field
        self.reason = reason


class NotGranted(TenantAccessError):
    """Raised when something is done with a grant that there is not: never given, or revoked."""

    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"nothing is granted for tenant {tenant_id}")
        self.tenant_id = tenant_id


class InvalidNetworkCheck(TenantAccessError):
    """Raised when a check of the network contradicts itself or names what is no address or tag (see `reason`)."""

    def __init__(self, tenant_id: str, reason: str) -> None:
        super().__init__(f"network check of tenant {tenant_id} {reason}")
        self.tenant_id = tenant_id
        self.reason = reason


class InvalidAccessRecord(TenantAccessError):
    """Raised when a record of accesses counts none, or its window ends before it starts (see `reason`)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"access record's {field} {reason}")
        self.field = field
        self.reason = reason
