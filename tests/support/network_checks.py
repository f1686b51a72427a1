"""The twin of `NetworkChecks`: a network that is what a test says."""

from warpdrive.application.ports.network_checks import NetworkCheckFailed, PrivateLinkReport, ServiceTagReport


class MemoryNetworkChecks:
    """Answers from two tables; what is not in them cannot be checked."""

    def __init__(self) -> None:
        self.links: dict[str, PrivateLinkReport] = {}
        self.tags: dict[str, ServiceTagReport] = {}

    async def private_link(self, endpoint: str) -> PrivateLinkReport:
        """See the port."""
        if endpoint not in self.links:
            raise NetworkCheckFailed(f"{endpoint} does not resolve")
        return self.links[endpoint]

    async def service_tags(self, endpoint: str) -> ServiceTagReport:
        """See the port."""
        if endpoint not in self.tags:
            raise NetworkCheckFailed(f"{endpoint} does not resolve")
        return self.tags[endpoint]
