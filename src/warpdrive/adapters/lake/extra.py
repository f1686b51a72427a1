"""Whether the lake extra is installed."""

from importlib.util import find_spec


class LakeMissing(Exception):
    """Raised when something that is configured needs pyarrow, and it is not installed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs the lake extra: pip install 'warpdrive[lake]'")
        self.what = what


def check_lake(what: str) -> None:
    """Raise LakeMissing, in the name of a setting, when pyarrow is not there. Loads nothing."""
    if find_spec("pyarrow") is None:
        raise LakeMissing(what)
