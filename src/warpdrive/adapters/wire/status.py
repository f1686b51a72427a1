"""The status table: what every error of ours is called in gRPC and over HTTP, and what callers are told.

Two messages: callers learn what they can act on; what only an operator can mend stays in the log. A test walks all
error classes and holds the table complete.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpclib.const import Status

from warpdrive.application.control import errors as control
from warpdrive.application.ports import batch_intake, event_store, network_checks, read_models
from warpdrive.domain.dismissal import errors as dismissal
from warpdrive.domain.namespace import errors as namespace
from warpdrive.domain.price_book import errors as price_book
from warpdrive.domain.quota import errors as quota
from warpdrive.domain.team import errors as team
from warpdrive.domain.tenant_access import errors as tenant_access
from warpdrive.domain.token import errors as token

DOMAIN: Final = "warpdrive"
"""`google.rpc.ErrorInfo.domain`; its `reason` is the error's name ("NAMESPACE_SEALED")."""

_SECOND: Final = 1.0
"""Seconds after which to try again, where nobody knows better."""

STATUS: Final[Mapping[type[Exception], Status]] = MappingProxyType(
    {
        control.Unauthenticated: Status.UNAUTHENTICATED,
        control.PermissionDenied: Status.PERMISSION_DENIED,
        control.NotFound: Status.NOT_FOUND,
        control.AlreadyThere: Status.ALREADY_EXISTS,
        control.Malformed: Status.INVALID_ARGUMENT,
        control.VersionMismatch: Status.ABORTED,
        control.TooBusy: Status.RESOURCE_EXHAUSTED,
        control.NotCaughtUp: Status.UNAVAILABLE,
        event_store.ConcurrentWrite: Status.ABORTED,
        event_store.NameNotHeld: Status.ABORTED,
        event_store.NameTaken: Status.ALREADY_EXISTS,
        event_store.CommandIdReused: Status.ALREADY_EXISTS,
        event_store.StoreUnavailable: Status.UNAVAILABLE,
        event_store.OutcomeUnknown: Status.UNAVAILABLE,
        event_store.StoreReadOnly: Status.UNAVAILABLE,
        batch_intake.IntakeUnavailable: Status.UNAVAILABLE,
        batch_intake.BatchRefused: Status.INVALID_ARGUMENT,
        network_checks.NetworkCheckFailed: Status.UNAVAILABLE,
        read_models.ProjectionConflict: Status.INTERNAL,
        read_models.RowMissing: Status.INTERNAL,
        read_models.RebuildUnderWay: Status.UNAVAILABLE,
        namespace.InvalidNamespaceName: Status.INVALID_ARGUMENT,
        namespace.InvalidMountPath: Status.INVALID_ARGUMENT,
        namespace.DuplicateMountPath: Status.ALREADY_EXISTS,
        namespace.UnknownMountEntry: Status.NOT_FOUND,
        namespace.BackendConflict: Status.FAILED_PRECONDITION,
        namespace.InvalidBackend: Status.INVALID_ARGUMENT,
        namespace.InvalidPolicy: Status.INVALID_ARGUMENT,
        namespace.NamespaceSealed: Status.FAILED_PRECONDITION,
        namespace.NamespaceNotSealed: Status.FAILED_PRECONDITION,
        namespace.NamespaceRetired: Status.FAILED_PRECONDITION,
        quota.InvalidLimits: Status.INVALID_ARGUMENT,
        quota.InvalidLeasePolicy: Status.INVALID_ARGUMENT,
        quota.InvalidUsage: Status.INVALID_ARGUMENT,
        quota.InvalidQuotaBackend: Status.INVALID_ARGUMENT,
        quota.QuotaRemoved: Status.FAILED_PRECONDITION,
        quota.QuotaRefused: Status.RESOURCE_EXHAUSTED,
        team.InvalidTeamName: Status.INVALID_ARGUMENT,
        team.InvalidPrincipal: Status.INVALID_ARGUMENT,
        team.AlreadyMember: Status.ALREADY_EXISTS,
        team.NotMember: Status.NOT_FOUND,
        team.InvalidOwnershipRule: Status.INVALID_ARGUMENT,
        team.DuplicateOwnershipRule: Status.ALREADY_EXISTS,
        team.UnknownOwnershipRule: Status.NOT_FOUND,
        team.TeamDisbanded: Status.FAILED_PRECONDITION,
        price_book.InvalidPriceBookName: Status.INVALID_ARGUMENT,
        price_book.InvalidCurrency: Status.INVALID_ARGUMENT,
        price_book.InvalidPrice: Status.INVALID_ARGUMENT,
        price_book.UnknownPrice: Status.NOT_FOUND,
        price_book.PriceBookRetired: Status.FAILED_PRECONDITION,
        dismissal.InvalidDismissal: Status.INVALID_ARGUMENT,
        dismissal.NotDismissed: Status.FAILED_PRECONDITION,
        tenant_access.InvalidTenant: Status.INVALID_ARGUMENT,
        tenant_access.InvalidGrant: Status.INVALID_ARGUMENT,
        tenant_access.InvalidAccessReason: Status.INVALID_ARGUMENT,
        tenant_access.NotGranted: Status.FAILED_PRECONDITION,
        tenant_access.InvalidNetworkCheck: Status.INVALID_ARGUMENT,
        tenant_access.InvalidAccessRecord: Status.INVALID_ARGUMENT,
        token.InvalidTokenGrant: Status.INVALID_ARGUMENT,
        token.InvalidRevocation: Status.INVALID_ARGUMENT,
        token.TokenRevoked: Status.FAILED_PRECONDITION,
    }
)

