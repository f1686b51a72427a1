"""The status table is complete, and says to callers what they may know."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest
from google.rpc import error_details_pb2
from grpclib.const import Status

import warpdrive.domain
from warpdrive.adapters.wire.status import HTTP, STATUS, WireFault, fault_of
from warpdrive.application.control import errors as control
from warpdrive.application.ports import event_store, network_checks, read_models
from warpdrive.domain.namespace import errors as namespace
from warpdrive.domain.team import errors as team

BASES = {"ControlError", "EventStoreError", "NamespaceError", "QuotaError", "TeamError", "PriceBookError"} | {
    "TenantAccessError",
    "TokenError",
    "DismissalError",
}


def error_classes() -> Iterator[type[Exception]]:
    """Yield every error that a use case can raise: the control plane's, its ports', the domain's."""
    # Rooms of pure rules refuse nothing by errors of their own.
    rules = {"content", "governance"}
    rooms = [module.name for module in pkgutil.iter_modules(warpdrive.domain.__path__) if module.name not in rules]
    modules = [control, event_store, network_checks, read_models]
    modules += [importlib.import_module(f"warpdrive.domain.{room}.errors") for room in rooms]
    for module in modules:
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == module.__name__ and kind.__name__ not in BASES:
                yield kind


@pytest.mark.parametrize("kind", list(error_classes()), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_error_has_a_status(kind: type[Exception]) -> None:
    """A new error class is not served as INTERNAL by oversight."""
    assert kind in STATUS


def test_the_walk_finds_the_errors() -> None:
    """It looks at something: more than forty classes, of every room."""
    found = set(error_classes())
    assert len(found) > 40
    assert {control.NotFound, namespace.NamespaceSealed, team.TeamDisbanded, event_store.OutcomeUnknown} <= found


def test_every_status_has_an_http_status() -> None:
    """No code of gRPC is without its number, and only our own faults are 500."""
    assert set(HTTP) == set(Status)
    assert {code for code, number in HTTP.items() if number == 500} == {
        Status.UNKNOWN,
        Status.INTERNAL,
        Status.DATA_LOSS,
    }


def test_what_nobody_foresaw_keeps_its_words_to_itself() -> None:
    """An unknown error is INTERNAL, and its message, which may hold anything, is not sent."""
    fault = fault_of(RuntimeError("password=hunter2 at 10.0.0.5"))
    assert fault.code is Status.INTERNAL
    assert "hunter2" not in str(fault.status())


def test_a_stores_own_words_are_for_the_operator() -> None:
    """Which server is away is nobody's business but ours; that one may try again is."""
    fault = fault_of(event_store.StoreUnavailable("could not connect to db.internal:5432"))
    assert fault.code is Status.UNAVAILABLE
    assert "db.internal" not in str(fault.status())
    assert fault.retry_after == 1.0


def test_a_malformed_field_is_named_for_programs() -> None:
    """BadRequest says which field of the contract is wrong and why."""
    fault = fault_of(control.Malformed("entries[0].path", "is missing"))
    violations = [
        violation
        for detail in fault.details
        if isinstance(detail, error_details_pb2.BadRequest)
        for violation in detail.field_violations
    ]
    assert [(each.field, each.description) for each in violations] == [("entries[0].path", "is missing")]
    assert fault.message == "entries[0].path: is missing"


def test_programs_read_the_errors_name_and_facts() -> None:
    """ErrorInfo carries a stable reason and the error's fields."""
    fault = fault_of(namespace.NamespaceSealed("train"))
    (info,) = fault.details
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain, dict(info.metadata)) == ("NAMESPACE_SEALED", "warpdrive", {"name": "train"})


def test_too_busy_says_when_to_come_back() -> None:
    """RetryInfo and `retry_after` agree."""
    fault = fault_of(control.TooBusy("calls", 2.5))
    (retry,) = [detail for detail in fault.details if isinstance(detail, error_details_pb2.RetryInfo)]
    assert fault.code is Status.RESOURCE_EXHAUSTED
    assert (retry.retry_delay.seconds, retry.retry_delay.nanos, fault.retry_after) == (2, 500_000_000, 2.5)


def test_a_fault_stays_itself() -> None:
    """What is a fault already is not wrapped again."""
    fault = WireFault(Status.ABORTED, "no")
    assert fault_of(fault) is fault
