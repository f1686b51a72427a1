"""From what an auditor types to a stream, as of a position."""

import pytest

from tests.golden.lives import TENANT
from tests.unit.application.audit.conftest import Past
from warpdrive.application.audit.errors import AmbiguousName, BadReference, NoSuchStream
from warpdrive.application.audit.finding import Finder, Found
from warpdrive.domain.quota.aggregate import Quota
from warpdrive.domain.tenant_access.aggregate import TenantAccess


async def find(past: Past, text: str, position: int | None = None) -> Found:
    """Find as of a position; None is the end."""
    head = await past.on.store.head()
    return await Finder(past.on.store, past.codec, head if position is None else position).find(text)


async def test_a_name_means_who_has_it_at_the_position(past: Past) -> None:
    """The name training belonged to one namespace, then to another; who had it before is mentioned."""
    assert (await find(past, "namespace/training", past.story.mounted)).stream == past.story.training
    now = await find(past, "namespace/training")
    assert now.stream == past.story.training_again
    assert str(past.story.training) in now.notes[0]


async def test_a_name_that_nobody_has_means_who_had_it_last(past: Past) -> None:
    """A retired namespace is still found by its name, and the auditor is told that it is nobody's now."""
    retired = next(event.position for event in await past.on.events() if event.topic.endswith("namespace:Retired.v1"))
    found = await find(past, "namespace/training", retired)
    assert found.stream == past.story.training
    assert "nobody" in found.notes[0]


async def test_a_name_that_several_had_and_nobody_has_is_listed(past: Past) -> None:
    """No stream is chosen by chance: all are listed with their ids."""
    await past.on.plane.namespaces.retire(past.on.call(), "training")
    with pytest.raises(AmbiguousName) as refused:
        await find(past, "namespace/training")
    assert str(past.story.training) in str(refused.value)
    assert str(past.story.training_again) in str(refused.value)


async def test_a_renamed_team_is_found_by_both_names_at_their_times(past: Past) -> None:
    """After the rename, vision is another team."""
    assert (await find(past, "team/vision", past.story.first_limits)).stream == past.story.vision
    assert (await find(past, "team/sight")).stream == past.story.vision
    assert (await find(past, "team/vision")).stream == past.story.vision_again
    with pytest.raises(NoSuchStream):
        await find(past, "team/sight", past.story.first_limits)


async def test_quotas_tenants_tokens_and_price_books_are_found(past: Past) -> None:
    """Each by the words of its own room."""
    assert (await find(past, "quota/sight/s3")).stream == Quota.id_of(past.story.vision, "s3")
    assert (await find(past, f"quota/{past.story.vision}/s3")).stream == Quota.id_of(past.story.vision, "s3")
    assert (await find(past, f"tenant/{TENANT.upper()}")).stream == TenantAccess.id_of(TENANT)
    assert (await find(past, f"token/{past.story.token}")).stream == past.story.token
    assert (await find(past, "price-book/default")).kind == "price_book"
    assert (await find(past, str(past.story.vision))).kind == "team"


@pytest.mark.parametrize("text", ["training", "namespace/", "volume/x", "quota/vision", "tenant/contoso", "token/x"])
async def test_what_names_nothing_is_refused_with_the_forms(past: Past, text: str) -> None:
    """The message says how streams are named."""
    with pytest.raises(BadReference, match="quota/TEAM/BACKEND"):
        await find(past, text)


@pytest.mark.parametrize("text", ["namespace/nothing", "quota/vision/gcs", "00000000-0000-4000-8000-000000000000"])
async def test_what_never_was_is_said_to_be_missing(past: Past, text: str) -> None:
    """A good reference to nothing is another fault than a bad one."""
    with pytest.raises(NoSuchStream):
        await find(past, text)
