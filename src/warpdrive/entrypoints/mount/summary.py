"""What a configuration would mount, for `--check-config`: no secrets, no I/O, no backend is asked."""

from collections.abc import Iterator

from warpdrive.entrypoints.settings import AgentSettings
from warpdrive.entrypoints.settings.backends import BackendSettings

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024


def summarise(settings: AgentSettings) -> str:
    """Return a few lines for a person."""
    return "\n".join(_lines(settings))


def _lines(settings: AgentSettings) -> Iterator[str]:
    cache = settings.cache
    yield "configuration is valid"
    yield f"mount point  {settings.mount_point} (read-only)"
    disk, memory = size_text(cache.max_size), size_text(cache.memory_limit)
    yield f"cache        {cache.path}, at most {disk} on disk, {memory} in memory"
    if settings.metrics.enabled:
        yield f"metrics      http://{settings.metrics.addr.host or '0.0.0.0'}:{settings.metrics.addr.port}/metrics"  # noqa: S104 - says what the setting means
    if settings.telemetry.enabled:
        yield f"telemetry    {settings.telemetry.sink}"
    if settings.agent.control_plane is not None:
        yield f"namespace    {settings.agent.namespace}, from the control plane at {settings.agent.control_plane}"
        return
    if not settings.backends:
        yield "backends     none: the tree will be empty"
    width = max((len(backend.mount_path) for backend in settings.backends), default=0)
    for backend in settings.backends:
        yield f"  {backend.mount_path:<{width}}  {backend.type} {backend.name}: {_place(backend)}"


def _place(backend: BackendSettings) -> str:
    options = backend.config.options()
    words = [f"{key}={value}" for key, value in options.items()]
    if backend.config.prefix:
        words.append(f"prefix={backend.config.prefix}")
    return ", ".join(words) or "-"


def size_text(count: float) -> str:
    """Write bytes with the largest unit that leaves at least one."""
    unit = 0
    while count >= _STEP and unit < len(_UNITS) - 1:
        count /= _STEP
        unit += 1
    return f"{count:.4g} {_UNITS[unit]}"
