"""``evidence reconcile``, on a log of a queue and a ledger without any record."""

from __future__ import annotations

import gc
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.evidence.sqlite import SqliteStore
from tests.command_line import run
from tests.unit.evidence.told_calls import change, keep, ordinary

CONFIGURATION = """\
languages: [fr]
evidence: {file: evidence.sqlite}
sites: {casablanca: {country: MA}}
agents: {PJSIP/2??: {site: casablanca}}
"""
LOG = """\
1795000005|1795000000.1|support|PJSIP/201|CONNECT|4|1795000000.2|1
1795000009|1795000000.1|support|PJSIP/201|COMPLETECALLER|4|4|1
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    store = SqliteStore(tmp_path / "evidence.sqlite")
    store.try_out()
    store.close()
    (tmp_path / "queue_log").write_text(LOG)
    return path


def test_a_finding_says_what_and_what_to_do(config: Path) -> None:
    done = run(
        "evidence", "reconcile", f"--config={config}", f"--queue-log={config.parent}/queue_log"
    )
    assert done.exit_code == 1, done.output
    finding, why, summary = done.stdout.splitlines()
    assert "never-announced  call 1795000000.1 by queue_log: the caller with PJSIP/201 (MA)" in (
        finding
    )
    assert "for 4.0 s" in finding
    assert "have this road announced in the dialplan" in why
    assert summary.startswith("queue_log: 1 calls reached a person: 0 told, 0 exempt, 1 not")


def test_as_json(config: Path) -> None:
    log = f"--queue-log={config.parent}/queue_log"
    done = run("evidence", "reconcile", f"--config={config}", "--json", log)
    said = json.loads(done.stdout)
    (finding,) = said["findings"]
    assert (finding["leak"], finding["agent"], finding["country"]) == (
        "never-announced",
        "PJSIP/201",
        "MA",
    )
    assert said["compared"]["queue_log"]["leaks"] == 1
    assert said["purged"] == 0


def test_nothing_found(config: Path) -> None:
    log = f"--queue-log={config.parent}/queue_log"
    done = run("evidence", "reconcile", f"--config={config}", log, "--to=2020-01-01")
    assert (done.exit_code, "0 calls reached a person" in done.stdout) == (0, True)


@pytest.mark.parametrize(("before", "calls"), [(-1, 0), (0, 1), (1, 1)])
def test_a_day_is_wanted_to_its_end(config: Path, before: int, calls: int) -> None:
    """As in all commands of the evidence."""
    day = datetime.fromtimestamp(1795000005).astimezone() + timedelta(days=before)
    log = f"--queue-log={config.parent}/queue_log"
    done = run("evidence", "reconcile", f"--config={config}", log, f"--to={day:%Y-%m-%d}")
    assert f"{calls} calls reached a person" in done.stdout


def test_what_cannot_be_read_is_said(config: Path) -> None:
    log = config.parent / "queue_log"
    log.write_text(f"{LOG}17950000\n")
    arguments = ("evidence", "reconcile", f"--config={config}", f"--queue-log={log}")
    assert f"1 lines cannot be read, the first is {log}:3" in run(*arguments).stderr
    assert json.loads(run(*arguments, "--json").stdout)["unread"] == [f"{log}:3"]


def test_a_source_of_which_all_is_known_is_not_empty(config: Path) -> None:
    cdr = config.parent / "Master.csv"
    fields = ["", "", "", "inbound", "PJSIP/carrier-1", "PJSIP/201-1", "Queue", ""]
    times = ["2026-11-18 11:06:40", "", "2026-11-18 11:06:49", "9", "9", "ANSWERED", "3"]
    cdr.write_text(",".join([*fields, *times, "", "1795000000.1", "", "1"]) + "\n")
    log = f"--queue-log={config.parent}/queue_log"
    done = run("evidence", "reconcile", f"--config={config}", f"--cdr={cdr}", log)
    assert "cdr: 1 calls reached a person" in done.stdout
    assert "no calls in it" not in done.stderr


def test_records_that_wait_seem_to_be_missing(config: Path, postgresql_url: str) -> None:
    ledger = f"evidence: {{file: evidence.sqlite, url: '{postgresql_url}'}}"
    config.write_text(CONFIGURATION.replace("evidence: {file: evidence.sqlite}", ledger))
    place = LedgerPlace(str(config.parent / "evidence.sqlite"), str(config.parent / "evidence.key"))
    keep(place, ordinary("1795000000.1"))
    log = f"--queue-log={config.parent}/queue_log"
    done = run("evidence", "reconcile", f"--config={config}", log)
    assert done.exit_code == 1
    assert "2 entries of this machine have still to go there: their calls seem" in done.stderr


def test_a_record_that_is_none_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unraised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    place = LedgerPlace(str(config.parent / "evidence.sqlite"), str(config.parent / "evidence.key"))
    keep(place, ordinary("1795000000.1"))
    change(place, "UPDATE entries SET document = '{}' WHERE sequence = 1")
    log = f"--queue-log={config.parent}/queue_log"
    done = run("evidence", "reconcile", f"--config={config}", log)
    assert (done.exit_code, "entry 1 of " in done.stderr) == (2, True)
    del done
    gc.collect()
    assert unraised == [], "nothing is left open"


def test_an_empty_source_is_no_proof(config: Path) -> None:
    empty = config.parent / "cel.csv"
    empty.touch()
    done = run("evidence", "reconcile", f"--config={config}", f"--cel={empty}")
    assert done.exit_code == 0
    assert "cel: no calls in it; is it switched on" in done.stderr


def test_wrong_use(config: Path) -> None:
    assert run("evidence", "reconcile", f"--config={config}").exit_code == 2
    done = run("evidence", "reconcile", f"--config={config}", "--cel=/nowhere/Master.csv")
    assert (done.exit_code, "No such file" in done.stderr) == (2, True)


def test_a_source_that_breaks_off_leaves_nothing_open(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = LedgerPlace(str(config.parent / "evidence.sqlite"), str(config.parent / "evidence.key"))
    keep(place, [*ordinary("1.1"), *ordinary("1.2")])
    (config.parent / "queue_log").write_text(LOG)
    unraised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    queue_log = config.parent / "queue_log"
    done = run("evidence", "reconcile", f"--config={config}", f"--queue-log={queue_log}", "--cdr=x")
    assert done.exit_code == 2, done.output
    del done
    gc.collect()
    assert unraised == []


def test_an_id_does_not_move_the_terminal(config: Path) -> None:
    log = config.parent / "queue_log"
    log.write_text(LOG.replace("1795000000.1", "\x1b[2J"))
    done = run("evidence", "reconcile", f"--config={config}", f"--queue-log={log}")
    assert done.exit_code == 1, done.output
    assert "call \ufffd[2J by queue_log" in done.stdout


@pytest.mark.parametrize("option", ["--cel", "--cdr"])
@pytest.mark.parametrize("url", ["postgres://u:hunter2@h/a", "postgresql://h/a?password=hunter2"])
def test_a_password_on_the_command_line_is_refused(config: Path, option: str, url: str) -> None:
    done = run("evidence", "reconcile", f"--config={config}", option, url)
    assert done.exit_code == 2
    assert "there is a password in it; " in done.stderr
    assert "hunter2" not in done.output
