"""`warpdrive-ctl quota`, `team`, `price` and `tenant`."""

import csv
import io
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.entrypoints.ctl.conftest import Operator

TENANT = "11111111-2222-3333-4444-555555555555"


def rows(text: str) -> list[dict[str, str]]:
    """Read CSV."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def vision(operator: "Operator") -> "Operator":
    """An operator with the team "vision"."""
    operator.ok("team", "add", "vision", "--member", "ada", "--owns", "photos:vision/")
    return operator


class TestQuota:
    def test_limits_are_set_in_words_and_shown_in_units(self, vision: "Operator") -> None:
        """As the operator's guide writes it."""
        said = vision.ok(
            *("quota", "set", "--team", "vision", "--backend", "s3"),
            *("--soft", "500TB", "--hard", "600TB", "--grace", "3d"),
        )
        assert said == "team vision on s3: soft 500 TiB, hard 600 TiB, grace 3d\n"
        line = vision.ok("quota", "list").splitlines()[1]
        assert line.split() == ["vision", "s3", "500", "TiB", "600", "TiB", "unknown", "unknown", "-"]

    def test_what_is_not_said_has_its_default(self, vision: "Operator") -> None:
        """All backends, soft as hard, a week of grace."""
        state = vision.json("quota", "set", "--team", "vision", "--hard", "1.5GB")
        assert (state["backend"], state["softBytes"], state["hardBytes"]) == ("*", "1610612736", "1610612736")
        assert state["graceSeconds"] == str(7 * 86400)

    def test_list_narrows_and_machine_formats_are_complete(self, vision: "Operator") -> None:
        """By team, by backend; usage that is unknown is empty in CSV and absent in JSON."""
        vision.ok("team", "add", "audio")
        for team, backend in (("vision", "s3"), ("vision", "*"), ("audio", "s3")):
            vision.ok("quota", "set", "--team", team, "--backend", backend, "--hard", "1TB")
        assert len(vision.json("quota", "list")) == 3
        assert {row["backend"] for row in vision.json("quota", "list", "--team", "vision")} == {"s3", "*"}
        found = rows(vision.ok("quota", "list", "--backend", "s3", "--team", "audio", "--format", "csv"))
        assert [(row["team"], row["hardBytes"], row["usageBytes"]) for row in found] == [("audio", str(2**40), "")]

    def test_delete(self, vision: "Operator") -> None:
        """And a second time there is nothing."""
        vision.ok("quota", "set", "--team", "vision", "--hard", "1TB")
        assert (
            vision.ok("quota", "delete", "--team", "vision") == "team vision has no limits on all backends any more\n"
        )
        assert "no quotas" in vision.ok("quota", "list")
        assert "quota" in vision.fails("quota", "delete", "--team", "vision")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--hard", "lots"], "is not a size"),
            (["--hard", "1TB", "--soft", "2TB"], "2TB is more than --hard 1TB"),
            (["--hard", "1TB", "--grace", "soon"], "is not a duration"),
            ([], "Missing option '--hard'"),
        ],
    )
    def test_limits_that_cannot_be_meant(self, operator: "Operator", options: list[str], words: str) -> None:
        """Exit status 2, before anybody is asked."""
        assert words in operator.fails("quota", "set", "--team", "vision", *options, status=2)
        assert not operator.served.dispatcher.asked

    def test_a_team_nearly_right(self, vision: "Operator") -> None:
        """Names the one that was meant."""
        assert 'did you mean "vision"?' in vision.fails("quota", "set", "--team", "vison", "--hard", "1TB")


class TestTeam:
    def test_add_keeps_what_there_is(self, vision: "Operator") -> None:
        """Members and rules come on top."""
        said = vision.ok("team", "add", "vision", "--member", "bob")
        assert said == "team vision: members ada, bob; owns photos:vision/\n"

    def test_members_leave_one_by_one(self, vision: "Operator") -> None:
        """And the team stays."""
        assert "members nobody" in vision.ok("team", "remove", "vision", "--member", "ada")
        assert "ada" in vision.fails("team", "remove", "vision", "--member", "ada")

    def test_disbanding_asks(self, vision: "Operator") -> None:
        """Where nobody can answer it wants --yes."""
        assert "1 members and 1 ownership rules" in vision.fails("team", "remove", "vision", "--disband", status=2)
        assert "is disbanded" in vision.ok("team", "remove", "vision", "--disband", "--yes")
        assert vision.json("team", "list") == []
        assert "vision (disbanded)" in vision.ok("team", "list", "--disbanded")

    @pytest.mark.parametrize("options", [[], ["--disband", "--member", "ada"]])
    def test_remove_wants_to_know_what(self, vision: "Operator", options: list[str]) -> None:
        """One of the two."""
        assert "--member WHO" in vision.fails("team", "remove", "vision", *options, status=2)

    def test_rename_and_list(self, vision: "Operator") -> None:
        """The new name, with everything."""
        vision.ok("team", "rename", "vision", "sight")
        assert [row["name"] for row in rows(vision.ok("team", "list", "--format", "csv"))] == ["sight"]
        assert "ada" in vision.ok("team", "list")

    def test_own_and_own_no_longer(self, vision: "Operator") -> None:
        """A prefix, or a whole backend."""
        assert "photos:vision/, scratch:" in vision.ok("team", "own", "vision", "--backend", "scratch")
        said = vision.ok("team", "own", "vision", "--backend", "photos", "--prefix", "vision/", "--remove")
        assert said == "team vision: members ada; owns scratch:\n"

    def test_own_makes_no_team_of_a_slip_of_the_pen(self, vision: "Operator") -> None:
        """As `add` would."""
        assert 'did you mean "vision"?' in vision.fails("team", "own", "visoin", "--backend", "photos")
        assert len(vision.json("team", "list")) == 1


