"""What happens in stories about storage and its use, step by step, as plain values.

Everything in a step is what happens outside: no step says what should come of it.
"""

from dataclasses import dataclass

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Put:
    """Write an object: its key in the place. What has the same `content` (a letter) and size has the same bytes."""

    place: str
    key: str
    size: int
    content: str
    storage_class: str = ""
    age_s: int = 0
    """So long ago it says it was modified."""


@dataclass(frozen=True, slots=True)
class Remove:
    """Take an object away, if it is there."""

    place: str
    key: str


@dataclass(frozen=True, slots=True)
class Mount:
    """Have the namespace hold these backends and no other."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crawl:
    """Crawl a place to the end."""

    place: str
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Abort:
    """Begin to crawl a place; some of its keys, every `nth`, are merged, then the listing fails."""

    place: str
    nth: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Have a team with these members and rules (backend, prefix), besides those that it has."""

    team: str
    members: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rename:
    """Call a team otherwise."""

    team: str
    name: str


@dataclass(frozen=True, slots=True)
class Disband:
    """End a team."""

    team: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Let a member leave."""

    team: str
    user: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Take a rule back."""

    team: str
    rule: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Limit:
    """Limit a team in a backend ("*": all)."""

    team: str
    backend: str
    soft: int
    hard: int
    grace_s: int = 10 * DAY_S


@dataclass(frozen=True, slots=True)
class Observe:
    """Let the observer look."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Hear from a node."""

    node: str


@dataclass(frozen=True, slots=True)
class Use:
    """One access record. `ago_s`: so long before its batch was sent it happened, by any clock."""

    user: str
    backend: str
    key: str
    ago_s: int = 0
    op: int = 1
    opens: int = 1
    bytes_read: int = 7
    hits: int = 0
    misses: int = 0
    job: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a batch. `number` is its name for ever; `skew_s`: the node's clock is so much ahead of ours.

    It covers the time from `covers_s` before it ended to its end, which was `ended_ago_s` before it was sent.
    """

    number: int
    node: str
    uses: tuple[Use, ...] = ()
    skew_s: int = 0
    covers_s: int = 0
    ended_ago_s: int = 0
    lost: int = 0


Step = (
    Wait
    | Put
    | Remove
    | Mount
    | Crawl
    | Abort
    | Gather
    | Rename
    | Disband
    | Leave
    | GiveUp
    | Limit
    | Observe
    | Beat
    | Tell
)
