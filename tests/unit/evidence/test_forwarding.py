"""From the file of a machine to the ledger of all of them: each record once, in its order."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence import forwarding
from callcentre_disclosure.evidence.forwarding import alone, forward, waiting
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.ledger import Ledger
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.schema import MIGRATIONS
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.evidence.verifying import verify
from tests.postgresql import Server

from .conftest import MakeRecord


@pytest.fixture
def file(place: LedgerPlace) -> Iterator[SqliteStore]:
    opened = SqliteStore(place.file)
    yield opened
    opened.close()


@pytest.fixture
def remote(postgresql_url: str) -> Iterator[PostgresqlStore]:
    opened = PostgresqlStore(postgresql_url)
    yield opened
    opened.close()


def keep(place: LedgerPlace, record: MakeRecord, *ids: str) -> None:
    ledger = Ledger(place)
    ledger.append([record(one) for one in ids])
    ledger.close()


def ids(remote: PostgresqlStore) -> list[str]:
    return [id_ for (id_,) in remote.read("SELECT id FROM entries ORDER BY writer, sequence")]


def test_records_go_in_their_order_and_leave_the_file(
    place: LedgerPlace,
    record: MakeRecord,
    file: SqliteStore,
    remote: PostgresqlStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring = KeyRing.open(place.key_file, make=True)
    keep(place, record, *"abc")
    assert waiting(file) == 3
    assert forward(file, ring, remote) == 3
    keep(place, record, *"de")
    assert (forward(file, ring, remote), forward(file, ring, remote)) == (2, 0)
    assert ids(remote) == [*"abcde"]
    assert waiting(file) == 0
    assert verify(remote, ring, (), file).findings == []


def test_a_part_of_what_waits_is_a_whole_chain_too(
    place: LedgerPlace,
    record: MakeRecord,
    file: SqliteStore,
    remote: PostgresqlStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(place, record, *"abcde")
    monkeypatch.setattr(forwarding, "_NEXT", forwarding._NEXT.replace("LIMIT 500", "LIMIT 2"))
    ring = KeyRing.open(place.key_file, make=True)
    assert forward(file, ring, remote) == 2
    assert verify(remote, ring, (), None).findings == []
    assert verify(remote, ring, (), file).findings == []
    assert verify(remote, ring, (), file).entries == 5


def test_what_was_sent_by_a_process_that_died_is_not_there_twice(
    place: LedgerPlace, record: MakeRecord, file: SqliteStore, remote: PostgresqlStore
) -> None:
    ring = KeyRing.open(place.key_file, make=True)
    keep(place, record, *"abc")
    with closing(sqlite3.connect(place.file)) as database:
        kept = "\n".join(database.iterdump())
    forward(file, ring, remote)
    file.close()
    for name in (place.file, f"{place.file}-wal", f"{place.file}-shm"):
        Path(name).unlink(missing_ok=True)
    with closing(sqlite3.connect(place.file)) as database:
        database.executescript(kept)
        database.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
    keep(place, record, "d")
    assert forward(file, ring, remote) == 4
    assert ids(remote) == [*"abcd"]
    assert verify(remote, ring, (), file).findings == []


def test_two_machines_with_copies_of_one_file_lose_nothing(
    place: LedgerPlace, record: MakeRecord, file: SqliteStore, remote: PostgresqlStore
) -> None:
    ring = KeyRing.open(place.key_file, make=True)
    keep(place, record, "a")
    copy = place._replace(file=f"{place.file}.copy")
    shutil.copy(place.file, copy.file)
    keep(place, record, "b")
    keep(copy, record, "c")
    forward(file, ring, remote)
    cloned = SqliteStore(copy.file)
    with pytest.raises(EvidenceError, match=r"entry 2 of .* is another one there; two machines"):
        forward(cloned, ring, remote)
    assert ids(remote) == ["a", "b"]
    assert waiting(cloned) == 2
    cloned.close()


def test_two_chains_of_one_file_go_one_after_the_other(
    place: LedgerPlace, record: MakeRecord, file: SqliteStore, remote: PostgresqlStore
) -> None:
    keep(place, record, "a", "b", "c")
    with closing(sqlite3.connect(place.file)) as database, database:
        database.execute("UPDATE heads SET seal = 'forged'")
    keep(place, record, "d")
    ring = KeyRing.open(place.key_file)
    assert sorted((forward(file, ring, remote), forward(file, ring, remote))) == [1, 3]
    assert sorted(ids(remote)) == [*"abcd"]
    assert waiting(file) == 0


def test_many_machines_begin_a_ledger_together(
    place: LedgerPlace, record: MakeRecord, postgresql_url: str, remote: PostgresqlStore
) -> None:
    ring = KeyRing.open(place.key_file, make=True)

    def machine(number: int) -> None:
        own = place._replace(file=f"{place.file}.{number}")
        keep(own, record, *(f"{number}-{n}" for n in range(5)))
        spool, ledger = SqliteStore(own.file), PostgresqlStore(postgresql_url)
        forward(spool, ring, ledger)
        spool.close()
        ledger.close()

    machines = [threading.Thread(target=machine, args=(number,)) for number in range(8)]
    for one in machines:
        one.start()
    for one in machines:
        one.join()
    found = ids(remote)
    assert len(found) == 40
    assert all(
        found[start : start + 5] == [f"{found[start][0]}-{n}" for n in range(5)]
        for start in range(0, 40, 5)
    )
    assert len(verify(remote, ring).chains) == 8


def test_while_the_ledger_is_away_records_wait(
    place: LedgerPlace,
    record: MakeRecord,
    file: SqliteStore,
    remote: PostgresqlStore,
    postgresql: Server,
) -> None:
    ring = KeyRing.open(place.key_file, make=True)
    keep(place, record, "a")
    forward(file, ring, remote)
    postgresql.kill()
    keep(place, record, "b")
    with pytest.raises(EvidenceError, match=r"the ledger does not take records: .*; see that the"):
        forward(file, ring, remote)
    postgresql.start()
    assert forward(file, ring, remote) == 1
    assert ids(remote) == ["a", "b"]


def test_one_process_of_a_machine_forwards(place: LedgerPlace, file: SqliteStore) -> None:
    Path(place.file).parent.mkdir()
    with alone(file) as first, alone(file) as second:
        assert (first, second) == (True, False)
    with alone(file) as again:
        assert again


def test_a_ledger_of_a_newer_version_is_not_written(
    place: LedgerPlace, record: MakeRecord, file: SqliteStore, remote: PostgresqlStore
) -> None:
    keep(place, record, "a")
    remote.change("UPDATE ledger_schema SET version = version + 1")
    remote.close()
    with pytest.raises(EvidenceError, match="a newer version of callcentre-disclosure"):
        forward(file, KeyRing.open(place.key_file), remote)
    assert waiting(file) == 1
