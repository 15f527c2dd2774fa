"""``prompts list`` in all its forms."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result

from tests import command_line

CONFIGURATION = """\
languages: [fr]
sounds: {folder: sounds}
sites: {dakar: {country: SN}, oslo: {country: "NO"}}
routes:
  one: {numbers: ["1"], sites: [dakar], company: =SUM(A1); Cie}
  two: {numbers: ["2"], sites: [oslo]}
  three: {numbers: ["3"], sites: [oslo]}
  four: {numbers: ["4"], sites: [oslo]}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    return path


def run(config: Path, *arguments: str) -> Result:
    return command_line.run("prompts", "list", f"--config={config}", *arguments)


def test_a_line_says_what_is_said_and_who_needs_it(config: Path) -> None:
    done = run(config)
    (dakar,) = [line for line in done.stdout.splitlines() if line.startswith("fr/possible-sn-")]
    assert "Sénégal" in dakar
    assert dakar.endswith("  (routes.one, sites.dakar)")
    (oslo,) = [line for line in done.stdout.splitlines() if line.startswith("fr/possible-no-")]
    assert oslo.endswith("  (routes.two, routes.three, routes.four and 1 more)")


def test_a_page_is_written_to_a_file(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    done = run(config, "--html", str(file))
    assert (done.exit_code, done.stdout) == (0, "")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run(config, "--html", "-").stdout.startswith("<!doctype html>")


def test_a_page_that_cannot_be_made_leaves_the_old_one(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds/callcentre-disclosure.json").write_text("{")
    assert run(config, "--html", str(file)).exit_code == 2
    assert file.read_text() == "old"


def test_a_spreadsheet_for_the_studio(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "studio.csv"
    assert run(config, "--csv", str(file)).stdout == ""
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf"), "without it Excel takes UTF-8 for Latin-1"
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0] == ["sound", "language", "text", "present length"]
    listed = json.loads(run(config, "--json").stdout)
    assert [row[0] for row in rows[1:]] == [row["sound"] for row in listed]
    lengths = {row[0]: row[3] for row in rows[1:]}
    for row in listed:
        assert lengths[row["sound"]] == (f"{row['seconds']:.1f} s" if row["seconds"] else "")


def test_a_text_is_no_formula(config: Path) -> None:
    text = CONFIGURATION.replace("[fr]", "[fr]\nsegments: {sum: {fr: =1+1}}")
    text = text.replace("sites: [dakar],", "sites: [dakar], segments: [sum],")
    config.write_text(text, encoding="utf-8")
    said = [
        row[2] for row in csv.reader(run(config, "--csv", "-").stdout.splitlines(), delimiter=";")
    ]
    assert "'=1+1" in said
    assert "Bienvenue chez =SUM(A1); Cie." in said
