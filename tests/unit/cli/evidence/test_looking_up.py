"""The commands that look things up in the ledger: show, list, export, numbers."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.numbers import Numbering
from callcentre_disclosure.evidence.forwarding import forward
from callcentre_disclosure.evidence.keys import KeyRing, rotate
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.sqlite import SqliteStore
from tests import command_line
from tests.unit.evidence.told_calls import (
    AT,
    CALL,
    LATER,
    change,
    cut,
    keep,
    made,
    ordinary,
    told,
    unresolved,
)

CONFIGURATION = """\
languages: [fr]
numbering: {country_code: "33", trunk_prefix: "0"}
evidence: {file: evidence.sqlite}
sites: {casablanca: {country: MA}, tunis: {country: TN}}
routes:
  service: {numbers: ["01 84 88 00 01"], sites: [casablanca, tunis]}
"""


@pytest.fixture(autouse=True)
def paris() -> Iterator[None]:
    """The machine of whoever looks has a zone of its own."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LedgerPlace:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(path))
    file, key = tmp_path / "evidence.sqlite", tmp_path / "evidence.key"
    return LedgerPlace(str(file), str(key), Numbering("33", "0"))


def run(*arguments: object) -> Result:
    return command_line.run("evidence", *arguments)


def listed(*arguments: object) -> list[str]:
    done = run("list", "--json", *arguments)
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


TWO = timedelta(hours=2)


@pytest.mark.parametrize("by", [["1.1-a"], ["1.1-b"], ["--call", "1.1"]])
def test_a_call_is_shown_whole(place: LedgerPlace, by: list[str]) -> None:
    keep(place, [*ordinary("1.1"), *ordinary("1.2", AT + TWO)])
    done = run("show", *by)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("TOLD: Morocco, ")
    assert "Call      1.1 on 2026-11-23" in done.stdout
    assert "entry 1, id 1.1-a: " in done.stdout
    assert "entry 2, id 1.1-b: " in done.stdout
    assert "1.2-" not in done.stdout


def test_a_call_is_shown_as_json(place: LedgerPlace) -> None:
    keep(place, ordinary())
    told_of: dict[str, Any] = json.loads(run("show", "--json", "1.1-a").stdout)
    records = told_of.pop("records")
    assert told_of == {
        "verdict": "DISCLOSED",
        "in_words": "TOLD: Morocco, played to the end before Asterisk was told to connect the call",
        "answered": "in Morocco, by PJSIP/201 of site casablanca (known by the agent)",
        "is_proved": True,
    }
    assert [record["disclosure"]["id"] for record in records] == ["1.1-a", "1.1-b"]
    assert {(record["seal_holds"], record["digest_holds"]) for record in records} == {(True, True)}
    assert records[1]["entry"]["previous"] == records[0]["entry"]["seal"]


def test_a_transfer_makes_one_story_of_two_linked_ids(place: LedgerPlace) -> None:
    second = replace(CALL, unique_id="1.1", linked_id="0.9")
    keep(place, [told("first"), told("second", second, at=LATER)])
    done = run("show", "--call", "1.1")
    assert done.exit_code == 0
    assert "id first: " in done.stdout
    assert "id second: " in done.stdout


@pytest.mark.parametrize("number", ["+33612345678", "06 12 34 56 78"])
def test_a_call_is_found_by_who_called_about_when(place: LedgerPlace, number: str) -> None:
    keep(place, [*ordinary("1.1"), *ordinary("1.2", AT + TWO)])
    done = run("show", "--caller", number, "--at", "2026-11-23T12:40")
    assert done.exit_code == 0, done.output
    assert "Call      1.1 on" in done.stdout
    assert "\n1 other calls of this number within 6 hours:\n" in done.stdout
    assert "  2026-11-23 15:00:42+0100  1.2-b  DISCLOSED\n" in done.stdout
    later = run("show", "--caller", number, "--at", "2026-11-23T13:55+00:00")
    assert "Call      1.2 on" in later.stdout
    assert run("show", "--caller", number, "--at", "2026-11-24T13:00").exit_code == 1
    assert "12345678" not in done.output


