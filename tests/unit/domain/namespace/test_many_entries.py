"""Namespaces with very many entries."""

from datetime import UTC, datetime
from time import process_time
from uuid import UUID

from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry

AT = datetime(2026, 1, 2, tzinfo=UTC)


def test_two_thousand_entries_are_decided_in_a_moment() -> None:
    """The control plane's one loop decides: what took six seconds kept everybody waiting."""
    namespace = Namespace.create(UUID(int=1), "training", at=AT)
    begun = process_time()
    for number in range(2000):
        backend = BackendDefinition(f"b{number}", "s3", {"bucket": f"b{number}"})
        namespace.add_mount_entry(MountEntry(f"/p{number}", backend), at=AT)
    assert process_time() - begun < 2