class TestPrice:
    SET = ("price", "set", "aws", "--from", "2026-01-31", "--per-gib-month", "0.023")

    def test_a_price_makes_its_book(self, operator: "Operator") -> None:
        """In dollars unless it says otherwise."""
        assert "no price books" in operator.ok("price", "list")
        said = operator.ok(*self.SET, "--backend", "s3", "--class", "STANDARD")
        assert said == "aws: s3 STANDARD costs 0.023 USD per GiB and month from 2026-01-31 on\n"
        assert operator.ok("price", "list").splitlines()[1].split() == [
            *("aws", "s3", "STANDARD", "2026-01-31", "0.023", "0", "0", "USD")
        ]

    def test_csv_has_a_row_for_each_price_and_json_the_books(self, operator: "Operator") -> None:
        """One book, or all."""
        operator.ok(*self.SET)
        operator.ok(*self.SET, "--class", "GLACIER", "--per-1000-requests", "0.05", "--per-gib-egress", "0.09")
        operator.ok("price", "set", "azure", "--from", "2026-02-01", "--per-gib-month", "1", "--currency", "EUR")
        found = rows(operator.ok("price", "list", "aws", "--format", "csv"))
        assert [(row["storageClass"], row["perThousandRequests"]) for row in found] == [("*", "0"), ("GLACIER", "0.05")]
        assert list(found[0]) == [
            *("book", "currency", "backend", "storageClass", "validFrom"),
            *("perGibMonth", "perThousandRequests", "perGibEgress"),
        ]
        assert [(book["name"], len(book["prices"])) for book in operator.json("price", "list")] == [
            ("aws", 2),
            ("azure", 1),
        ]

    @pytest.mark.parametrize(
        ("option", "value"), [("--per-gib-month", "cheap"), ("--per-gib-month", "-1"), ("--from", "yesterday")]
    )
    def test_prices_that_cannot_be_meant(self, operator: "Operator", option: str, value: str) -> None:
        """Exit status 2."""
        assert option in operator.fails(*self.SET, option, value, status=2)

    def test_a_book_nearly_right(self, operator: "Operator") -> None:
        """Names the one that was meant."""
        operator.ok(*self.SET)
        assert 'did you mean "aws"?' in operator.fails("price", "list", "awss")

    def test_remove_takes_one_price_out(self, operator: "Operator") -> None:
        """The one of that backend, class and day; its neighbours stay, and a second time there is nothing."""
        key = ("--backend", "s3", "--class", "STANDARD", "--from")
        for name in (*self.SET, "--class", "STANDARD"), (*self.SET, "--backend", "s3"):
            operator.ok(*name)
        for day in ("2026-01-31", "2026-02-01"):
            operator.ok("price", "set", "aws", *key, day, "--per-gib-month", "1")
        said = operator.ok("price", "remove", "aws", *key, "2026-02-01")
        assert said == "aws: the price of s3 STANDARD from 2026-02-01 on is removed\n"
        left = [
            (entry["backend"], entry["storageClass"], entry["validFrom"])
            for entry in operator.json("price", "list", "aws")[0]["prices"]
        ]
        assert left == [("*", "STANDARD", "2026-01-31"), ("s3", "*", "2026-01-31"), ("s3", "STANDARD", "2026-01-31")]
        assert "begins on 2026-02-01" in operator.fails("price", "remove", "aws", *key, "2026-02-01")

    def test_remove_without_names_means_the_price_of_all_the_others(self, operator: "Operator") -> None:
        """As `set` does, and not every price of that day."""
        operator.ok(*self.SET)
        operator.ok(*self.SET, "--backend", "s3")
        book = operator.json("price", "remove", "aws", "--from", "2026-01-31")
        assert [entry["backend"] for entry in book["prices"]] == ["s3"]

    @pytest.mark.parametrize("options", [[], ["--from", "yesterday"]])
    def test_remove_wants_a_day(self, operator: "Operator", options: list[str]) -> None:
        """Exit status 2, before anybody is asked."""
        assert "--from" in operator.fails("price", "remove", "aws", *options, status=2)
        assert not operator.served.dispatcher.asked

    def test_retire_asks(self, operator: "Operator") -> None:
        """Where nobody can answer it wants --yes, and nothing has changed."""
        operator.ok(*self.SET)
        before = operator.writes()
        assert "Retire price book aws with 1 prices?" in operator.fails("price", "retire", "aws", status=2)
        assert operator.writes() == before
        book = operator.json("price", "list", "aws")[0]
        assert operator.ok("price", "retire", "aws", "--yes") == f"price book aws retired (id {book['id']})\n"
        assert operator.json("price", "list") == []

    def test_a_retired_book_s_name_is_free(self, operator: "Operator") -> None:
        """The next of that name is another book; retiring none says so."""
        operator.ok(*self.SET)
        ended = operator.json("price", "retire", "aws", "--yes")
        assert ended["retired"] is True
        assert "no price book 'aws'" in operator.fails("price", "retire", "aws", "--yes")
        operator.ok(*self.SET)
        assert operator.json("price", "list", "aws")[0]["id"] != ended["id"]


