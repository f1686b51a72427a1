"""No telemetry: records are taken and forgotten, on purpose and therefore not counted as lost."""

from warpdrive.application.ports.access_log import AccessRecord


class NopLog:
    """Sink `nop`."""

    lost = 0

    def record(self, record: AccessRecord) -> None:
        """Forget it."""

    def covered(self, until: float, *, lost: int) -> None:
        """Nothing is claimed."""

    async def aclose(self, *, patience: float = 2.0) -> None:
        """Nothing is held."""
