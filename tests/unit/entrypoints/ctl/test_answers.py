"""Commands that show who uses what: tables for people, JSON as it came, CSV without units."""

import csv
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.canned_governance import (
    CANNED,
    COST,
    COVERED,
    CRAWL,
    GIB,
    GROWTH,
    LEASES,
    STALE,
    USAGE,
    as_of,
)
from warpdrive.entrypoints.ctl import crawl
from warpdrive.entrypoints.ctl.as_of import coverage_words
from warpdrive.entrypoints.ctl.growth import foreseen, sparkline

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator


@pytest.fixture
def desk(operator: "Operator", monkeypatch: pytest.MonkeyPatch) -> "Operator":
    """An operator of a control plane that knows much, in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(crawl, "POLL", 0.0)
    operator.served.dispatcher.canned = dict(CANNED)
    return operator


def rows(text: str) -> list[dict[str, str]]:
    """Read CSV."""
    return list(csv.DictReader(io.StringIO(text)))


def asked(desk: "Operator") -> dict[str, Any]:
    """Return the last request."""
    return desk.served.dispatcher.requests[-1]


def say(desk: "Operator", method: str, *answers: Mapping[str, Any]) -> None:
    """Answer a method so."""
    desk.served.dispatcher.canned[method] = answers


class TestUsage:
    def test_the_largest_first_and_what_nobody_owns_last_with_a_total(self, desk: "Operator") -> None:
        """Shares in per cent."""
        lines = desk.ok("usage").splitlines()
        assert [line.split() for line in lines[1:5]] == [
            ["vision", "5", "GiB", "62.5", "%", "1200"],
            ["audio", "2", "GiB", "25.0", "%", "10"],
            ["(unattributed)", "1", "GiB", "12.5", "%", "2"],
            ["total", "8", "GiB", "1212"],
        ]
        assert "as of 2026-11-23 18:00 UTC, position 40; photos generation 3," in lines[-1]
        assert lines[-1].endswith("; never crawled: scratch")

    def test_what_nobody_owns_is_last_however_much_it_is(self, desk: "Operator") -> None:
        """Before the total, where it is looked for."""
        much = [{**row, "bytes": 9 * GIB} if row["kind"] == "unattributed" else row for row in USAGE["rows"]]
        say(desk, "GovernanceService/GetUsage", {**USAGE, "rows": much})
        assert desk.ok("usage").splitlines()[3].startswith(" (unattributed)")

    def test_json_is_the_answer_and_csv_its_rows_in_bytes(self, desk: "Operator") -> None:
        """As many rows as the table, nothing in units."""
        answer = desk.json("usage")
        assert (answer["totalBytes"], len(answer["rows"]), answer["asOf"]["position"]) == (str(8 * GIB), 3, "40")
        found = rows(desk.ok("usage", "--format", "csv"))
        assert [(row["name"], row["bytes"]) for row in found][:2] == [("vision", str(5 * GIB)), ("audio", str(2 * GIB))]

    def test_what_is_typed_is_what_is_asked(self, desk: "Operator") -> None:
        """Every option."""
        narrow = ("--backend", "photos", "--team", "vision", "--prefix", "raw/")
        desk.ok("usage", "--group-by", "prefix", *narrow, "--basis", "reader", "--days", "90d", "--depth", "2")
        assert asked(desk) == {
            "group_by": "prefix",
            "backend": "photos",
            "team": "vision",
            "prefix": "raw/",
            "basis": "reader",
            "days": 90,
            "depth": 2,
        }

    def test_prefixes_are_those_of_one_backend(self, desk: "Operator") -> None:
        """Exit status 2."""
        assert "goes with --backend" in desk.fails("usage", "--group-by", "prefix", status=2)

    def test_decisions_that_are_not_counted_yet_are_said(self, desk: "Operator") -> None:
        """Or somebody believes that a new rule does nothing."""
        say(desk, "GovernanceService/GetUsage", {**USAGE, "asOf": as_of(attributedPosition=31)})
        assert "up to position 31 of 40" in desk.ok("usage")

    def test_nothing_at_all(self, desk: "Operator") -> None:
        """Says what to do."""
        say(desk, "GovernanceService/GetUsage", {})
        assert "warpdrive-ctl crawl" in desk.ok("usage")

    @pytest.mark.parametrize("days", ["0", "1h", "-3", "soon", "1.5"])
    def test_days_that_are_none(self, desk: "Operator", days: str) -> None:
        """Exit status 2, before anybody is asked."""
        assert "days" in desk.fails("usage", "--days", days, status=2)
        assert not desk.served.dispatcher.requests


class TestStale:
    def test_gaps_in_telemetry_make_unknown_and_are_named(self, desk: "Operator") -> None:
        """Beside totals."""
        shown = desk.ok("stale", "--days", "90", "--min-size", "1GB")
        assert "vision/old.tar" in shown
        assert "0 objects (0 B) are stale, 1 (3 GiB) are unknown, of 1212 (8 GiB)" in shown
        assert "telemetry incomplete for 90 days (98.6 % told): 3 gaps, first: node n1 on 2026-11-20" in shown
        assert "(1h 30m missing, 12 records lost); so idle objects are unknown, not stale" in shown
        assert asked(desk) == {"days": "90", "min_size": "1GB", "page_size": 50}

    def test_pages_are_put_together_as_far_as_wanted(self, desk: "Operator") -> None:
        """The totals are the first page's."""
        later = {**STALE, "totalObjects": 0}
        pages = [{**STALE, "nextPageToken": "t"}, {**later, "nextPageToken": "u"}, later]
        say(desk, "GovernanceService/ListStale", *pages)
        answer = desk.json("stale", "--limit", "0")
        assert (len(answer["objects"]), answer["nextPageToken"], answer["totalObjects"]) == (3, "", "1212")
        assert [request.get("page_token", "") for request in desk.served.dispatcher.requests] == ["", "t", "u"]
        say(desk, "GovernanceService/ListStale", *pages)
        assert "and more; --limit 0" in desk.ok("stale", "--limit", "2")

    def test_complete_coverage_is_said_too(self) -> None:
        """So that stale can be believed."""
        words = "telemetry complete for 90 days (UTC, 2026-08-26 to 2026-11-23)"
        assert coverage_words(COVERED, idle=True) == words


