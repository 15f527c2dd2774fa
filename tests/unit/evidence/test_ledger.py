from __future__ import annotations

import json
import pickle
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.keys import KeyRing, rotate
from callcentre_disclosure.evidence.ledger import Ledger
from callcentre_disclosure.evidence.schema import MIGRATIONS

from .conftest import MakeRecord


def rows(place: LedgerPlace, what: str = "sequence, id") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(place.file)) as database:
        return database.execute(f"SELECT {what} FROM entries ORDER BY sequence").fetchall()


def write(place: LedgerPlace, records: Sequence[Any]) -> None:
    ledger = Ledger(place)
    ledger.append(records)
    ledger.close()


def test_records_are_kept_in_their_order(place: LedgerPlace, record: MakeRecord) -> None:
    ledger = Ledger(place)
    ledger.append([record("a"), record("b")])
    ledger.append([record("c")])
    ledger.close()
    assert rows(place) == [(1, "a"), (2, "b"), (3, "c")]
    assert Path(place.file).stat().st_mode & 0o777 == 0o640


def test_a_number_goes_by_its_pseudonym_however_it_was_written(
    place: LedgerPlace, record: MakeRecord
) -> None:
    write(place, [record("a", caller="+33612345678"), record("b", caller="0612345678")])
    (first,), (second,) = rows(place, "consumer")
    assert first == second
    assert first in KeyRing.open(place.key_file).pseudonyms("0033 6 12 34 56 78", place.numbering)
    assert all("12345678" not in text for (text,) in rows(place, "document"))


def test_a_caller_without_a_number_has_no_pseudonym(place: LedgerPlace, record: MakeRecord) -> None:
    write(place, [record("a", caller="")])
    assert rows(place, "consumer") == [(None,)]


def test_a_name_that_is_no_utf8_does_not_lose_the_record(
    place: LedgerPlace, record: MakeRecord
) -> None:
    write(place, [record("a", caller="Ren\udce9")])
    ((document,),) = rows(place, "document")
    assert json.loads(document)["caller_number"] == "****"


def test_many_writers_make_one_chain(place: LedgerPlace, record: MakeRecord) -> None:
    """That begin the ledger and its key together, too."""
    records = [record(f"id-{n}") for n in range(40)]
    writers = [threading.Thread(target=write, args=(place, [r])) for r in records]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = rows(place, "sequence, id, writer")
    assert [sequence for sequence, *_ in found] == list(range(1, 41))
    assert {id_ for _, id_, _ in found} == {r.disclosure_id for r in records}
    assert len({writer for *_, writer in found}) == 1


def test_a_rotation_is_noted_under_the_key_before(place: LedgerPlace, record: MakeRecord) -> None:
    ledger = Ledger(place)
    ledger.append([record("a")])
    (before,) = KeyRing.open(place.key_file)
    new = rotate(place.key_file)
    ledger.append([record("b")])
    ledger.close()
    kinds = [(1, "disclosure", before.id), (2, "rotation", before.id), (3, "disclosure", new.id)]
    assert rows(place, "sequence, kind, key") == kinds


def test_a_rotation_meanwhile_is_no_rotation_back(place: LedgerPlace, record: MakeRecord) -> None:
    """Who waited for the file with the keys of before looks again."""
    slow, quick = Ledger(place), Ledger(place)
    slow.append([record("a")])
    new = rotate(place.key_file)
    quick.append([record("b")])
    found = Path(place.key_file).stat()
    slow._ring_state = (found.st_ino, found.st_size, found.st_mtime_ns)
    slow.append([record("c")])
    slow.close()
    quick.close()
    assert [kind for kind, _ in rows(place, "kind, key")].count("rotation") == 1
    assert rows(place, "key")[-1] == (new.id,)


