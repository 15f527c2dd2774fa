"""``evidence report`` and ``evidence certification`` as somebody types them."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from tests import command_line

from .conftest import possible, row
from .days_on_record import Row, fill, records

CONFIGURATION = """\
languages: [fr, en]
domestic_country: {}
evidence: {{file: evidence.sqlite}}
sites: {{lyon: {{country: FR}}}}
routes: {{all: {{numbers: ["+33184880001"], sites: [lyon]}}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION.format("FR"), encoding="utf-8")
    return path


def report(config: Path, *arguments: str) -> Result:
    return command_line.run("evidence", "report", f"--config={config}", *arguments)


def on_record(config: Path, rows: list[Row]) -> None:
    fill(config.with_name("evidence.sqlite"), rows)


def test_the_terminal_says_first_how_many_were_not_told_and_why(config: Path) -> None:
    on_record(config, list(records(date(2026, 11, 1), 20, 600)))
    lines = report(config).stdout.splitlines()
    assert "n’ont pas su dans quel pays" in lines[0]
    assert "Maroc" in lines[4], "the first of the causes"
    assert "fr/answered-ma-2de14e0d" in lines[5], "the sound to mend"
    english = report(config, "--language", "en").stdout
    assert "callers were not told" in english


def test_a_terminal_is_not_taken_over_by_a_name(config: Path) -> None:
    on_record(config, [row(queue="\x1b[2J\x1b]0;taken\x07", outcome="NOT_DISCLOSED")])
    assert "\x1b" not in report(config).stdout


def test_nor_by_a_month(config: Path) -> None:
    on_record(config, [american("1", day="2026-1\x1b[2J")])
    table = certification(config, "--year=2026").stdout
    assert "2026-1\ufffd " in table
    assert "\x1b" not in table


def test_json_has_every_figure(config: Path) -> None:
    on_record(config, [possible(), row(), row(call="2", outcome="NOT_DISCLOSED")])
    found = json.loads(report(config, "--json", "--from", "2026-11-12").stdout)
    assert (found["total"]["disclosed"], found["total"]["not_disclosed"]) == (1, 1)
    assert (found["since"], found["until"]) == ("2026-11-12", None)
    assert found["waits"] == {"calls": 2, "median": 20.0, "p95": 20.0}


def test_a_sheet_is_tidy_and_no_cell_is_a_formula(config: Path, tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A1", "+1;2", "@SUM(A1)", "-1\r\n", 'quoted "name"; with all']
    on_record(config, [row(call=name, queue=name, site=name) for name in names])
    file = tmp_path / "report.csv"
    assert report(config, f"--csv={file}").stdout == ""
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf"), "without it Excel takes UTF-8 for Latin-1"
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0] == ["table", "name", "measure", "unit", "value"]
    assert {len(line) for line in rows} == {5}
    cells = [cell for line in rows for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    found = {line[1] for line in rows if line[0] == "queue"}
    assert found == {f"'{name}" if name[0] in "=+-@" else name for name in names}
    calls = [line for line in rows if line[:3] == ["total", "", "calls"]]
    assert calls == [["total", "", "calls", "calls", "5"]]


def test_a_sheet_has_the_decimal_mark_of_its_reader(config: Path) -> None:
    on_record(config, [row(waited=20.5)])
    line = "total;;waited median;s;20"
    assert f"{line},5" in report(config, "--csv=-").stdout
    assert f"{line}.5" in report(config, "--csv=-", "--language=en").stdout


def test_a_page_is_one_file(config: Path, tmp_path: Path) -> None:
    on_record(config, [row()])
    file = tmp_path / "report.html"
    done = report(config, f"--html={file}")
    assert (done.exit_code, done.stdout) == (0, "")
    assert file.read_text(encoding="utf-8").startswith('<!doctype html>\n<html lang="fr">')


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_a_file_that_cannot_be_written_is_wrong_use(
    config: Path, tmp_path: Path, option: str
) -> None:
    on_record(config, [row()])
    for place in (tmp_path / "nowhere" / "file", tmp_path):
        done = report(config, f"{option}={place}")
        assert (done.exit_code, f"'{option}'" in done.stderr) == (2, True), done.output
    certified = certification(config, f"--csv={tmp_path}/nowhere/file")
    assert certified.exit_code == 2


def test_a_period_is_from_a_day_to_a_day(config: Path) -> None:
    on_record(config, [row(call=day, day=f"2026-11-{day}") for day in ("11", "12", "13")])
    found = json.loads(report(config, "--json", "--from=2026-11-12", "--to=2026-11-12").stdout)
    assert found["total"]["disclosed"] == 1
    turned = report(config, "--from=2026-11-13", "--to=2026-11-12")
    assert turned.exit_code == 2
    assert "--from is after --to" in turned.stderr
    assert report(config, "--from=yesterday").exit_code == 2


def test_a_day_that_is_none_is_said(config: Path) -> None:
    on_record(config, [row(), row(day="2026-11-31")])
    done = report(config)
    assert done.exit_code == 2
    assert "under a day that is none" in done.stderr


def test_where_there_is_no_ledger_it_says_so(config: Path) -> None:
    done = report(config)
    assert done.exit_code == 2
    assert "there is no evidence yet" in done.stderr


def certification(config: Path, *arguments: str) -> Result:
    return command_line.run("evidence", "certification", f"--config={config}", *arguments)


def american(call: str, **given: object) -> Row:
    return row(1, call, **{"profile": "us-s2495", "countries": "US", "waited": 30.0, **given})


def test_a_year_is_certified_month_by_month(config: Path) -> None:
    config.write_text(CONFIGURATION.format("US"), encoding="utf-8")
    chosen = {"waited_since_choice": 25.0, "waited": 60.0}
    on_record(
        config,
        [
            american("1", day="2026-01-01"),
            american("2", day="2026-12-31", countries="PH"),
            american("3", day="2026-12-31", **chosen),
            american("4", day="2025-12-31"),
            row(call="5", profile="fr-2018"),
        ],
    )
    done = certification(config, "--year=2026", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["kept"] is True
    assert found["total"]["tally"]["disclosed"] == 3
    assert (found["total"]["home"], found["total"]["abroad"]) == (2, 1)
    assert found["total"]["chosen"] == 1
    assert [month["name"] for month in found["months"]] == ["2026-01", "2026-12"]
    assert (found["parity"]["first"], found["parity"]["second"]) == (25.0, 30.0)
    table = certification(config, "--year=2026").stdout
    assert "United States" in table
    assert certification(config, "--year=2026", "--csv=-").stdout.count("\n") == 6


def test_a_year_in_which_somebody_was_not_told_is_a_finding(config: Path) -> None:
    on_record(config, [american("1"), american("2", outcome="NOT_DISCLOSED")])
    assert certification(config, "--year=2026").exit_code == 1
    none = certification(config, "--year=2024")
    assert (none.exit_code, "There were none." in none.stdout) == (1, True)
