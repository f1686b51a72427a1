"""One life of each aggregate that goes through every kind of event, with values of every shape.

A life is extended at its end only: what stands before is stored in files that never change.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from eventsourcing.domain import Aggregate

from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.values import BackendDefinition, MountEntry, MountPolicy
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.quota.values import LeasePolicy, QuotaLimits

ID = UUID("00112233-4455-4677-8899-aabbccddeeff")
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


def at(minute: int) -> datetime:
    """Name a moment, the first one without a fraction of a second."""
    return datetime(2026, 1, 2, 3, minute, 5, 678900 if minute else 0, tzinfo=UTC)


def namespace() -> Namespace:
    """Mount, reconfigure, unmount, seal, unseal, retire."""
    first = MountEntry(
        "/données/train",
        BackendDefinition(
            name="imagenet",
            type="s3",
            options={"region": "eu-west-1", "bucket": "imagenet", "endpoint": "http://s3.example:9000"},
            prefix="2012/",
            auth="backends/imagenet",
        ),
        MountPolicy(conflict="fail"),
    )
    second = MountEntry(first.path, first.backend, MountPolicy(write="on", durability="journal", delete="allow"))
    life = Namespace.create(ID, "vision", at=at(0))
    life.add_mount_entry(first, at=at(1))
    life.reconfigure_mount_entry(second, at=at(2))
    life.remove_mount_entry(first.path, at=at(3))
    life.seal(at=at(4))
    life.unseal(at=at(5))
    life.retire(at=at(6))
    return life


def quota() -> Quota:
    """Be counted, warned, recover, exceed, be refused, removed, and come back."""
    life = Quota.define(ID, "imagenet", QuotaLimits(1000, 2000, 3600), at=at(0))
    life.set_lease_policy(LeasePolicy(64, 30), at=at(1))
    life.observe_usage(500, at=at(2))
    life.observe_usage(1001, at=at(3))
    life.observe_usage(1000, at=at(4))
    life.observe_usage(2**63 - 1, at=at(5))
    life.refuse_lease("gpu-7", 64, 2**63 - 1, at=at(6))
    life.set_limits(QuotaLimits(2000, 3000), at=at(7))
    life.remove(at=at(8))
    life.set_limits(QuotaLimits(0, 0, 0), at=at(9))
    return life


LIVES: MappingProxyType[str, Callable[[], Aggregate]] = MappingProxyType({"namespace": namespace, "quota": quota})
"""Every room that holds an aggregate, and a life in it."""
