"""Each manipulation is found and named, in SQLite and in PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence import checkpoints
from callcentre_disclosure.evidence.chain import Content, Entry, digest, extended, first_head
from callcentre_disclosure.evidence.forwarding import forward
from callcentre_disclosure.evidence.keys import Key, KeyRing, rotate
from callcentre_disclosure.evidence.ledger import Ledger
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.purging import due, purge
from callcentre_disclosure.evidence.reading import Store
from callcentre_disclosure.evidence.schema import COLUMNS, HEAD, LINK, insert
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.evidence.verifying import Manipulation, Verdict, verify

from .conftest import MOMENT, MakeRecord

LONG_AGO = MOMENT - timedelta(days=3000)
TODAY = MOMENT.date()


@dataclass
class House:
    """A ledger that somebody has access to, but not to its key."""

    place: LedgerPlace
    file: SqliteStore
    remote: PostgresqlStore | None
    record: MakeRecord

    @property
    def ledger(self) -> Store:
        return self.remote or self.file

    @property
    def ring(self) -> KeyRing:
        return KeyRing.open(self.place.key_file)

    @property
    def writer(self) -> str:
        ((writer,),) = self.ledger.read("SELECT writer FROM heads")
        return str(writer)

    def keep(self, *ids: str, at: datetime = MOMENT) -> None:
        ledger = Ledger(self.place)
        ledger.append([self.record(one, at=at) for one in ids])
        ledger.close()
        if self.remote:
            forward(self.file, self.ring, self.remote)

    def purge(self) -> None:
        purge(due(self.ledger, TODAY), TODAY, self.ring, self.file, self.remote)

    def change(self, *statements: str) -> None:
        """By whoever has the database."""
        if self.remote:
            with psycopg.connect(self.remote.url) as database:
                for statement in statements:
                    database.execute(statement.replace("%", "%%").encode())
        else:
            with closing(sqlite3.connect(self.place.file)) as file, file:
                for statement in statements:
                    file.execute(statement)

    def add(self, table: str, names: Sequence[str], values: Sequence[Any]) -> None:
        if self.remote:
            with psycopg.connect(self.remote.url) as database:
                database.execute(insert(table, names).replace("?", "%s").encode(), values)
        else:
            with closing(sqlite3.connect(self.place.file)) as file, file:
                file.execute(insert(table, names), values)

    def entry(self, sequence: int) -> Entry:
        ((*row,),) = self.ledger.read(
            f"SELECT {', '.join(LINK)} FROM entries WHERE sequence = ?", [sequence]
        )
        return Entry(*row)

    def checkpoint(self) -> checkpoints.Checkpoint:
        ends = list(self.ledger.read("SELECT writer, sequence, last FROM heads"))
        return checkpoints.sign(ends, self.ring, datetime.now(timezone.utc))

    def verify(self, *known: checkpoints.Checkpoint) -> Verdict:
        return verify(self.ledger, self.ring, known, self.file if self.remote else None)


@pytest.fixture(params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, place: LedgerPlace, record: MakeRecord
) -> Iterator[House]:
    file, remote = SqliteStore(place.file), None
    if request.param == "postgresql":
        remote = PostgresqlStore(request.getfixturevalue("postgresql_url"))
    house = House(place, file, remote, record)
    house.keep(*"abcdefgh")
    yield house
    file.close()
    if remote:
        remote.close()


def test_a_ledger_that_nobody_touched_is_whole(house: House) -> None:
    verdict = house.verify(house.checkpoint())
    assert verdict == Verdict([], 8, 0, {house.writer: 8})


def test_what_waits_belongs_to_the_chain(house: House) -> None:
    ledger = Ledger(house.place)
    ledger.append([house.record("i"), house.record("j")])
    ledger.close()
    assert house.verify() == Verdict([], 10, 0, {house.writer: 10})


def test_a_rotation_of_keys_breaks_nothing(house: House) -> None:
    rotate(house.place.key_file)
    house.keep("i", "j")
    assert house.verify(house.checkpoint()) == Verdict([], 11, 0, {house.writer: 11})


def edited(house: House) -> None:
    document = json.loads(house.entry(4).document or "")
    document["outcome"] = "DISCLOSED!"
    text = json.dumps(document).replace("'", "''")
    house.change(f"UPDATE entries SET document = '{text}' WHERE sequence = 4")


def edited_with_its_digest(house: House) -> None:
    entry = house.entry(4)
    forged = extended(
        first_head(entry.writer, Key.of(b"?" * 32)),
        Key.of(b"?" * 32),
        [Content("disclosure", (entry.document or "").replace("Maroc", "France"))],
    )[0][0]
    document = (forged.document or "").replace("'", "''")
    house.change(
        f"UPDATE entries SET document = '{document}', digest = '{forged.digest}' WHERE sequence = 4"
    )


def forged(house: House) -> None:
    """Sealed by a key of one's own, behind the last one."""
    entry, own = house.entry(8), Key.of(b"?" * 32)
    head = first_head(entry.writer, own)._replace(sequence=8, last=entry.seal)
    (new,), head = extended(head, own, [Content("disclosure", entry.document or "")])
    house.add("entries", LINK, new._replace(key=entry.key))
    house.change("DELETE FROM heads")
    house.add("heads", HEAD, head._replace(key=entry.key))


