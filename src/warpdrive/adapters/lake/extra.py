"""Whether the lake extra is installed."""

from importlib.util import find_spec


def lake_installed() -> bool:
    """Say whether pyarrow is there. Loads nothing."""
    return find_spec("pyarrow") is not None
