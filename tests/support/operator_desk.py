"""A real `MountDesk` over the small tree, with everything an operator may ask about filled in."""

from collections.abc import Mapping, Sequence

from tests.support.agent_readings import cache_stats
from tests.support.clocks import RealClock
from tests.support.health_checks import FixedCheck
from tests.support.small_tree import SmallFiller, SmallTree
from warpdrive.application.mount.desk import AgentFacts, EntryState, HiddenKey, MountDesk
from warpdrive.application.mount.health import Health
from warpdrive.application.mount.manifest import ManifestEntry
from warpdrive.application.mount.telemetry import TelemetryState

RAW_NAME = "caf\udce9"
"""A name that is no UTF-8."""


class TakenOrder:
    """Remembers the order it was given."""

    def __init__(self) -> None:
        self.entries: list[ManifestEntry] = []

    async def follow(self, entries: Sequence[ManifestEntry]) -> None:
        """Take it."""
        self.entries = list(entries)


class OneHiddenKey:
    """One key that no path leads to."""

    def counts(self) -> Mapping[str, int]:
        """Count it."""
        return {"empty component": 1}

    def listed(self) -> Sequence[HiddenKey]:
        """Name it."""
        return [HiddenKey("/photos", "photos", f"a//{RAW_NAME}", "empty component")]


class OperatorDesk:
    """The desk and the parts that tests turn."""

    def __init__(
        self, tree: SmallTree, filler: SmallFiller, *, mount_point: str = "/data", fault: str | None = None
    ) -> None:
        self.tree = tree
        self.filler = filler
        self.order = TakenOrder()
        self.clock = RealClock()
        self.desk = MountDesk(
            AgentFacts(
                version="0.1.0", pid=4242, node="node-7", mount_point=mount_point, started=self.clock.monotonic()
            ),
            entries=lambda: [
                EntryState("/photos", "photos", "s3", "online", "strong"),
                EntryState("/far", "far", "azureblob", "the azure extra is not installed", ""),
            ],
            cache=cache_stats,
            health=Health([FixedCheck("mount"), FixedCheck("backend:photos", fault=fault)], self.clock),
            hidden=OneHiddenKey(),
            counters=lambda: {"reads_hit": 7, "reads_missed": 3},
            tree=tree,
            filler=filler,
            order=self.order,
            clock=self.clock,
            telemetry=lambda: TelemetryState(
                "grpc", 1200, 3, sent=1000, spooled=197, waiting=197, spool_bytes=4096, fault="connection refused"
            ),
        )


def small_desk(**options: str | None) -> OperatorDesk:
    """Return a desk over three files of 100, 200 and 300 bytes, and one with a raw name."""
    tree = SmallTree({"/photos/a": 100, "/photos/b": 200, "/photos/deep/c": 300, f"/photos/deep/{RAW_NAME}": 5})
    return OperatorDesk(tree, SmallFiller(), **options)  # type: ignore[arg-type]  # mount_point and fault by name
