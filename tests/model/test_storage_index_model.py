"""The storage index against plain dictionaries, through random lives of buckets, namespaces and teams."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.indexed_lives import IndexedLife
from tests.support.indexing import indexing_in_memory, indexing_on_postgres
from tests.support.postgres import FreshDatabase

EXAMPLES = 100
STEPS = 25


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32))
async def test_the_twin_says_what_the_model_says(seed: int) -> None:
    """After every happening homes, owners, sizes, deletions and all sums are those of the plain model."""
    async with indexing_in_memory() as indexing:
        life = IndexedLife(indexing, Random(seed))
        for _ in range(STEPS):
            await life.step()
            await life.check()


async def test_postgresql_says_what_the_model_says(migrated_database: FreshDatabase) -> None:
    """The same on PostgreSQL, through one long life."""
    async with indexing_on_postgres(await migrated_database()) as indexing:
        life = IndexedLife(indexing, Random(20261123))
        for _ in range(60):
            await life.step()
            await life.check()
