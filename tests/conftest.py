"""Rules of the whole suite: hypothesis profiles, the cloud marker, a time budget per tree.

Environment: `HYPOTHESIS_PROFILE` (default or thorough) and `WARPDRIVE_TEST_BUDGET_FACTOR` (a number that
multiplies the time budgets on a slow machine).
"""

import os
from collections import defaultdict
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "default",
    max_examples=60,
    deadline=None,  # examples share two CPUs with real servers; pytest-timeout bounds the whole test
    derandomize=True,  # the same commit gives the same answer; `thorough` looks further
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "thorough", hypothesis.settings.get_profile("default"), max_examples=1000, derandomize=False
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

pytest_plugins = ["tests.support.postgres"]

TESTS = Path(__file__).parent

BUDGET_SECONDS = {
    "architecture": 40,
    "unit": 230,
    "model": 90,
    "contract": 190,
    "fuse": 120,
    "integration": 180,
    "e2e": 330,
}
"""How long each tree may take, added up over two processes that share two CPUs: a run takes half of the sum, and with
linters and types the suite stays under ten minutes."""


class Account:
    """Adds up the seconds of each phase (set-up counts: servers start there) per tree.

    Where tests are dealt to several processes, the one that deals hears of all of them.
    """

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of one phase of one test."""
        parts = Path(report.nodeid.partition("::")[0]).parts
        if parts[0] == TESTS.name:
            self.spent[parts[1]] += report.duration


_account = pytest.StashKey[Account]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the account."""
    config.stash[_account] = Account()
    config.pluginmanager.register(config.stash[_account])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that need an account, unless `-m` speaks of them."""
    if "cloud" in config.option.markexpr:
        return
    clouds = [item for item in items if item.get_closest_marker("cloud")]
    if clouds:
        config.hook.pytest_deselected(items=clouds)
        items[:] = [item for item in items if not item.get_closest_marker("cloud")]


def _over_budget(config: pytest.Config) -> list[str]:
    factor = float(os.environ.get("WARPDRIVE_TEST_BUDGET_FACTOR", "1"))
    return [
        f"tests/{tree} took {seconds:.0f} s, its budget is {BUDGET_SECONDS[tree] * factor:.0f} s"
        for tree, seconds in config.stash[_account].spent.items()
        if tree in BUDGET_SECONDS and seconds > BUDGET_SECONDS[tree] * factor
    ]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run that passed but took longer than its budget."""
    if exitstatus == pytest.ExitCode.OK and _over_budget(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the time went and which tree spent too much."""
    spent = config.stash[_account].spent
    terminalreporter.write_line("seconds: " + ", ".join(f"{tree} {spent[tree]:.1f}" for tree in sorted(spent)))
    for line in _over_budget(config):
        terminalreporter.write_line(f"OVER BUDGET: {line}", red=True)
