"""Every method's binding, by its name in the contract. The one stream, `WATCH`, is bound in `watching`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from warpdrive.adapters.wire import (
    agents,
    backends,
    costs,
    crawls,
    duplicates,
    growth,
    jobs,
    leases,
    namespaces,
    price_books,
    quotas,
    recommendations,
    simulation,
    staleness,
    teams,
    telemetry,
    tenants,
    tokens,
    usage,
    users,
)
from warpdrive.adapters.wire.binding import Binding

BINDINGS: Final[Mapping[str, Binding]] = MappingProxyType(
    {
        binding.method: binding
        for subject in (
            namespaces,
            tenants,
            tokens,
            agents,
            crawls,
            quotas,
            teams,
            price_books,
            usage,
            staleness,
            growth,
            users,
            backends,
            leases,
            simulation,
            jobs,
            duplicates,
            recommendations,
            costs,
            telemetry,
        )
        for binding in subject.BINDINGS
    }
)
