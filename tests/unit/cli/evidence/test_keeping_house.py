"""The commands that look after the ledger: verify, checkpoint, rotate, purge, upkeep."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from callcentre_disclosure import Disclosure
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.testing import FakeChannel
from tests.command_line import run

TODAY = datetime.now().astimezone().date()
CONFIGURATION = """\
languages: [fr]
sites: {lyon: {country: FR}}
profiles: {short: {keep_days: 1}}
routes:
  one: {numbers: ["1"], sites: [lyon]}
  two: {numbers: ["2"], sites: [lyon], profile: short}
evidence:
  file: evidence.sqlite
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    return path


def announce(config: Path, *numbers: str) -> None:
    disclosure = Disclosure.from_file(config)
    for number in numbers:
        channel = FakeChannel(number, caller="+33612345678", sounds=disclosure.prompts())
        driver = disclosure.agi(channel.now)
        channel.run(driver)
        assert driver.record is not None
        disclosure.keep([driver.record])
    disclosure.close()


def change(config: Path, statement: str) -> None:
    with closing(sqlite3.connect(config.parent / "evidence.sqlite")) as file, file:
        file.execute(statement)


def test_a_whole_ledger_is_said_to_be_unchanged(config: Path) -> None:
    announce(config, "1", "1")
    signed = run("evidence", "checkpoint", "--config", config)
    assert Path(signed.stdout.strip()).parent == config.parent / "checkpoints"
    done = run("evidence", "verify", "--config", config)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "unchanged: 2 entries; compared with 1 checkpoints"


def test_a_change_is_named(config: Path) -> None:
    announce(config, "1", "1", "1")
    change(config, "DELETE FROM entries WHERE sequence = 2")
    done = run("evidence", "verify", "--config", config)
    assert done.exit_code == 1
    first, *_ = done.stdout.splitlines()
    assert first.startswith("missing: entry 2 of ")
    found = json.loads(run("evidence", "verify", "--json", "--config", config).stdout)
    assert [finding["manipulation"] for finding in found["findings"]] == ["missing"]


def test_a_finding_does_not_move_the_terminal(config: Path) -> None:
    announce(config, "1", "1")
    change(config, "UPDATE entries SET id = 'a' || char(27) || '[2J' WHERE sequence = 1")
    change(config, "UPDATE entries SET writer = char(27) || '[2J' WHERE sequence = 2")
    done = run("evidence", "verify", "--config", config)
    assert done.exit_code == 1
    assert "(record a\ufffd[2J)" in done.stdout
    assert "chain \ufffd[2J: 2 entries" in done.stdout
    assert "\x1b" not in done.output


def test_a_checkpoint_from_elsewhere_is_compared(config: Path, tmp_path: Path) -> None:
    announce(config, "1")
    file = tmp_path / "evidence.sqlite"
    shutil.copy(file, tmp_path / "older")
    announce(config, "1")
    run("evidence", "checkpoint", "--config", config)
    kept = (tmp_path / "checkpoints").rename(tmp_path / "elsewhere")
    shutil.copy(tmp_path / "older", file)
    assert run("evidence", "verify", "--config", config).exit_code == 0
    (checkpoint,) = kept.iterdir()
    done = run("evidence", "verify", "--checkpoint", checkpoint, "--config", config)
    assert done.exit_code == 1
    assert done.stdout.startswith("replaced: entry 2 of ")


def test_a_forged_checkpoint_is_said(config: Path, tmp_path: Path) -> None:
    announce(config, "1")
    file = Path(run("evidence", "checkpoint", "--config", config).stdout.strip())
    file.write_text(file.read_text().replace('"at": "20', '"at": "19'))
    done = run("evidence", "verify", "--config", config)
    assert done.exit_code == 1
    assert "is not what this installation signed" in done.stdout


def test_before_the_first_call_there_is_nothing(config: Path) -> None:
    done = run("evidence", "verify", "--config", config)
    assert done.exit_code == 2
    assert "there is no evidence yet" in done.stderr
    assert run("evidence", "checkpoint", "--config", config).exit_code == 1


def test_a_rotated_key_seals_what_follows(config: Path) -> None:
    announce(config, "1")
    said = run("evidence", "rotate", "--config", config).stdout
    announce(config, "1")
    with closing(sqlite3.connect(config.parent / "evidence.sqlite")) as file:
        (key,) = file.execute("SELECT key FROM entries ORDER BY sequence DESC").fetchone()
    assert f"key {key} is in use" in said
    assert run("evidence", "verify", "--config", config).exit_code == 0


def test_what_was_kept_long_enough_is_purged(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(date):
        @classmethod
        def today(cls) -> Later:
            return cls.fromisoformat((TODAY + timedelta(days=2)).isoformat())

    announce(config, "1", "2", "2")
    monkeypatch.setattr("callcentre_disclosure.cli.evidence.purge.date", Later)
    asked = run("evidence", "purge", "--dry-run", "--config", config)
    assert asked.stdout == "2 records would be purged\n"
    assert run("evidence", "purge", "--config", config).stdout == "2 records were purged\n"
    assert run("evidence", "purge", "--config", config).stdout == "0 records were purged\n"
    done = run("evidence", "verify", "--config", config)
    assert done.stdout.splitlines()[-1].startswith("unchanged: 4 entries, 2 of them purged")


def test_upkeep_forwards_what_waits(config: Path, postgresql_url: str) -> None:
    config.write_text(CONFIGURATION + f'  url: "{postgresql_url}"\n')
    announce(config, "1", "1")
    done = run("evidence", "upkeep", "--once", "--config", config)
    assert done.stdout == "2 records were forwarded\n"
    announce(config, "1")
    done = run("evidence", "verify", "--config", config)
    assert done.exit_code == 0, done.output
    assert "unchanged: 3 entries" in done.stdout
    ledger = PostgresqlStore(postgresql_url)
    assert list(ledger.read("SELECT count(*) FROM entries")) == [(2,)]
    ledger.close()