class TestGrowth:
    def test_days_with_bars_a_sum_and_a_band(self, desk: "Operator") -> None:
        """Four days of the forecast, with the last; owners that are behind are said."""
        lines = desk.ok("growth", "--period", "30d").splitlines()
        assert lines[3].split() == ["2026-11-23", "█", "8", "GiB", "1212", "+2", "GiB", "-1", "GiB", "0"]
        assert lines[4] == "nothing was indexed before 2026-11-21"
        assert lines[5] == "in 3 days +4 GiB added, -1 GiB removed, together +3 GiB"
        assert len(rows(desk.ok("growth", "--format", "csv"))) == 4
        assert lines[6:10][-1] == "forecast for 2026-11-29: 14 GiB, 13 GiB to 30 GiB"
        assert asked(desk) == {"period": "30"}

    def test_what_grew_and_what_changed_hands_is_part_of_the_sum(self, desk: "Operator") -> None:
        """Where there was any."""
        *others, last = GROWTH["days"]
        told = {**GROWTH, "days": [*others, {**last, "changedBytes": -GIB, "movedBytes": 2 * GIB}]}
        say(desk, "GovernanceService/GetGrowth", told)
        said = "in 3 days +4 GiB added, -1 GiB removed, -1 GiB changed, +2 GiB from other teams, together +4 GiB"
        assert said in desk.ok("growth", "--team", "vision")

    def test_a_refused_forecast_says_why(self, desk: "Operator") -> None:
        """And shows none."""
        say(desk, "GovernanceService/GetGrowth", {**GROWTH, "forecast": [], "refused": "only 3 days are known"})
        shown = desk.ok("growth")
        assert "no forecast: only 3 days are known" in shown
        assert "forecast for" not in shown

    def test_bars_and_chosen_days(self) -> None:
        """From the least to the most; the last day always."""
        assert sparkline([0, 7, 14]) == "▁▄█"
        assert sparkline([5, 5]) == "▁▁"
        assert sparkline([]) == ""
        days = [{"day": str(i)} for i in range(30)]
        assert [day["day"] for day in foreseen(days)] == ["6", "14", "21", "29"]
        assert foreseen(days[:2]) == days[:2]


