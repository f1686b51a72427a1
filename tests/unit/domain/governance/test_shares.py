"""Shares of teams in sums over objects."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from warpdrive.domain.governance.shares import NOBODY, team_shares


@dataclass(frozen=True)
class Row:
    """Bytes of some owners."""

    backend: str
    owners: tuple[str, ...]
    bytes: int


ROWS = st.lists(
    st.builds(
        Row,
        st.sampled_from(["a", "b"]),
        st.sets(st.sampled_from(["t1", "t2", "t3"])).map(lambda teams: tuple(sorted(teams))),
        st.integers(0, 2**62),
    ),
    max_size=12,
)


@given(ROWS)
def test_shares_add_up_to_what_there_is(rows: list[Row]) -> None:
    """Backend by backend, whoever owns how much together with whom."""
    shares = team_shares(rows)
    for backend in ("a", "b"):
        there = sum(row.bytes for row in rows if row.backend == backend)
        assert sum(size for (_, place), size in shares.items() if place == backend) == there


def test_what_nobody_owns_is_nobodys_and_what_several_do_is_split() -> None:
    """The remainder goes to the first."""
    rows = [Row("a", (), 5), Row("a", ("t1", "t2"), 7), Row("b", ("t2",), 1), Row("a", ("t1", "t2"), 1)]
    assert team_shares(rows) == {(NOBODY, "a"): 5, ("t1", "a"): 5, ("t2", "a"): 3, ("t2", "b"): 1}