def copied(house: House) -> None:
    """A record that pleases is there twice."""
    house.add("entries", LINK, house.entry(4)._replace(sequence=9))


def hidden(house: House) -> None:
    """In front of the first one."""
    house.add("entries", (*LINK, "id"), (*house.entry(4)._replace(sequence=0), "forged"))


def purged_by_hand(house: House) -> None:
    nothing = ", ".join(f"{name} = NULL" for name in ("document", *COLUMNS))
    house.change(f"UPDATE entries SET {nothing} WHERE sequence = 4")


def swapped(house: House) -> None:
    house.change(
        "UPDATE entries SET sequence = 99 WHERE sequence = 4",
        "UPDATE entries SET sequence = 4 WHERE sequence = 5",
        "UPDATE entries SET sequence = 5 WHERE sequence = 99",
    )


def cut(house: House) -> None:
    house.change("DELETE FROM entries WHERE sequence > 5")


def cut_with_its_head(house: House) -> None:
    cut(house)
    last = house.entry(5)
    house.change(f"UPDATE heads SET sequence = 5, last = '{last.seal}'")


#: What is done, and the first of what is found: which, at which entry, and of which record.
MANIPULATIONS: dict[str, tuple[Callable[[House], None], tuple[Manipulation, int, str | None]]] = {
    "a document is edited": (edited, (Manipulation.EDITED, 4, "d")),
    "a document and its digest are edited": (edited_with_its_digest, (Manipulation.FORGED, 4, "d")),
    "a column is edited": (
        lambda house: house.change("UPDATE entries SET outcome = 'DISCLOSED?' WHERE sequence = 4"),
        (Manipulation.EDITED, 4, "d"),
    ),
    "it need no longer be kept": (
        lambda house: house.change("UPDATE entries SET keep_until='2001-01-01' WHERE sequence = 4"),
        (Manipulation.FORGED, 4, "d"),
    ),
    "one is deleted": (
        lambda house: house.change("DELETE FROM entries WHERE sequence = 4"),
        (Manipulation.MISSING, 4, None),
    ),
    "the first one is deleted": (
        lambda house: house.change("DELETE FROM entries WHERE sequence = 1"),
        (Manipulation.MISSING, 1, None),
    ),
    "one is added": (forged, (Manipulation.FORGED, 9, None)),
    "one is hidden before the first": (hidden, (Manipulation.FORGED, 0, "forged")),
    "one is copied": (copied, (Manipulation.MOVED, 9, None)),
    "two are swapped": (swapped, (Manipulation.MOVED, 4, "e")),
    "one is purged by hand": (purged_by_hand, (Manipulation.REMOVED, 4, None)),
    "the end is cut off": (cut, (Manipulation.CUT, 6, None)),
    "the end is cut off, and the head moved": (cut_with_its_head, (Manipulation.NO_HEAD, 5, None)),
    "everything is deleted": (
        lambda house: house.change("DELETE FROM entries"),
        (Manipulation.CUT, 8, None),
    ),
    "the head is deleted": (
        lambda house: house.change("DELETE FROM heads"),
        (Manipulation.NO_HEAD, 8, None),
    ),
}