def test_of_several_calls_one_is_to_be_chosen(place: LedgerPlace) -> None:
    keep(place, [*ordinary("1.1"), *ordinary("1.2", AT + TWO)])
    done = run("show", "--caller", "0612345678")
    assert done.exit_code == 2
    assert "which of these calls" in done.stderr
    assert "2026-11-23 13:00:42+0100  1.1-b  DISCLOSED" in done.stderr
    assert "1.2-b" in done.stderr


def test_a_number_is_found_under_the_keys_before(place: LedgerPlace) -> None:
    keep(place, ordinary("1.1"))
    rotate(place.key_file)
    keep(place, ordinary("1.2", AT + TWO))
    assert listed("--caller", "0612345678") == ["1.1-a", "1.1-b", "1.2-a", "1.2-b"]
    assert run("show", "--call", "1.1").exit_code == 0
    assert run("show", "--call", "1.2").exit_code == 0


def test_an_edited_record_is_a_finding(place: LedgerPlace) -> None:
    keep(place, ordinary())
    change(place, "UPDATE entries SET document = replace(document, 'MA', 'FR') WHERE sequence = 1")
    done = run("show", "--call", "1.1")
    assert done.exit_code == 1
    assert done.stdout.startswith("NOT PROVED: ")
    assert json.loads(run("show", "--json", "1.1-a").stdout)["is_proved"] is False


def test_a_record_that_cannot_be_read_is_a_finding(place: LedgerPlace) -> None:
    keep(place, ordinary())
    change(place, "UPDATE entries SET document = 'x' WHERE sequence = 1")
    assert run("show", "1.1-a").exit_code == 1
    found = json.loads(run("show", "--json", "1.1-b").stdout)
    assert [record["digest_holds"] for record in found["records"]] == [False, True]
    assert run("list").exit_code == 2


@pytest.mark.parametrize(
    ("edit", "code"),
    [("document = '{}'", 1), ("document = 'null'", 1), ("document = '1'", 1), ("call = NULL", 2)],
)
def test_whatever_somebody_has_put_in_place_of_a_record_is_said(
    place: LedgerPlace, edit: str, code: int
) -> None:
    keep(place, ordinary())
    change(place, f"UPDATE entries SET {edit} WHERE sequence = 2")
    shown = run("show", "--call", "1.1")
    assert (shown.exit_code, isinstance(shown.exception, SystemExit)) == (code, True)
    if code == 1:
        assert shown.stdout.startswith("NOT PROVED")
        numbers = run("numbers")
        assert numbers.exit_code == 2
        assert "is not what was written there" in numbers.stderr


def test_what_is_not_there_is_said(place: LedgerPlace) -> None:
    keep(place, ordinary())
    done = run("show", "nobody")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "there is nothing under this id\n"


def test_what_was_purged_is_said(place: LedgerPlace) -> None:
    """As `evidence purge` leaves it."""
    keep(place, ordinary())
    change(place, "UPDATE entries SET id = NULL, call = NULL, at = NULL, document = NULL")
    assert run("show", "1.1-a").stderr == (
        "there is nothing under this id\n"
        "2 records were purged, which had to be kept until 2031-11-23 or less\n"
    )


def test_without_the_key_nothing_is_proved_and_none_is_made(place: LedgerPlace) -> None:
    keep(place, ordinary())
    Path(place.key_file).unlink()
    for arguments in (["show", "1.1-a"], ["list", "--caller", "0612345678"]):
        done = run(*arguments)
        assert done.exit_code == 2
        assert "the key of the evidence cannot be read: No such file" in done.stderr
    assert not Path(place.key_file).exists()
    assert run("list").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["show", "1.1-a", "--call", "1.1"],
        ["show", "1.1-a", "--at", "2026-11-23"],
        ["show", "--caller", "1", "--at", "noon"],
        ["list", "--from", "yesterday"],
        ["list", "--to", "20261123"],
        ["list", "--to", "2026-W48-1"],
        ["list", "--from", "20261123T1300"],
        ["numbers", "--csv", "/nowhere/file"],
        ["list", "--country", "Morocco"],
        ["list", "--outcome", "told"],
        ["export", "-"],
        ["export", "--format", "csv", "/dev/null"],
        ["export", "--format", "csv", "/nowhere/file"],
    ],
)
def test_wrong_use(place: LedgerPlace, arguments: list[str]) -> None:
    keep(place, ordinary())
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stderr