class TestMoney:
    def test_ranges_total_and_projection(self, desk: "Operator") -> None:
        """What has no price is named."""
        lines = desk.ok("cost", "--months", "1").splitlines()
        assert lines[1].split() == [
            *("vision", "5", "GiB", "0.12", "0.01", "to", "0.03", "0.00", "0.13", "to", "0.15", "-")
        ]
        assert lines[2].split() == ["(unattributed)", "1", "GiB", *"----", "1", "GiB"]
        assert "0.13 to 0.15 USD" in lines[3]
        assert "capacity in 2026-12: 0.20 USD, 0.15 to 0.40" in lines
        assert "assumed: every miss is one request" in lines

    def test_a_refused_projection(self, desk: "Operator") -> None:
        """Says why."""
        say(desk, "GovernanceService/GetCost", {**COST, "projection": [], "refused": "short history"})
        assert "no projection: short history" in desk.ok("cost")

    def test_recommendations_come_with_evidence_and_can_be_dismissed(self, desk: "Operator") -> None:
        """For a reason, and restored."""
        shown = desk.ok("recommendations", "list")
        assert "0.05 to 0.07 USD" in shown
        assert "archive-1 because: 40 objects idle for more than 90 days" in shown
        assert "archive-1 assumed: nobody reads them" in shown
        said = desk.ok("recommendations", "dismiss", "archive-1", "--reason", "an audit needs it")
        assert said == "archive-1 is dismissed: an audit needs it\n"
        assert asked(desk) == {"recommendation": "archive-1", "reason": "an audit needs it"}
        assert desk.ok("recommendations", "restore", "archive-1") == "archive-1 is recommended again\n"
        assert "--reason" in desk.fails("recommendations", "dismiss", "archive-1", status=2)


class TestQuota:
    LIMITS = ("--team", "vision", "--soft", "6GB", "--hard", "8GB")

    @pytest.mark.parametrize("words", [("simulate",), ("quota", "simulate")])
    def test_what_limits_would_have_done(self, desk: "Operator", words: tuple[str, ...]) -> None:
        """Crossings, then a sentence."""
        shown = desk.ok(*words, *self.LIMITS)
        assert "2026-11-20  hard limit crossed, leases refused  9 GiB" in shown
        assert "of 90 days team vision would have been warned on 20 and refused on 4 (1 GiB would not" in shown
        assert "now 8 GiB: it would be grace ended" in shown
        assert asked(desk) == {"team": "vision", "backend": "*", "soft": "6GB", "hard": "8GB", "days": "90"}

    def test_limits_that_cannot_be_meant(self, desk: "Operator") -> None:
        """As where they are set."""
        assert "9GB is more than" in desk.fails("simulate", "--team", "x", "--soft", "9GB", "--hard", "8GB", status=2)

    def test_leases_and_their_policy(self, desk: "Operator") -> None:
        """The worst overshoot is said."""
        assert "overshot by 1 GiB at most" in desk.ok("quota", "leases")
        unlimited = {**LEASES["leases"][0], "id": "l2", "teams": []}
        say(desk, "GovernanceService/ListQuotaLeases", {"leases": [*LEASES["leases"], unlimited], "openBytes": 2 * GIB})
        assert "overshot by 1 GiB at most" in desk.ok("quota", "leases")
        said = desk.ok("quota", "policy", "--team", "vision", "--size", "1GB", "--period", "5m")
        assert said == "team vision on all backends: nodes are promised 1GB for 5m at once\n"
        assert asked(desk) == {"team": "vision", "backend": "*", "size": "1GB", "period": "5m"}