@pytest.mark.parametrize(("act", "expected"), MANIPULATIONS.values(), ids=MANIPULATIONS)
def test_a_manipulation_is_found_and_named(
    house: House,
    act: Callable[[House], None],
    expected: tuple[Manipulation, int, str | None],
) -> None:
    writer = house.writer
    if house.remote:
        house.file.close()
        with closing(sqlite3.connect(house.place.file)) as file, file:
            file.execute("DELETE FROM heads")  # whoever has the ledger alone does not have this
    act(house)
    first, *_ = house.verify().findings
    assert (first.manipulation, first.sequence, first.id) == expected
    assert first.writer == writer


@pytest.mark.parametrize(
    "change",
    [
        "sequence = 'one'",
        "document = CAST(document AS BLOB)",
        "seal = x'00'",
        "key = x'00'",
        "kind = CAST(kind AS BLOB)",
        "seal = 'é'",
        "document = '[]', kind = 'rotation'",
        "document = CAST(x'7bff7d' AS TEXT), seal = 'x'",
    ],
)
def test_what_is_no_text_is_not_ours(place: LedgerPlace, record: MakeRecord, change: str) -> None:
    """SQLite keeps whatever it is given."""
    house = House(place, SqliteStore(place.file), None, record)
    house.keep("a", "b", "c")
    house.change(f"UPDATE entries SET {change} WHERE sequence = 2")
    assert Manipulation.FORGED in [one.manipulation for one in house.verify().findings]
    house.file.close()


@pytest.mark.parametrize("kind", ["disclosure", "rotation", "purge"])
@pytest.mark.parametrize(
    "document", ["{}", "[]", "1", "null", '{"telling": 0}', "no JSON", "[" * 100_000]
)
def test_a_document_that_is_none_hides_nothing(house: House, document: str, kind: str) -> None:
    """By somebody who has not the key, and knows what a digest is."""
    house.change(
        f"UPDATE entries SET document = '{document}', digest = '{digest(document)}',"
        f" kind = '{kind}' WHERE sequence = 4",
        "UPDATE entries SET outcome = 'NOT_REQUIRED' WHERE sequence = 6",
    )
    found = [(one.manipulation, one.sequence) for one in house.verify().findings]
    assert found[0] == (Manipulation.FORGED, 4)
    assert (Manipulation.EDITED, 6) in found


def test_a_purge_that_was_broken_off_and_made_again(house: House) -> None:
    """The machine stopped behind the note; the second one has more."""
    house.keep("i", "j", at=LONG_AGO)
    note = json.dumps({"day": TODAY.isoformat(), "purged": due(house.ledger, TODAY)})
    house.file.extend(house.ring, [(Content("purge", note), (None,) * len(COLUMNS))])
    house.keep("k", at=LONG_AGO)
    house.purge()
    verdict = house.verify()
    assert (verdict.findings, verdict.purged) == ([], 3)


def test_calls_go_on_while_records_are_purged_and_somebody_reads(
    place: LedgerPlace, record: MakeRecord
) -> None:
    """An inspector's ``verify`` takes a minute; a record is written at once all the same."""
    house = House(place, SqliteStore(place.file), None, record)
    house.keep(*(str(number) for number in range(600)), at=LONG_AGO)
    inspector, purger = SqliteStore(place.file), House(place, SqliteStore(place.file), None, record)
    purging = threading.Thread(target=purger.purge)
    with inspector.snapshot():
        purging.start()
        while sum(1 for _ in house.file.read("SELECT 1 FROM entries WHERE id IS NULL")) < 601:
            time.sleep(0.01)  # the note, and all of them
        house.keep("x")
        assert purging.is_alive(), "it waits until nobody reads what is no more"
    purging.join()
    assert Path(f"{place.file}-wal").stat().st_size == 0
    verdict = house.verify()
    assert (verdict.findings, verdict.entries, verdict.purged) == ([], 602, 600)
    for store in (inspector, purger.file, house.file):
        store.close()