def test_a_ledger_that_is_not_there_is_said(place: LedgerPlace) -> None:
    for command in (["show", "x"], ["list"], ["export", "--format", "csv", "-"], ["numbers"]):
        done = run(*command)
        assert done.exit_code == 2
        assert "there is no evidence yet" in done.stderr


def test_a_list_fits_a_terminal(place: LedgerPlace) -> None:
    agent = replace(CALL, queue="q" * 200, agent="Local/201@from-queue/n", asterisk="\x1b[2J")
    keep(place, [told("1a205127f3d-7ebccd23"), told("1a205127f46-6157fc17", agent, at=LATER)])
    done = run("list")
    assert done.exit_code == 0
    assert done.stdout == (
        "time                id                   outcome       stage    country  route"
        "            agent\n"
        "2026-11-23 13:00:00 1a205127f3d-7ebccd23 DISCLOSED     possible MA,TN    service\n"
        "2026-11-23 13:00:42 1a205127f46-6157fc17 PARTIAL       possible MA,TN    service"
        "          Local/201…\n"
    )
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], ["1.1-a", "1.1-b", "1.2-a", "1.2-b", "id-1", "id-2"]),
        (["--from", "2026-11-23"], ["1.1-a", "1.1-b", "1.2-a", "1.2-b", "id-1", "id-2"]),
        (["--to", "2026-11-22"], []),
        (["--to", "2026-11-23"], ["1.1-a", "1.1-b", "1.2-a", "1.2-b", "id-1", "id-2"]),
        (["--from", "2026-11-23T14:00"], ["1.2-a", "1.2-b", "id-1", "id-2"]),
        (["--from", "2026-11-23T13:00Z"], ["1.2-a", "1.2-b", "id-1", "id-2"]),
        (["--to", "2026-11-23T13:00:30"], ["1.1-a"]),
        (["--to", "2026-11-23T13:00:30+01:00"], ["1.1-a"]),
        (["--outcome", "not_disclosed"], ["id-1", "id-2"]),
        (["--country", "tn"], ["1.1-a", "1.2-a"]),
        (["--route", "default"], ["id-1", "id-2"]),
        (["--queue", "support", "--country", "MA", "--call", "1.2"], ["1.2-a", "1.2-b"]),
        (["--caller", "0612345678", "--limit", "1"], ["id-2"]),
        (["--caller", "0612345679"], []),
    ],
)
def test_filters(place: LedgerPlace, filters: list[str], found: list[str]) -> None:
    forgotten = [
        replace(record, received_at=record.received_at + 2 * TWO) for record in unresolved()
    ]
    keep(place, [*ordinary("1.1"), *ordinary("1.2", AT + TWO), *forgotten])
    assert listed(*filters) == found
    assert run("list", *filters).exit_code == (0 if found else 1)


def test_what_is_left_out_of_a_list_is_said(place: LedgerPlace) -> None:
    keep(place, ordinary())
    assert run("list", "--limit", "1").stderr == "the newest 1; --limit 0 lists all\n"
    assert run("list", "--limit", "0").stderr == ""


def test_an_export_is_what_was_asked_for(place: LedgerPlace, tmp_path: Path) -> None:
    keep(place, [*ordinary(), *unresolved()])
    file = tmp_path / "all.csv"
    done = run("export", "--format", "csv", "--outcome", "DISCLOSED", file)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "2 records\n")
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines(), delimiter=";"))
    assert [row["id"] for row in rows] == ["1.1-a", "1.1-b"]
    assert file.stat().st_mode & 0o777 == 0o600
    printed = run("export", "--format", "jsonl", "-")
    assert len(printed.stdout.splitlines()) == 4