_PUBLIC: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        event_store.ConcurrentWrite: "somebody else changed this at the same time; try again",
        event_store.CommandIdReused: "another request has been made under this idempotency-key; use a new one",
        event_store.StoreUnavailable: "the store cannot be reached; nothing was written, try again",
        event_store.OutcomeUnknown: "the store was lost while writing; repeat the call with the same idempotency-key "
        "to learn what came of it",
        event_store.StoreReadOnly: "the store takes no writes at present; nothing was written, try again later",
        event_store.NameTaken: "the name is taken",
        batch_intake.IntakeUnavailable: "batches cannot be counted at present; keep it and send it again later",
        batch_intake.BatchRefused: "the batch holds what cannot be stored",
    }
)
"""What callers are told instead of the error's own words, which are for the operator."""

_LONGEST: Final = 1000
"""Characters of any text in an answer: errors quote what was sent, and megabytes need not travel back."""

_INTERNAL: Final = "something went wrong here; the operator finds it in the log by the correlation id"

HTTP: Final[Mapping[Status, int]] = MappingProxyType(
    {
        Status.OK: 200,
        Status.CANCELLED: 499,
        Status.UNKNOWN: 500,
        Status.INVALID_ARGUMENT: 400,
        Status.DEADLINE_EXCEEDED: 504,
        Status.NOT_FOUND: 404,
        Status.ALREADY_EXISTS: 409,
        Status.PERMISSION_DENIED: 403,
        Status.RESOURCE_EXHAUSTED: 429,
        Status.FAILED_PRECONDITION: 400,
        Status.ABORTED: 409,
        Status.OUT_OF_RANGE: 400,
        Status.UNIMPLEMENTED: 501,
        Status.INTERNAL: 500,
        Status.UNAVAILABLE: 503,
        Status.DATA_LOSS: 500,
        Status.UNAUTHENTICATED: 401,
    }
)
"""The HTTP status of each code, as grpc-gateway has it."""


class WireFault(Exception):
    """Raised when a call ends in anything but success, ready to be sent.

    `details` are google.rpc messages; `metadata` what the answer carries all the same; `retry_after` seconds, or None.
    """

    def __init__(
        self,
        code: Status,
        message: str,
        details: tuple[Message, ...] = (),
        *,
        metadata: Mapping[str, str] = MappingProxyType({}),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.details = details
        self.metadata = metadata
        self.retry_after = retry_after

    def status(self) -> status_pb2.Status:
        """Return it as google.rpc.Status: the trailer of gRPC and, as JSON, the body of REST."""
        status = status_pb2.Status(code=self.code.value, message=self.message)
        for detail in self.details:
            status.details.add().Pack(detail)
        return status


def fault_of(error: BaseException, metadata: Mapping[str, str] = MappingProxyType({})) -> WireFault:
    """Look the error up. What the table does not know is INTERNAL, and its words stay here."""
    if isinstance(error, WireFault):
        return error
    code = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), Status.INTERNAL)
    retry_after = _retry_after(error, code)
    if code is Status.INTERNAL:
        return WireFault(code, _INTERNAL, (_info("INTERNAL", {}),), metadata=metadata)
    message = _cut(next((_PUBLIC[kind] for kind in type(error).__mro__ if kind in _PUBLIC), str(error)))
    details: list[Message] = [_info(_reason(type(error)), _facts(error, code))]
    if isinstance(error, control.Malformed):
        violation = error_details_pb2.BadRequest.FieldViolation(field=_cut(error.field), description=_cut(error.why))
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=_duration(retry_after)))
    return WireFault(code, message, tuple(details), metadata=metadata, retry_after=retry_after)


def _retry_after(error: BaseException, code: Status) -> float | None:
    if isinstance(error, control.TooBusy):
        return max(error.retry_after, 0.0)
    return _SECOND if code is Status.UNAVAILABLE else None


def _info(reason: str, facts: Mapping[str, str]) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=facts)


def _reason(kind: type[BaseException]) -> str:
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in kind.__name__)
    return words.lstrip("_").upper()


def _facts(error: BaseException, code: Status) -> dict[str, str]:
    """Return the error's fields, which programs can read. Those of stores are for the operator only."""
    if code is Status.UNAUTHENTICATED or isinstance(error, event_store.EventStoreError):
        return {}
    facts: dict[str, Any] = vars(error)
    return {name: _cut(str(value)) for name, value in facts.items() if not name.startswith("_")}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _duration(seconds: float) -> Duration:
    whole = int(seconds)
    return Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))