def test_what_is_moved_far_away_is_not_looked_for_for_ever(
    place: LedgerPlace, record: MakeRecord
) -> None:
    house = House(place, SqliteStore(place.file), None, record)
    house.keep("a", "b")
    house.change(f"UPDATE entries SET sequence = {10**15} WHERE sequence = 2")
    assert {one.manipulation for one in house.verify().findings} >= {Manipulation.MOVED}
    house.file.close()


@pytest.mark.parametrize("key", ["key", "'zzz'"], ids=["a false seal", "an unknown key"])
def test_a_forged_head_is_not_made_good_by_the_next_record(
    place: LedgerPlace, record: MakeRecord, key: str
) -> None:
    house = House(place, SqliteStore(place.file), None, record)
    house.keep(*"abcdefgh")
    writer, last = house.writer, house.entry(6)
    house.change(
        "DELETE FROM entries WHERE sequence > 6",
        f"UPDATE heads SET sequence = 6, last = '{last.seal}', key = {key}, seal = 'x'",
    )
    house.keep("i")
    verdict = house.verify()
    (found,) = verdict.findings
    assert (found.manipulation, found.writer) == (Manipulation.NO_HEAD, writer)
    assert sorted(verdict.chains.values()) == [1, 6]
    house.file.close()


ODDITIES = {
    "a trigger": (
        "CREATE TRIGGER t AFTER INSERT ON entries WHEN new.id = 'x' BEGIN SELECT 1; END",
    ),
    "a view": ("ALTER TABLE entries RENAME TO e", "CREATE VIEW entries AS SELECT * FROM e"),
    "an index": ("DROP INDEX entries_by_id", "CREATE INDEX entries_by_id ON entries (id, at)"),
    "no primary key": (
        "CREATE TABLE e AS SELECT * FROM entries",
        "DROP TABLE entries",
        "ALTER TABLE e RENAME TO entries",
    ),
}


@pytest.mark.parametrize("statements", ODDITIES.values(), ids=ODDITIES)
def test_tables_that_are_not_ours_are_named(
    place: LedgerPlace, record: MakeRecord, statements: Sequence[str]
) -> None:
    house = House(place, SqliteStore(place.file), None, record)
    house.keep("a", "b")
    house.change(*statements)
    first, *_ = house.verify().findings
    assert first.manipulation is Manipulation.EDITED
    assert "not as we made it" in first.what
    house.file.close()


def test_a_trigger_in_postgresql_is_named(
    place: LedgerPlace, record: MakeRecord, postgresql_url: str
) -> None:
    house = House(place, SqliteStore(place.file), PostgresqlStore(postgresql_url), record)
    house.keep("a")
    house.change(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER t BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION f()",
    )
    assert "trigger t" in house.verify().findings[0].what
    with pytest.raises(EvidenceError, match="entry 2 of"):
        house.keep("b")
    house.file.close()
    assert house.remote is not None
    house.remote.close()


def test_a_trigger_that_eats_records_is_noticed_by_who_writes(
    place: LedgerPlace, record: MakeRecord
) -> None:
    house = House(place, SqliteStore(place.file), None, record)
    house.keep("a")
    house.change(
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries WHERE id = 'b'; END"
    )
    with pytest.raises(EvidenceError, match="does not keep what is written"):
        house.keep("b")
    house.file.close()


def test_a_copy_that_is_there_twice_is_named(place: LedgerPlace, record: MakeRecord) -> None:
    house = House(place, SqliteStore(place.file), None, record)
    house.keep("a", "b", "c")
    house.change(
        "CREATE TABLE e AS SELECT * FROM entries",
        "DROP TABLE entries",
        "ALTER TABLE e RENAME TO entries",
        "INSERT INTO entries SELECT * FROM entries WHERE sequence = 2",
        "UPDATE entries SET outcome = 'PARTIAL' WHERE rowid = 4",
    )
    found = [(one.manipulation, one.id) for one in house.verify().findings]
    assert (Manipulation.EDITED, "b") in found
    house.file.close()