class TestWhoAndWhere:
    def test_a_user(self, desk: "Operator") -> None:
        """What is gone has no size; CSV has the objects."""
        shown = desk.ok("user", "ada", "--days", "30")
        assert ["photos", "gone", "unknown"] in [line.split()[:3] for line in shown.splitlines()]
        assert "75 %" in shown
        assert "telemetry complete for 90 days" in shown
        assert "readers counted" in shown
        assert [row["key"] for row in rows(desk.ok("user", "ada", "--format", "csv"))] == ["vision/a", "gone"]
        assert asked(desk) == {"user": "ada", "days": "30"}

    def test_backends(self, desk: "Operator") -> None:
        """What was never crawled is unknown, not empty."""
        lines = desk.ok("backends").splitlines()
        assert "bucket=photos raw/" in lines[1]
        assert "7 completed" in lines[1]
        assert lines[2].split()[-5:] == ["training", "unknown", "unknown", "never", "-"]

    def test_duplicates(self, desk: "Operator") -> None:
        """Some copies are named, all counted."""
        shown = desk.ok("duplicates", "--min-size", "1MB")
        assert "photos:copy-0, photos:copy-1, photos:copy-2 and 2 more" in shown
        assert "1 groups waste 4 GiB; of 12 objects no checksum is known" in shown


