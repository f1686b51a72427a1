"""What each kind of event says, as a sentence without its beginning ("sealed namespace training").

One table for all kinds; a test holds it complete. `about` is how the stream is called (`subjects`). What people typed
is quoted where it could be taken for our words, so no name or note can forge a line of the trail.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from eventsourcing.domain import Aggregate

from warpdrive.application.audit.access_sentences import ACCESS_SENTENCES
from warpdrive.application.audit.wording import period_words, plain, quoted, size_words, stored_moment_words
from warpdrive.domain.dismissal.aggregate import Dismissal
from warpdrive.domain.namespace.aggregate import Namespace
from warpdrive.domain.namespace.payloads import EntryPayload
from warpdrive.domain.price_book.aggregate import PriceBook
from warpdrive.domain.price_book.values import PricePayload
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.team.aggregate import Team

Sentence = Callable[[Any, str], str]
"""From an event of the one class that it is for, and what its stream is called, to words."""


def backend_words(entry: EntryPayload) -> str:
    """Say where an entry's bytes live and under which rules: "bucket imagenet (s3, ...)"."""
    backend = entry["backend"]
    facts = [backend["type"], *(f"{key} {plain(value)}" for key, value in backend["options"].items())]
    facts += [f"{key} {plain(value)}" for key in ("prefix", "auth", "tenant") if (value := str(backend.get(key, "")))]
    facts += [f"{key} {value}" for key, value in entry["policy"].items()]
    return f"backend {plain(backend['name'])} ({', '.join(facts)})"


def limits_words(soft: int, hard: int, grace_seconds: int) -> str:
    """Say a quota's limits."""
    return f"soft {size_words(soft)}, hard {size_words(hard)}, grace {period_words(grace_seconds)}"


def rule_words(backend: str, prefix: str) -> str:
    """Say which objects an ownership rule is about."""
    where = "every backend" if backend == "*" else f"backend {plain(backend)}"
    return f"{plain(prefix)} in {where}" if prefix else f"everything in {where}"


def price_words(entry: PricePayload) -> str:
    """Say what a price entry charges."""
    return (
        f"{plain(entry['backend'])} / {plain(entry['storage_class'])} from {entry['valid_from']}: "
        f"{entry['per_gib_month']} per GiB and month, {entry['per_1000_requests']} per 1000 requests, "
        f"{entry['per_gib_egress']} per GiB of egress"
    )


_NAMESPACE: Final[dict[type[Aggregate.Event], Sentence]] = {
    Namespace.Created: lambda _, about: f"created {about}",
    Namespace.MountEntryAdded: lambda event, about: (
        f"mounted {backend_words(event.entry)} at {plain(event.entry['path'])} in {about}"
    ),
    Namespace.MountEntryReconfigured: lambda event, about: (
        f"reconfigured {plain(event.entry['path'])} in {about} to {backend_words(event.entry)}"
    ),
    Namespace.MountEntryRemoved: lambda event, about: f"unmounted {plain(event.path)} from {about}",
    Namespace.Sealed: lambda _, about: f"sealed {about}",
    Namespace.Unsealed: lambda _, about: f"unsealed {about}",
    Namespace.Retired: lambda _, about: f"retired {about}",
}

_TEAM: Final[dict[type[Aggregate.Event], Sentence]] = {
    Team.Created: lambda _, about: f"created {about}",
    Team.Renamed: lambda event, _: f"renamed team {plain(event.previous)} to {plain(event.name)}",
    Team.MemberAdded: lambda event, about: f"added {quoted(event.principal)} to {about}",
    Team.MemberRemoved: lambda event, about: f"removed {quoted(event.principal)} from {about}",
    Team.OwnershipRuleAdded: lambda event, about: f"gave {about} {rule_words(event.backend, event.prefix)}",
    Team.OwnershipRuleRemoved: lambda event, about: f"took {rule_words(event.backend, event.prefix)} from {about}",
    Team.Disbanded: lambda _, about: f"disbanded {about}",
}

_QUOTA: Final[dict[type[Aggregate.Event], Sentence]] = {
    Quota.Defined: lambda event, about: f"set {about} to {limits_words(event.soft, event.hard, event.grace_seconds)}",
    Quota.LimitsSet: lambda event, about: f"set {about} to {limits_words(event.soft, event.hard, event.grace_seconds)}",
    Quota.LeasePolicySet: lambda event, about: (
        f"let nodes lease {size_words(event.bytes)} for {period_words(event.seconds)} under {about}"
    ),
    Quota.UsageObserved: lambda event, about: f"counted {size_words(event.usage)} under {about}",
    Quota.SoftLimitCrossed: lambda event, about: (
        f"counted {size_words(event.usage)} under {about}, above its soft limit of {size_words(event.limit)}; "
        f"grace until {stored_moment_words(event.grace_until)}"
    ),
    Quota.HardLimitCrossed: lambda event, about: (
        f"counted {size_words(event.usage)} under {about}, above its hard limit of {size_words(event.limit)}"
    ),
    Quota.Recovered: lambda event, about: (
        f"counted {size_words(event.usage)} under {about}, within its soft limit again"
    ),
    Quota.LeaseRefused: lambda event, about: (
        f"refused node {quoted(event.node)} a lease of {size_words(event.wanted)} under {about}: "
        f"{size_words(event.usage)} held or promised, limit {size_words(event.limit)}"
    ),
    Quota.Removed: lambda _, about: f"removed {about}",
}

_PRICE_BOOK: Final[dict[type[Aggregate.Event], Sentence]] = {
    PriceBook.Created: lambda event, about: f"created {about} in {event.currency}",
    PriceBook.PriceSet: lambda event, about: f"set the price of {price_words(event.entry)}, in {about}",
    PriceBook.PriceRemoved: lambda event, about: (
        f"took back the price of {plain(event.backend)} / {plain(event.storage_class)} from {event.valid_from}, "
        f"in {about}"
    ),
    PriceBook.Retired: lambda _, about: f"retired {about}",
}

_DISMISSAL: Final[dict[type[Aggregate.Event], Sentence]] = {
    Dismissal.Dismissed: lambda event, about: f"dismissed {about}: {quoted(event.reason)}",
    Dismissal.DismissedAgain: lambda event, about: f"dismissed {about} again: {quoted(event.reason)}",
    Dismissal.Restored: lambda _, about: f"restored {about}",
}

SENTENCES: Final[Mapping[type[Aggregate.Event], Sentence]] = MappingProxyType(
    {**_NAMESPACE, **_TEAM, **_QUOTA, **_PRICE_BOOK, **_DISMISSAL, **ACCESS_SENTENCES}
)
"""Every kind of event that a stream can hold -> its words."""


def sentence_of(event: Aggregate.Event, about: str) -> str:
    """Say what happened."""
    return SENTENCES[type(event)](event, about)