class TestTenant:
    def test_a_grant_is_shown_whole(self, operator: "Operator") -> None:
        """Every word of it."""
        operator.ok(
            *("tenant", "grant", TENANT, "--backend", "theirs", "--backend", "more"),
            *("--private-endpoint", "10.0.0.5", "--enforce-private-link", "--service-tag", "Storage"),
            *("--expires", "2127-01-31"),
        )
        shown = operator.ok("tenant", "show", TENANT)
        for words in ("granted", "theirs", "10.0.0.5", "enforced", "Storage", "in "):
            assert words in shown
        found = operator.json("tenant", "show", TENANT)
        assert (found["expiresAt"], found["allowedServiceTags"]) == ("2127-01-31T00:00:00Z", ["Storage"])
        assert [row["tenantId"] for row in rows(operator.ok("tenant", "list", "--format", "csv"))] == [TENANT]
        assert TENANT in operator.ok("tenant", "list")

    def test_check_says_why_and_a_denial_has_exit_status_1(self, operator: "Operator") -> None:
        """The reason's stable word, and what it means."""
        operator.ok("tenant", "grant", TENANT, "--backend", "theirs")
        ask = ("tenant", "check", TENANT, "--subject", "ada")
        assert operator.ok(*ask, "--backend", "theirs").startswith("allowed by ")
        denied = operator.run(*ask, "--backend", "ours")
        assert (denied.exit_code, denied.stdout.startswith("denied: ")) == (1, True)
        assert "backend_not_granted" in denied.stdout
        assert operator.run(*ask, "--backend", "ours", "--json").exit_code == 1

    def test_revoke_asks_and_wants_a_reason(self, operator: "Operator") -> None:
        """It is kept with the event."""
        operator.ok("tenant", "grant", TENANT, "--backend", "theirs")
        assert "--reason" in operator.fails("tenant", "revoke", TENANT, status=2)
        assert "now: theirs" in operator.fails("tenant", "revoke", TENANT, "--reason", "audit", status=2)
        assert "revoked" in operator.ok("tenant", "revoke", TENANT, "--reason", "audit", "--yes")
        assert operator.json("tenant", "show", TENANT)["revoked"] is True
        assert "revoked" in operator.ok("tenant", "list")

    def test_a_revoked_grant_is_not_said_to_end_some_day(self, operator: "Operator") -> None:
        """It has ended; the day it would have is for programs."""
        operator.ok("tenant", "grant", TENANT, "--backend", "theirs", "--expires", "2127-01-31")
        assert " ends in " in " ".join(operator.ok("tenant", "show", TENANT).split())
        operator.ok("tenant", "revoke", TENANT, "--reason", "audit", "--yes")
        words = " ".join(operator.ok("tenant", "show", TENANT).split())
        assert " ends revoked " in words
        assert " ends in " not in words

    def test_what_is_no_tenant(self, operator: "Operator") -> None:
        """Said by the control plane, in its words."""
        assert "no tenants" in operator.ok("tenant", "list")
        assert operator.fails("tenant", "show", TENANT) == f"Error: there is no tenant '{TENANT}'\n"
        assert "'contoso'" in operator.fails("tenant", "grant", "contoso", "--backend", "x")


def test_a_prefix_of_two_teams_is_warned_of(operator: "Operator") -> None:
    """Word for word the same; a longer one inside it is what rules are for."""
    operator.ok("team", "add", "vision", "--owns", "photos:vision/")
    assert operator.run("team", "add", "vision", "--owns", "photos:vision/").stderr == ""
    assert operator.run("team", "add", "faces", "--owns", "photos:vision/faces/").stderr == ""
    result = operator.run("team", "own", "faces", "--backend", "photos", "--prefix", "vision/")
    assert result.exit_code == 0
    assert result.stderr == "warning: photos:vision/ is team vision's already; two owners are none\n"
