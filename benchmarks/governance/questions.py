"""Questions about use over larger and larger warehouses, through the API; aggregating everything is control and oracle.

Every answer is compared with the aggregation of objects and rollups before its time counts. The control's time is that
of the aggregation alone, without splitting among teams, naming or writing.
"""

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.control.plan import ControlPlan
from benchmarks.control.process import Served, served
from benchmarks.governance import oracle
from benchmarks.governance.warehouse import Size, fill
from benchmarks.results import OURS, Result
from warpdrive.adapters.store.connecting import DatabasePlace, Role, connect
from warpdrive.adapters.store.reader_counting import PostgresReaderCounting

MOST_MS: Final = 300.0
AGGREGATED: Final = "aggregating all"
TEAMS: Final = 20
MEMBERS: Final = 50
SIZES: Final = (Size(1_000, 10_000), Size(10_000, 100_000), Size(100_000, 1_000_000), Size(1_000_000, 10_000_000))
QUICK_SIZES: Final = SIZES[:2]
ASKED: Final = 5
"""Times that a question is asked in a round; the first of all is not counted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what aggregating everything says to it: two things to compare, the second timed."""

    name: str
    path: str
    goal: bool
    shown: Callable[[Mapping[str, Any]], Any]
    computed: Callable[[Any, date], Awaitable[Any]]


QUESTIONS: Final = (
    Asked("usage by team", "usage", True, oracle.rows, oracle.owned),  # noqa: FBT003 - whether it has a goal
    Asked("usage by team, readers", "usage?basis=reader", True, oracle.rows, oracle.read_by_teams),  # noqa: FBT003
    Asked("usage by user", "usage?groupBy=user&days=90", True, oracle.rows, oracle.read_by_users),  # noqa: FBT003
    Asked("stale 30 d", "stale?days=30&pageSize=100", True, oracle.stale, oracle.idle),  # noqa: FBT003
    Asked("growth 90 d", "growth?period=90", True, oracle.days, oracle.grown),  # noqa: FBT003
    Asked("usage by prefix", "usage?groupBy=prefix&backend=b1&depth=2", False, oracle.rows, oracle.lying),  # noqa: FBT003
    Asked("user", "user/user-0007", False, oracle.user, oracle.acted),  # noqa: FBT003
)


async def run(plan: ControlPlan) -> Sequence[Result]:
    """Ask in each size; the goal is judged in the largest."""
    results: list[Result] = []
    for size in SIZES if plan.rounds > 1 else QUICK_SIZES:
        results += await _asked_in(plan, size, judged=size == SIZES[-1])
    return results


async def _asked_in(plan: ControlPlan, size: Size, *, judged: bool) -> list[Result]:
    place = await plan.fresh()
    today = datetime.now(UTC).date()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wd-bench-")))
        with served(place, folder) as plane:
            _make_teams(plane)
        owner = await connect(place, Role.OWNER, application_name="benchmark", patience_s=None)
        stack.push_async_callback(owner.close)
        rollups = await fill(owner, size, today)
        words = f"{size.objects:,} objects, {rollups:,} rollups"
        results = [await _count_readers(place, words)]
        # No worker beside it: what would be measured is the answers, not what they wait behind.
        plane = stack.enter_context(served(place, folder, arguments=("--role", "api")))
        client = stack.enter_context(
            httpx.Client(headers={"authorization": f"Bearer {plane.token}"}, timeout=60.0, base_url=plane.url)
        )
        for question in QUESTIONS:
            results.append(await _ask(plan, client, owner, question, words, today))
            if judged and question.goal:
                median = results[-1].median(OURS)
                results[-1].goal = f"<= {MOST_MS:g} ms"
                results[-1].judge(median / results[-1].median(AGGREGATED))
                results[-1].passed = median <= MOST_MS
        await owner.execute("RESET ALL")
    return results


async def _count_readers(place: DatabasePlace, words: str) -> Result:
    began = time.perf_counter()
    async with PostgresReaderCounting(place).running() as counter:
        assert counter is not None
        await counter.count(datetime.now(UTC))
    took = time.perf_counter() - began
    return Result("questions", f"count readers' shares, in the background; {words}", "s", {OURS: [took]})


async def _ask(plan: ControlPlan, client: httpx.Client, owner: Any, question: Asked, words: str, today: date) -> Result:
    result = Result("questions", f"{question.name}; {words}", "ms", {OURS: [], AGGREGATED: []})
    began = time.perf_counter()
    expected = await question.computed(owner, today)
    result.series[AGGREGATED].append((time.perf_counter() - began) * 1e3)
    _get(client, question)
    for _ in range(plan.rounds):
        taken = []
        for _ in range(ASKED):
            began = time.perf_counter()
            answer = _get(client, question)
            taken.append((time.perf_counter() - began) * 1e3)
            shown = question.shown(answer)
            assert shown == expected, f"{question.name}: {shown} is not {expected}"
        result.series[OURS].append(statistics.median(taken))
    return result


def _get(client: httpx.Client, question: Asked) -> Mapping[str, Any]:
    answer = client.get(f"/api/v1/{question.path}")
    answer.raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found


def _make_teams(plane: Served) -> None:
    headers = {"authorization": f"Bearer {plane.token}"}
    with httpx.Client(headers=headers, timeout=30.0, base_url=plane.url) as client:
        for number in range(TEAMS):
            # Every tenth user is in the next team, too.
            numbers = [number * MEMBERS + each for each in range(MEMBERS + MEMBERS // 10)]
            members = [f"user-{each % (TEAMS * MEMBERS):04d}" for each in numbers]
            answer = client.post("/api/v1/team", json={"name": f"team-{number:02d}", "members": members})
            answer.raise_for_status()
        deadline = time.monotonic() + 30.0
        while time.monotonic() < deadline:
            answer = client.get("/api/v1/teams", params={"pageSize": 1000})
            if len(answer.json()["teams"]) == TEAMS:
                return
            time.sleep(0.05)
    raise RuntimeError("the teams did not reach the read models")
