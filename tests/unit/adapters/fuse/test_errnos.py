"""The errno table is exhaustive and says what the rules say."""

import errno
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import warpdrive.application
from warpdrive.adapters.fuse.errnos import ERRNO_BY_FAULT, errno_of
from warpdrive.application.mount import errors as refusals
from warpdrive.application.ports import errors as faults


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    """Yield the class and everything below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


@pytest.mark.parametrize("root", [refusals.FileSystemError, faults.BackendError])
def test_exhaustive(root: type[Exception]) -> None:
    """Every fault that the application defines, in whatever module, has a line of its own."""
    for module in pkgutil.walk_packages(warpdrive.application.__path__, "warpdrive.application."):
        importlib.import_module(module.name)
    ours = {kind for kind in subclasses(root) if kind.__module__.startswith("warpdrive.application")}
    assert len(ours) > 8
    assert ours - ERRNO_BY_FAULT.keys() == set()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (refusals.NoSuchEntry("x"), errno.ENOENT),
        (faults.ObjectNotFound("x"), errno.ENOENT),
        (faults.AccessDenied("x"), errno.EACCES),
        (refusals.StaleInode(3), errno.ESTALE),
        (faults.VersionChanged("x"), errno.ESTALE),
        (faults.DeadlineExceeded("x"), errno.ETIMEDOUT),
        (refusals.ReadOnlyEntry(3), errno.EROFS),
        (refusals.NoSuchAttribute("x"), errno.ENODATA),
        (faults.Unavailable("x"), errno.EIO),
        (faults.Corrupted("x"), errno.EIO),
        (refusals.BackendOffline("x"), errno.EIO),
    ],
)
def test_rules(fault: Exception, code: int) -> None:
    """R1, R3, R5 and R6 name the errno of their refusals; the rest is EIO."""
    assert errno_of(fault) == code


def test_unknown() -> None:
    """What no port announces has no errno: it is a defect, and the caller logs it."""
    assert errno_of(KeyError("x")) is None