def test_a_key_that_is_away_is_not_replaced(place: LedgerPlace, record: MakeRecord) -> None:
    """Records under another one could not be proved once it is back."""
    running = Ledger(place)
    running.append([record("a")])
    Path(place.key_file).rename(f"{place.key_file}.away")
    running.append([record("b")])
    with pytest.raises(EvidenceError, match="the key of the evidence cannot be read"):
        Ledger(place).append([record("c")])
    Path(f"{place.key_file}.away").rename(place.key_file)
    running.append([record("d")])
    running.close()
    assert len(set(rows(place, "key"))) == 1
    assert len(rows(place)) == 3


def test_a_ledger_that_was_moved_while_it_is_written_keeps_what_it_has(
    place: LedgerPlace, record: MakeRecord
) -> None:
    """What is only in the -wal yet is part of it."""
    first, second = Ledger(place), Ledger(place)
    first.append([record("a")])
    second.append([record("b")])
    Path(place.file).rename(f"{place.file}.old")
    second.append([record("c")])
    first.append([record("d")])
    (wal,) = Path(place.file).parent.glob("*.moved-*-wal")
    wal.rename(f"{place.file}.old-wal")
    first.close()
    second.close()
    assert [id_ for _, id_ in rows(place)] == ["c", "d"]
    assert [id_ for _, id_ in rows(place._replace(file=f"{place.file}.old"))] == ["a", "b"]


def test_a_ledger_that_was_replaced_is_written_where_it_is_now(
    place: LedgerPlace, record: MakeRecord
) -> None:
    ledger = Ledger(place)
    ledger.append([record("a")])
    Path(place.file).rename(Path(place.file).with_suffix(".moved"))
    for beside in ("-wal", "-shm"):
        Path(place.file + beside).unlink()
    ledger.append([record("b")])
    ledger.close()
    assert rows(place) == [(1, "b")]


def test_what_cannot_be_written_is_said_and_tried_again(
    place: LedgerPlace, record: MakeRecord
) -> None:
    ledger = Ledger(place)
    Path(place.file).mkdir(parents=True)
    with pytest.raises(EvidenceError, match=r"evidence\.sqlite: records are not written: .*room"):
        ledger.append([record("a")])
    with pytest.raises(EvidenceError, match="records cannot be written"):
        ledger.try_out()
    Path(place.file).rmdir()
    ledger.append([record("b")])
    ledger.close()
    assert rows(place) == [(1, "b")]


def test_a_full_disk_costs_no_record_that_was_kept(place: LedgerPlace, record: MakeRecord) -> None:
    """A limit on the size of files stands for the disk."""
    write(place, [record("a")])
    script = f"""if True:
        import resource, signal, pickle, sys
        from callcentre_disclosure.config.place import LedgerPlace
        from callcentre_disclosure.errors import EvidenceError
        from callcentre_disclosure.evidence.ledger import Ledger
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        ledger = Ledger(LedgerPlace({place.file!r}, {place.key_file!r}))
        record, kept = pickle.load(sys.stdin.buffer), 0
        try:
            while True:
                ledger.append([record])
                kept += 1
        except EvidenceError as problem:
            print(kept)
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=pickle.dumps(record("b")),
        capture_output=True,
        check=True,
    )
    write(place, [record("c")])
    kept = int(done.stdout)
    assert kept > 2
    assert [sequence for sequence, _ in rows(place)] == list(range(1, kept + 3))


def test_a_full_disk_is_known_before_the_next_record(
    place: LedgerPlace, record: MakeRecord
) -> None:
    write(place, [record("a")])
    script = f"""if True:
        import resource, signal
        from callcentre_disclosure.config.place import LedgerPlace
        from callcentre_disclosure.errors import EvidenceError
        from callcentre_disclosure.evidence.ledger import Ledger
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        try:
            Ledger(LedgerPlace({place.file!r}, {place.key_file!r})).try_out()
        except EvidenceError as problem:
            print(problem)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert b"records cannot be written" in done.stdout


def test_a_ledger_of_a_newer_version_is_not_written(place: LedgerPlace, record: MakeRecord) -> None:
    write(place, [record("a")])
    with closing(sqlite3.connect(place.file)) as database:
        database.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    with pytest.raises(EvidenceError, match="a newer version of callcentre-disclosure"):
        write(place, [record("b")])
