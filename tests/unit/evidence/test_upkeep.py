from __future__ import annotations

import json
import logging
import sqlite3
import threading
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from callcentre_disclosure.config.model import EvidenceEntry
from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.evidence import upkeep
from callcentre_disclosure.evidence.ledger import Ledger
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.upkeep import Upkeep
from tests.postgresql import Server

from .conftest import MakeRecord


@pytest.fixture
def entry(place: LedgerPlace) -> EvidenceEntry:
    return EvidenceEntry(file=Path(place.file))


def keep(place: LedgerPlace, record: MakeRecord, *ids: str) -> None:
    ledger = Ledger(place)
    ledger.append([record(one) for one in ids])
    ledger.close()


def test_the_day_is_signed_once(
    place: LedgerPlace, record: MakeRecord, entry: EvidenceEntry
) -> None:
    keep(place, record, "a", "b")
    for _ in range(2):
        keeper = Upkeep(entry)
        assert (keeper.once(), keeper.once()) == (0, 0)
        keeper.close()
    (file,) = entry.checkpoint_folder.iterdir()
    assert file.name.startswith(datetime.now(timezone.utc).date().isoformat())
    ((_, sequence, _),) = json.loads(file.read_text())["ends"]
    assert sequence == 2


def test_a_checkpoint_that_failed_is_tried_again(
    place: LedgerPlace,
    record: MakeRecord,
    entry: EvidenceEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep(place, record, "a")
    key = Path(place.key_file)
    key.rename(key.with_suffix(".away"))
    keeper = Upkeep(entry)
    keeper.once()
    keeper.once()
    key.with_suffix(".away").rename(key)
    assert caplog.text.count("no checkpoint of today") == 1, "said once, and not at every look"
    monkeypatch.setattr(keeper, "_sign_after", 0.0)  # a minute later
    keeper.once()
    keeper.close()
    assert len(list(entry.checkpoint_folder.iterdir())) == 1


def test_a_forged_end_is_not_signed(
    place: LedgerPlace,
    record: MakeRecord,
    entry: EvidenceEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    keep(place, record, "a", "b")
    with closing(sqlite3.connect(place.file)) as database, database:
        database.execute("UPDATE heads SET sequence = 1")
    keeper = Upkeep(entry)
    keeper.once()
    keeper.close()
    assert "is not what was sealed" in caplog.text
    assert not entry.checkpoint_folder.exists()


def test_before_the_first_record_there_is_nothing_to_do(entry: EvidenceEntry) -> None:
    keeper = Upkeep(entry)
    assert keeper.once() == 0
    keeper.close()
    assert not entry.file.parent.exists()


def test_a_ledger_that_cannot_even_be_looked_for_ends_nothing(tmp_path: Path) -> None:
    """As in a folder that is closed to us (which nothing is to root)."""
    keeper = Upkeep(EvidenceEntry(file=tmp_path / ("x" * 300)))
    assert keeper.once() == 0
    keeper.close()


def test_records_follow_when_the_ledger_is_back(
    place: LedgerPlace,
    record: MakeRecord,
    postgresql: Server,
    postgresql_url: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upkeep, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(upkeep, "_LONGEST_PAUSE", 0.05)
    caplog.set_level(logging.INFO)
    keep(place, record, "a")
    postgresql.stop("immediate")
    stop = threading.Event()
    keeper = Upkeep(EvidenceEntry(file=Path(place.file), url=postgresql_url))
    running = threading.Thread(target=keeper.run, args=(stop,))
    told = threading.Event()

    class Told(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            if "records" in entry.getMessage():
                told.set()

    logger = logging.getLogger("callcentre_disclosure.evidence.upkeep")
    logger.addHandler(handler := Told())
    running.start()
    assert told.wait(20)
    told.clear()
    postgresql.start()
    assert told.wait(20)
    logger.removeHandler(handler)
    stop.set()
    running.join(20)
    remote = PostgresqlStore(postgresql_url)
    assert list(remote.read("SELECT id FROM entries")) == [("a",)]
    remote.close()
    said = [entry.getMessage() for entry in caplog.records if "records" in entry.getMessage()]
    assert said[0].startswith("records wait: ")
    assert said[1:] == ["records no longer wait"]