class TestCrawl:
    def test_it_is_waited_for(self, desk: "Operator") -> None:
        """Until all have ended."""
        said = desk.ok("crawl", "--backend", "photos")
        assert said == "crawl 7 of photos: completed; 1212 objects, 8 GiB: 62 added, 1 changed, 1 deleted\n"
        methods = [method for method, _ in desk.served.dispatcher.asked]
        assert methods == ["ControlService/StartCrawl", *["ControlService/GetCrawl"] * 2]
        assert desk.served.dispatcher.requests[0] == {"backend": "photos"}

    def test_or_not(self, desk: "Operator") -> None:
        """It says where to look."""
        said = desk.ok("crawl", "--no-wait", "--confirm-deletions")
        assert said == "crawl 7 of photos: queued; warpdrive-ctl crawl show 7\n"
        assert asked(desk) == {"confirm_deletions": True}

    def test_one_that_is_held_says_what_to_do(self, desk: "Operator") -> None:
        """In the control plane's words, once, and the exit status is 1."""
        held = {**CRAWL, "state": "held", "detail": "everything is gone"}
        say(desk, "ControlService/GetCrawl", held)
        result = desk.run("crawl")
        assert result.exit_code == 1
        assert result.stdout == "crawl 7 of photos: held: everything is gone\n"

    def test_one_that_had_nothing_new_to_read_says_so(self, desk: "Operator") -> None:
        """Else no objects would look like an empty backend."""
        say(desk, "ControlService/GetCrawl", {**CRAWL, "detail": "no newer report"})
        assert desk.ok("crawl").endswith("1 deleted; no newer report\n")

    def test_lists_and_ends(self, desk: "Operator") -> None:
        """By number."""
        assert "2026-11-23 17:00 UTC" in desk.ok("crawl", "list", "--state", "completed")
        assert asked(desk) == {"state": "completed", "page_size": 20}
        assert "62 added, 1 changed, 1 deleted" in desk.ok("crawl", "show", "7")
        assert asked(desk) == {"id": "7"}
        assert "cancelled" in desk.ok("crawl", "cancel", "7")
        assert "behind that word" in desk.fails("crawl", "--no-wait", "list", status=2)

    def test_whoever_stops_waiting_is_told_that_it_goes_on(
        self, desk: "Operator", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ctrl-C ends the waiting only."""

        def interrupted(_seconds: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("warpdrive.entrypoints.ctl.crawl.time.sleep", interrupted)
        assert "warpdrive-ctl crawl show 7" in desk.fails("crawl")


class TestJobs:
    def test_a_report_from_an_epilog(self, desk: "Operator") -> None:
        """Moments in seconds, as schedulers have them, or as people write them."""
        shown = desk.ok(
            *("job-report", "--job-id", "4711", "--user", "ada", "--status", "completed"),
            *("--started-at", "1795449600", "--ended-at", "2026-11-23T17:30:00+00:00"),
        )
        assert "4 GiB in 30 opens, 1 GiB of it by user and time only" in shown
        assert asked(desk) == {
            "job": "4711",
            "user": "ada",
            "status": "completed",
            "started_at": "2026-11-23T16:00:00Z",
            "ended_at": "2026-11-23T17:30:00Z",
        }

    def test_one_job(self, desk: "Operator") -> None:
        """As JSON, too."""
        assert json.loads(desk.ok("job", "4711", "--user", "ada", "--json"))["bytesRead"] == str(4 * GIB)
        assert [row["backend"] for row in rows(desk.ok("job", "4711", "--format", "csv"))] == ["photos"]

    @pytest.mark.parametrize(
        "options",
        [
            ["--status", "done"],
            ["--status", "failed", "--started-at", "soon"],
            ["--status", "failed", "--started-at", "2026-11-23", "--ended-at", "2026-11-22"],
        ],
    )
    def test_reports_that_cannot_be_meant(self, desk: "Operator", options: list[str]) -> None:
        """Exit status 2."""
        desk.fails("job-report", "--job-id", "1", "--user", "ada", *options, status=2)


class TestAnswersThatAreNotCanned:
    """What the control plane itself says, of nothing and of a little: every field that a command reads is there."""

    @pytest.fixture
    def little(self, operator: "Operator") -> "Operator":
        """An operator with a backend that was never crawled, a team, a price and a job."""
        operator.ok("namespace", "create", "n")
        operator.ok("namespace", "mount", "n", "/p", "--backend", "p", "--type", "local", "--config", "root=/srv/p")
        operator.ok("team", "add", "vision", "--member", "ada", "--owns", "p:vision/")
        operator.ok("quota", "set", "--team", "vision", "--hard", "1GB")
        operator.ok("price", "set", "aws", "--from", "2026-01-01", "--per-gib-month", "0.023")
        return operator

    @pytest.mark.parametrize(
        "words",
        [
            "usage",
            "usage --group-by user --days 90",
            "usage --group-by prefix --backend p --depth 2",
            "usage --basis reader --team vision",
            "stale --days 30 --min-size 1KB --backend p --team vision",
            "growth --period 7 --team vision",
            "cost --book aws --months 2",
            "cost --group-by backend --backend p",
            "recommendations list --kind archive_stale --dismissed",
            "simulate --team vision --soft 1GB --hard 2GB --grace 1d --days 30",
            "quota leases --team vision",
            "user ada --days 7",
            "backends",
            "duplicates --min-size 1MB --backend p",
            "crawl list --state failed",
            "job-report --job-id 4711 --user ada --status running --started-at 2026-11-23T12:00",
        ],
    )
    def test_every_command_understands_them(self, little: "Operator", words: str) -> None:
        """In every style; tables end with as of when."""
        command = words.split()
        assert json.loads(little.ok(*command, "--format", "json")) is not None
        assert "," in little.ok(*command, "--format", "csv").splitlines()[0]
        shown = little.ok(*command)
        assert command[0] in {"quota", "crawl"} or ", position " in shown

    def test_a_job_is_shown_as_it_was_reported(self, little: "Operator") -> None:
        """By its name alone."""
        little.ok("job-report", "--job-id", "7", "--user", "ada", "--status", "failed")
        little.ok("job-report", "--job-id", "8", "--user", "ada", "--status", "running")
        assert " failed" in little.ok("job", "7")
        # What has ended did so when that was said.
        assert [bool(little.json("job", job).get("endedAt")) for job in ("7", "8")] == [True, False]

    def test_what_is_not_there(self, little: "Operator") -> None:
        """Is said by name, with what was meant."""
        assert 'did you mean "vision"?' in little.fails("simulate", "--team", "visio", "--hard", "1GB")
        assert "'q'" in little.fails("usage", "--backend", "q")
        assert "4712" in little.fails("job", "4712")
        assert "nix" in little.fails("recommendations", "dismiss", "nix", "--reason", "no")
