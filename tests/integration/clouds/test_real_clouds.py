"""The backend contract on real clouds (`make test-integration`): every class of it, whatever is added there."""

import pytest

from tests.contract.backends import test_listing, test_reading, test_writing

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

CONTRACT = [
    (name, value)
    for module in (test_listing, test_reading, test_writing)
    for name, value in vars(module).items()
    if name.startswith("Test")
]
assert len({name for name, _ in CONTRACT}) == len(CONTRACT), "two parts of the contract share a class name"
globals().update(CONTRACT)
