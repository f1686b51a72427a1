"""Every secret that a configuration holds, so that the process can keep them out of what it says."""

from collections.abc import Iterator, Mapping

import msgspec

from warpdrive.entrypoints.settings.kinds import Secret


def secrets_of(settings: object) -> Iterator[Secret]:
    """Yield each secret in the settings, wherever it stands; some may come twice."""
    if isinstance(settings, Secret):
        yield settings
    elif isinstance(settings, msgspec.Struct):
        for key in settings.__struct_fields__:
            yield from secrets_of(getattr(settings, key))
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from secrets_of(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from secrets_of(value)