def test_of_two_checkpoints_of_one_entry_both_count(house: House) -> None:
    kept = house.checkpoint()
    writer, sequence, _ = kept.ends[0]
    other = checkpoints.sign([(writer, sequence, "0" * 64)], house.ring, MOMENT)
    assert house.verify(kept, kept).findings == []
    for known in ((kept, other), (other, kept)):
        (found,) = house.verify(*known).findings
        assert found.manipulation is Manipulation.REPLACED


def test_a_head_that_is_no_text_is_none(place: LedgerPlace, record: MakeRecord) -> None:
    house = House(place, SqliteStore(place.file), None, record)
    house.keep("a")
    house.change("UPDATE heads SET seal = x'00'")
    assert [one.manipulation for one in house.verify().findings] == [Manipulation.NO_HEAD]
    house.file.close()


def test_nothing_else_is_accused(house: House) -> None:
    edited(house)
    assert len(house.verify().findings) == 1


@pytest.mark.parametrize("beyond", [True, False], ids=["shorter", "other"])
def test_an_older_copy_is_found_by_a_checkpoint_that_was_kept(house: House, beyond: bool) -> None:
    """The copy is whole; only what somebody else has of the ledger tells."""
    (head,) = house.ledger.read(f"SELECT {', '.join(HEAD)} FROM heads")
    house.keep("i", "j")
    kept = house.checkpoint()
    house.change("DELETE FROM entries WHERE sequence > 8", "DELETE FROM heads")
    house.add("heads", HEAD, head)
    if house.remote:
        house.file.close()
        with closing(sqlite3.connect(house.place.file)) as file, file:
            file.execute("DELETE FROM heads")
            file.execute(insert("heads", HEAD), head)
    if not beyond:
        house.keep("other", "records")
    assert house.verify().findings == []
    (found,) = house.verify(kept).findings
    assert (found.manipulation, found.sequence) == (Manipulation.REPLACED, 10)


def test_a_whole_chain_that_is_deleted_is_found_by_a_checkpoint(house: House) -> None:
    kept, writer = house.checkpoint(), house.writer
    house.change("DELETE FROM entries", "DELETE FROM heads")
    if house.remote:
        house.file.close()
        with closing(sqlite3.connect(house.place.file)) as file, file:
            file.execute("DELETE FROM heads")
    (found,) = house.verify(kept).findings
    assert (found.manipulation, found.writer) == (Manipulation.REPLACED, writer)


def test_a_key_that_is_lost_is_said(house: House) -> None:
    ring = KeyRing([Key.of(b"!" * 32)])
    found = verify(house.ledger, ring, (), None).findings
    assert {one.manipulation for one in found} == {Manipulation.UNKNOWN_KEY, Manipulation.NO_HEAD}


def test_what_is_purged_when_its_time_has_come_leaves_a_whole_chain(house: House) -> None:
    house.keep("old-1", "old-2", at=LONG_AGO)
    house.keep("i")
    house.purge()
    assert house.verify() == Verdict([], 12, 2, {house.writer: 12})
    texts = [text for row in house.ledger.read("SELECT * FROM entries") for text in row]
    assert not any("old-1" in str(text) for text in texts)
    assert due(house.ledger, TODAY) == []


def test_a_purge_covers_nothing_whose_time_has_not_come(house: House) -> None:
    """Whoever holds the key, and lies about the day, is found by the days of the entries."""
    house.file.extend(
        house.ring,
        [
            (
                Content(
                    "purge", json.dumps({"day": "2026-11-23", "purged": [[house.writer, 4, 4]]})
                ),
                (None,) * len(COLUMNS),
            )
        ],
    )
    purged_by_hand(house)
    assert [one.manipulation for one in house.verify().findings] == [Manipulation.REMOVED]


def test_a_checkpoint_that_was_changed_is_not_signed(house: House, tmp_path: Any) -> None:
    file = checkpoints.write(house.checkpoint(), house.ring, tmp_path)
    assert checkpoints.read(file).is_signed(house.ring)
    file.write_text(file.read_text().replace(": 8", ": 7").replace("8,", "7,"))
    assert not checkpoints.read(file).is_signed(house.ring)
    assert not house.checkpoint().is_signed(KeyRing([Key.of(b"!" * 32)]))
