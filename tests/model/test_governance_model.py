"""Every governance answer against a model in dictionaries and loops, through random stories."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.governance_model import GovernanceModel
from tests.support.governance_rig import compare, play
from tests.support.governance_rigs import memory_rig, postgres_rig
from tests.support.governance_story import random_story
from tests.support.postgres import FreshDatabase
from warpdrive.application.ports.event_store import NameUse

EXAMPLES = 50
LIVES = 2
STEPS = 40


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**32))
async def test_every_answer_of_the_twins_is_the_models(seed: int) -> None:
    """In the middle and at the end of a story."""
    rig, model = await memory_rig(), GovernanceModel()
    story = random_story(Random(seed), STEPS)
    for part in (story[: STEPS // 2], story[STEPS // 2 :]):
        await play(rig, model, part)
        await compare(rig, model)


async def test_every_answer_of_postgresql_is_the_models_also_when_all_is_replayed(
    migrated_database: FreshDatabase,
) -> None:
    """In the middle and at the end; from empty tables again with other batches; and when read models are rebuilt."""
    for seed in range(LIVES):
        random = Random(seed)
        model = GovernanceModel()
        async with postgres_rig(await migrated_database()) as rig:
            story = random_story(random, STEPS)
            await play(rig, model, story[: STEPS // 2])
            await compare(rig, model)
            await play(rig, model, story[STEPS // 2 :])
            found = await compare(rig, model)
            await rig.rebuilding.run()
            teams = {team.name: each for each, team in model.teams.items()}
            assert await rig.answers(teams) == found
            async with postgres_rig(await migrated_database(), begun=False) as again:
                names = [NameUse("team", name, each) for name, each in teams.items()]
                await again.replay(rig.journal, names, rig.clock.wall(), random)
                assert await again.answers(teams) == found
