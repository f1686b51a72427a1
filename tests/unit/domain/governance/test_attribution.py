"""Homes and owners of keys, beside a scan of every backend and rule for every key."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.governance.attribution import (
    Assignment,
    Attribution,
    Claim,
    Showing,
    attribution,
    changed_prefixes,
)


def _one_present_of_a_name(showings: Sequence[Showing]) -> list[Showing]:
    kept: dict[tuple[str, str], Showing] = {}
    for each in showings:
        present = each.present and not any(other.present for other in kept.values() if other.backend == each.backend)
        kept.setdefault((each.backend, each.prefix), Showing(each.backend, each.prefix, present))
    return list(kept.values())


_PREFIXES = st.lists(st.sampled_from("ab"), max_size=3).map(lambda names: "".join(f"{name}/" for name in names))
_KEYS = st.tuples(_PREFIXES, st.sampled_from(["", "x", "a", "ab"])).map("".join)
_SHOWINGS = st.lists(
    st.builds(Showing, st.sampled_from(["one", "two", "three"]), _PREFIXES, st.booleans()), max_size=5
).map(_one_present_of_a_name)
_CLAIMS = st.lists(
    st.builds(Claim, st.sampled_from("pqr"), st.sampled_from(["one", "two", "three", "four", "*"]), _PREFIXES),
    max_size=6,
)


@given(_SHOWINGS, _CLAIMS, st.lists(_KEYS, max_size=20))
def test_every_key_has_the_answer_of_a_scan(
    showings: Sequence[Showing], claims: Sequence[Claim], keys: Sequence[str]
) -> None:
    """Whatever backends and rules there are, the table of prefixes says what looking at all of them says."""
    found = attribution(showings, claims)
    for key in keys:
        assert found.of(key) == _scanned(showings, claims, key)
        assert found.of(key) == _scanned(showings, claims, key), "asked again"


@given(_SHOWINGS, _CLAIMS, _SHOWINGS, _CLAIMS, st.lists(_KEYS, max_size=20))
def test_only_keys_below_changed_prefixes_change(
    showings: Sequence[Showing],
    claims: Sequence[Claim],
    later: Sequence[Showing],
    more: Sequence[Claim],
    keys: Sequence[str],
) -> None:
    """A key with another answer than before lies below a changed prefix, and none of these below another."""
    before, after = attribution(showings, claims), attribution(later, more)
    changed = changed_prefixes(before, after)
    assert changed == sorted(changed)
    assert not any(one != other and one.startswith(other) for one in changed for other in changed)
    for key in keys:
        if before.of(key) != after.of(key):
            assert any(key.startswith(prefix) for prefix in changed)
    assert not changed_prefixes(before, before)


def test_the_longest_whole_prefix_owns() -> None:
    """A rule's prefix counts from its backend's; a longer one wins, whoever's it is."""
    found = attribution(
        [Showing("outer", ""), Showing("inner", "data/")],
        [Claim("t1", "outer", "data/"), Claim("t2", "inner", "raw/"), Claim("t3", "*", "")],
    )
    assert found.of("x") == Assignment("outer", "", ("t3",))
    # "*" reaches to "data/" by way of the inner backend, but the outer one is named there.
    assert found.of("data/x") == Assignment("inner", "data/", ("t1",))
    assert found.of("data/raw/x") == Assignment("inner", "data/", ("t2",))


def test_a_named_backend_goes_before_any_and_equals_share() -> None:
    """At equal length rules that name a backend win; several teams' equal rules own together, in order."""
    showings = [Showing("b", "")]
    assert attribution(showings, [Claim("t2", "*", "a/"), Claim("t1", "*", "a/")]).of("a/x") == Assignment(
        "b", "", ("t1", "t2")
    )
    assert attribution(showings, [Claim("t2", "*", "a/"), Claim("t1", "b", "a/")]).of("a/x") == Assignment(
        "b", "", ("t1",)
    )


def test_former_backends_keep_what_nobody_else_shows() -> None:
    """As long as a present backend shows a key it is the home; a former one only where there is none."""
    showings = [Showing("gone", "a/b/", present=False), Showing("here", "a/")]
    assert attribution(showings, []).of("a/b/x") == Assignment("here", "a/", ())
    assert attribution([Showing("gone", "a/b/", present=False)], [Claim("t", "gone", "")]).of("a/b/x") == Assignment(
        "gone", "a/b/", ("t",)
    )
    assert attribution(showings, []).of("c/x") is None


def test_memory_of_directories_is_bounded() -> None:
    """Asking about very many directories forgets old ones and stays right."""
    found = Attribution({"": Assignment("b", "", ()), "d7/": Assignment("b", "", ("t",))})
    for number in range(60_000):
        assert found.of(f"d{number}/x") == Assignment("b", "", ("t",) if number == 7 else ())


def _scanned(showings: Sequence[Showing], claims: Sequence[Claim], key: str) -> Assignment | None:
    showing = [each for each in showings if key.startswith(each.prefix)]
    showing = [each for each in showing if each.present] or showing
    if not showing:
        return None
    home = min(showing, key=lambda each: (-len(each.prefix), each.backend))
    rules = [
        (len(each.prefix + claim.prefix), claim.backend != "*", claim.team)
        for each in showing
        for claim in claims
        if claim.backend in (each.backend, "*") and key.startswith(each.prefix + claim.prefix)
    ]
    best = max((rule[:2] for rule in rules), default=None)
    return Assignment(home.backend, home.prefix, tuple(sorted({rule[2] for rule in rules if rule[:2] == best})))
