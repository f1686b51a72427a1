"""Why an object stays where it is. Each is one object's fault; the others are moved all the same."""


class MoveFault(Exception):
    """Base of what keeps an object from being moved, other than a backend's own answer."""


class TargetExists(MoveFault):
    """Raised when something that we did not put there has the destination's key.

    `begun`: an interrupted run began a copy to it, and what is there now is not what it was to be.
    """

    def __init__(self, target: str, *, begun: bool = False) -> None:
        whose = ", with other bytes than the copy that an interrupted run began" if begun else ""
        super().__init__(f"{target!r} exists at the destination{whose}; --overwrite replaces it")
        self.target = target
        self.begun = begun


class TargetIsSource(MoveFault):
    """Raised when what would be replaced looks like the source itself, reached by another way."""

    def __init__(self, target: str) -> None:
        super().__init__(f"{target!r} at the destination looks like the very same object; nothing was done to it")
        self.target = target


class CopyDiffers(MoveFault):
    """Raised when what stands at the destination is not what was read from the source."""

    def __init__(self, target: str, why: str) -> None:
        super().__init__(f"the copy {target!r} is not the source ({why}); the source is kept")
        self.target = target


class NothingToMoveTo(MoveFault):
    """Raised when the object can have no name at the destination."""


class SourceMissing(Exception):
    """Raised when nothing at all is where it should be moved from."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no object {key!r}, and none below it" if key else "the source holds no object")
        self.key = key
