"""Disclosures as files, and what other programs find in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any

import pytest
from pyarrow import parquet

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.chain import Entry
from callcentre_disclosure.evidence.export import COLUMNS, Format, write
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.reading import Search, find
from callcentre_disclosure.evidence.sqlite import SqliteStore

from .told_calls import CALL, change, chosen, cut, keep, ordinary, told, unresolved


def exported(place: LedgerPlace, wanted: Format) -> bytes:
    file, store = io.BytesIO(), SqliteStore(place.file)
    try:
        with closing(find(store, Search())) as found:
            write(file, wanted, found)
    finally:
        store.close()
    return file.getvalue()


def sheet(place: LedgerPlace) -> list[dict[str, str]]:
    text = exported(place, Format.CSV).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def test_a_sheet_has_a_row_for_each_record(place: LedgerPlace) -> None:
    keep(place, [*chosen(), *unresolved()])
    first, third, second, _ = sheet(place)  # in the order of time
    assert (first["id"], first["outcome"], first["countries"]) == ("id-1", "DISCLOSED", "MA,TN")
    assert (first["played_ms"], first["length_ms"]) == ("3700", "3700")
    assert (first["offered_queue"], first["pressed"]) == ("eu", "1")
    assert (
        first["text"]
        == "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
    )
    assert (second["agent"], second["waited_ms"]) == ("PJSIP/301", "43000")
    assert (third["text"], third["told_at"], third["asked"]) == ("", "", "yes")
    assert third["dialled_number"] == "+4930123456"


def test_a_cell_is_no_formula(place: LedgerPlace) -> None:
    keep(
        place,
        [told("id-1", replace(CALL, queue="=HYPERLINK(1)", channel="@SUM", agent="-x\udce9"))],
    )
    (row,) = sheet(place)
    assert (row["queue"], row["channel"]) == ("'=HYPERLINK(1)", "'@SUM")
    assert row["agent"] == "'-x?"


def test_json_lines_prove_themselves(place: LedgerPlace) -> None:
    keep(place, ordinary())
    ring = KeyRing.open(place.key_file)
    for line in exported(place, Format.JSONL).decode().splitlines():
        fields: dict[str, Any] = json.loads(line)
        text = line.split(',"document":', 1)[1].removesuffix("}")
        assert fields["digest"] == sha256(text.encode()).hexdigest()
        assert Entry(**{**fields, "document": text}).is_sealed_by(ring.current)
        assert fields["document"]["outcome"] == "DISCLOSED"


def test_parquet_has_the_same_columns_in_their_types(place: LedgerPlace) -> None:
    keep(place, [*chosen(), cut(), told("id-9", replace(CALL, queue="Ren\udce9"))])
    table = parquet.read_table(io.BytesIO(exported(place, Format.PARQUET)))
    rows = table.to_pylist()
    assert table.column_names[: len(COLUMNS)] == [column.name for column in COLUMNS]
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
    assert rows[0]["received_at"] == moment
    assert rows[0]["played_ms"] == 3700
    assert rows[0]["asked"] is True
    assert (rows[-1]["chosen_at"], rows[-1]["outcome"]) == (None, "DISCLOSED")
    assert {row["queue"] for row in rows} == {"support", "Ren?", "eu"}


def test_parquet_says_what_it_needs(place: LedgerPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    keep(place, [cut()])
    with pytest.raises(EvidenceError, match=r"needs pyarrow; pip install '.*\[parquet\]'"):
        exported(place, Format.PARQUET)


@pytest.mark.parametrize("wanted", list(Format))
@pytest.mark.parametrize("document", ['{"id":1}', "no JSON"])
def test_what_was_edited_into_nonsense_is_named(
    place: LedgerPlace, wanted: Format, document: str
) -> None:
    keep(place, ordinary())
    change(place, "UPDATE entries SET document = ? WHERE sequence = 2", [document])
    if wanted is Format.JSONL and document.startswith("{"):
        assert b'"document":{"id":1}}' in exported(place, wanted)
        return
    with pytest.raises(EvidenceError, match=r"entry 2 of .* is not what was written there"):
        exported(place, wanted)


def test_no_more_is_read_than_is_written(place: LedgerPlace) -> None:
    """A ledger may be larger than the memory."""
    keep(place, ordinary())
    store = SqliteStore(place.file)
    ((entry, document), *_) = find(store, Search())
    store.close()
    taken = 0

    def found() -> Iterator[tuple[Entry, dict[str, Any]]]:
        nonlocal taken
        for taken in range(1, 50_001):  # noqa: B007
            yield entry, document

    class Disk(io.RawIOBase):
        written = 0

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.written += len(data)
            assert self.written > (taken - 1000) * 500, "rows are piling up"
            return len(data)

    for wanted in (Format.CSV, Format.JSONL):
        disk = Disk()
        assert write(io.BufferedWriter(disk), wanted, found()) == 50_000
