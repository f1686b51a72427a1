"""Two users of this machine whose work the two nodes do."""

import os
import pwd
from dataclasses import dataclass

_WANTED = ("alice", "bob", "games", "news", "man", "www-data", "backup", "nobody")
"""Accounts tried in this order: everyday ones first, then those that every Debian has."""


@dataclass(frozen=True, slots=True)
class Person:
    """A login name, and what a process needs to be theirs."""

    name: str
    uid: int
    gid: int


def two_people() -> tuple[Person, Person]:
    """Choose two accounts; somebody who is not root can only be themselves, twice."""
    if os.geteuid() != 0:
        mine = pwd.getpwuid(os.geteuid())
        me = Person(mine.pw_name, mine.pw_uid, mine.pw_gid)
        return me, me
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    first, second = [Person(name, known[name].pw_uid, known[name].pw_gid) for name in _WANTED if name in known][:2]
    return first, second