def test_the_right_of_access(place: LedgerPlace) -> None:
    """Everything on a number, whoever called whom."""
    other = told("other", replace(CALL, caller_number="+33611111111"))
    keep(place, [*ordinary(), other, made()])
    done = run("export", "--format", "jsonl", "--caller", "06 98 76 54 32", "-")
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["document"]["direction"] == "outbound"
    done = run("export", "--format", "jsonl", "--caller", "+33612345678", "-")
    assert [json.loads(line)["document"]["id"] for line in done.stdout.splitlines()] == [
        "1.1-a",
        "1.1-b",
    ]


def test_an_export_that_fails_leaves_the_old_file(place: LedgerPlace, tmp_path: Path) -> None:
    keep(place, ordinary())
    change(place, "UPDATE entries SET document = '{}' WHERE sequence = 2")
    file = tmp_path / "all.csv"
    file.write_text("old")
    done = run("export", "--format", "csv", file)
    assert done.exit_code == 2
    assert "evidence verify" in done.stderr
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.glob(".all*")] == []


def test_numbers_and_their_countries(place: LedgerPlace, tmp_path: Path) -> None:
    keep(place, [*ordinary(), cut()])
    done = run("numbers")
    assert done.exit_code == 0
    assert done.stdout == (
        "number        direction  route    possible  calls  announced   answered in\n"
        "+33184880001  inbound    service  MA TN     1      MA 1, TN 1  MA 1\n"
    )
    file = tmp_path / "numbers.csv"
    assert run("numbers", "--csv", file).stdout == ""
    assert file.read_text("utf-8-sig").splitlines()[1] == (
        "+33184880001;inbound;service;MA TN;1;MA 1, TN 1;MA 1"
    )
    (one,) = json.loads(run("numbers", "--json", "--to", "2026-11-22").stdout)
    assert (one["number"], one["calls"], one["direction"]) == ("+33184880001", 0, "")


@pytest.mark.parametrize("arguments", [["show", "--caller", "0612345678"], ["numbers"]])
def test_no_id_or_number_moves_the_terminal(place: LedgerPlace, arguments: list[str]) -> None:
    calls = [replace(CALL, linked_id=id_, dialled_number="\x1b[2J1") for id_ in "ab"]
    keep(place, [told(f"{one.linked_id}\x1b[2J", one) for one in calls])
    done = run(*arguments)
    assert done.exit_code != 0
    assert "\ufffd[2J" in done.stderr
    assert "\x1b" not in done.output


def test_a_number_that_was_forgotten_is_a_finding(place: LedgerPlace) -> None:
    keep(place, unresolved())
    done = run("numbers")
    assert done.exit_code == 1
    assert "+4930123456   inbound    default" in done.stdout
    assert done.stderr == "no route has +4930123456\n"


def test_a_ledger_of_several_machines(place: LedgerPlace, postgresql_url: str) -> None:
    """What has not gone there yet is not found there, and that is said."""
    config = Path(place.file).with_name("config.yaml")
    own = f"evidence: {{file: evidence.sqlite, url: '{postgresql_url}'}}"
    config.write_text(CONFIGURATION.replace("evidence: {file: evidence.sqlite}", own))
    keep(place, ordinary())
    assert run("show", "1.1-a").stderr == (
        "there is nothing under this id\n2 entries of this machine have still to go there\n"
    )
    file, remote = SqliteStore(place.file), PostgresqlStore(postgresql_url)
    forward(file, KeyRing.open(place.key_file), remote)
    file.close()
    remote.close()
    done = run("show", "1.1-a")
    assert done.exit_code == 0, done.output
    assert listed("--caller", "0612345678", "--limit", "1") == ["1.1-b"]
    assert len(run("export", "--format", "jsonl", "-").stdout.splitlines()) == 2
