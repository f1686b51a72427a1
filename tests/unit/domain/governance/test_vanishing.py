"""The mass-delete guard's rule."""

import pytest

from warpdrive.domain.governance.vanishing import doubtful


@pytest.mark.parametrize(
    ("known", "missing", "expected"),
    [
        (0, 0, False),
        (10, 0, False),
        (1, 1, True),
        (10, 10, True),
        (10, 9, False),
        (1_500, 1_000, False),
        (1_500, 1_001, True),
        (2_002, 1_001, False),
        (2_001, 1_001, True),
        (10_000_000, 4_000_000, False),
    ],
)
def test_much_or_everything_missing_is_doubtful(known: int, missing: int, expected: bool) -> None:
    """Everything is always doubted, many objects when they are the larger part, few ones never."""
    assert doubtful(known, missing) is expected
