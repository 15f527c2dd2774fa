"""Disclosures as files for other programs: CSV, JSON Lines, Parquet. One at a time, so that a
million needs no more memory than one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import IO, Any, NamedTuple

from callcentre_disclosure.errors import EvidenceError

from .chain import Entry
from .document import Document, telling
from .reading import UNREADABLE, changed
from .sheet import write_sheet

Found = Iterable[tuple[Entry, Document]]

#: How many rows Parquet keeps together.
_GROUP = 10_000


class Format(str, Enum):
    """What a file of disclosures is."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Kind(Enum):
    """What is in a column, as Parquet has types for it."""

    TEXT = "text"
    MOMENT = "moment"
    INTEGER = "integer"
    FLAG = "flag"


class Column(NamedTuple):
    """One column of CSV and Parquet: its name, what is in it, what that means."""

    name: str
    kind: Kind
    meaning: str
    of: Callable[[Document], Any]


def _same(name: str) -> Callable[[Document], Any]:
    return lambda document: document[name]


def _listed(name: str) -> Callable[[Document], str]:
    return lambda document: ",".join(document[name])


def _milliseconds(name: str) -> Callable[[Document], int | None]:
    return lambda document: _whole(document[name])


def _told(name: str) -> Callable[[Document], Any]:
    return lambda document: said[name] if (said := telling(document)) else None


def _told_milliseconds(name: str) -> Callable[[Document], int | None]:
    return lambda document: _whole(said[name]) if (said := telling(document)) else None


def _offered(name: str) -> Callable[[Document], Any]:
    return lambda document: document["offer"][name] if document["offer"] else None


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


#: Durations are in whole milliseconds: a spreadsheet makes a date of 3.20.
COLUMNS = (
    Column("id", Kind.TEXT, "DISCLOSURE_ID", _same("id")),
    Column("call", Kind.TEXT, "what all records of one call share", _same("call")),
    Column("unique_id", Kind.TEXT, "of the channel that was announced", _same("unique_id")),
    Column("received_at", Kind.MOMENT, "when the announcement was asked for", _same("received_at")),
    Column("zone", Kind.TEXT, "what that machine's clock was ahead of UTC", _same("zone")),
    Column("day", Kind.TEXT, "the day by that clock", _same("day")),
    Column("direction", Kind.TEXT, "inbound, outbound", _same("direction")),
    Column(
        "stage",
        Kind.TEXT,
        "possible: before an agent was sought; answered: once one had",
        _same("stage"),
    ),
    Column("outcome", Kind.TEXT, "DISCLOSED, PARTIAL, ...", _same("outcome")),
    Column("cause", Kind.TEXT, "why the caller was not told, or not exactly", _same("cause")),
    Column("countries", Kind.TEXT, "where it was, or might be, answered", _listed("countries")),
    Column("announced", Kind.TEXT, "the countries of the sentence begun", _listed("announced")),
    Column("told_at", Kind.MOMENT, "when that sentence came to its end", _same("told_at")),
    Column("language", Kind.TEXT, "that was spoken", _same("language")),
    Column("text", Kind.TEXT, "the sentence with the countries", _told("text")),
    Column("sound", Kind.TEXT, "the name of its sound", _told("sound")),
    Column("sha256", Kind.TEXT, "of that sound", _told("sha256")),
    Column("played_ms", Kind.INTEGER, "how far it was played", _told_milliseconds("played")),
    Column("length_ms", Kind.INTEGER, "how long it is", _told_milliseconds("seconds")),
    Column("consumer", Kind.TEXT, "the pseudonym of the consumer's number", _same("consumer")),
    Column("caller_number", Kind.TEXT, "who called", _same("caller_number")),
    Column("dialled_number", Kind.TEXT, "who was called", _same("dialled_number")),
    Column("route", Kind.TEXT, "the route of the number", _same("route")),
    Column("profile", Kind.TEXT, "the rule that was answered to", _same("profile")),
    Column("profile_version", Kind.TEXT, "as of which day", _same("profile_version")),
    Column("asked", Kind.FLAG, "whether it asked for the country", _same("asked")),
    Column("because", Kind.TEXT, "which part of it", _same("because")),
    Column("queue", Kind.TEXT, "the queue", _same("queue")),
    Column("agent", Kind.TEXT, "the interface of who answered", _same("agent")),
    Column("site", Kind.TEXT, "the site, where it is one", _same("site")),
    Column("sites", Kind.TEXT, "those that might answer", _listed("sites")),
    Column("basis", Kind.TEXT, "what told where: AGENT, QUEUE, ...", _same("basis")),
    Column("offered_queue", Kind.TEXT, "another agent was offered there", _offered("queue")),
    Column("offered_key", Kind.TEXT, "by this key", _offered("key")),
    Column("pressed", Kind.TEXT, "the key that was pressed", _offered("digit")),
    Column("chosen_at", Kind.MOMENT, "when, if it was that one", _offered("chosen_at")),
    Column(
        "waited_ms", Kind.INTEGER, "from the start until an agent answered", _milliseconds("waited")
    ),
    Column(
        "waited_since_choice_ms",
        Kind.INTEGER,
        "from the choice until an agent answered",
        _milliseconds("waited_since_choice"),
    ),
    Column("disposition", Kind.TEXT, "what Asterisk was told to do", _same("disposition")),
    Column("carried_out", Kind.FLAG, "whether that reached it", _same("carried_out")),
    Column("door", Kind.TEXT, "agi, fastagi, ari, pyst2", _same("door")),
    Column("asterisk", Kind.TEXT, "which Asterisk", _same("asterisk")),
    Column("channel", Kind.TEXT, "which channel", _same("channel")),
    Column("keep_until", Kind.TEXT, "the last day it must be there", _same("keep_until")),
)
#: Where in the chain it is, and the proof of it.
_LINK = ("writer", "sequence", "digest", "previous", "key", "seal")


def write(file: IO[bytes], wanted: Format, found: Found) -> int:
    """Write what was found; returns how much that was. Raises ``EvidenceError``."""
    count = 0

    def counted() -> Iterator[tuple[Entry, Document]]:
        nonlocal count
        for count, one in enumerate(found, 1):  # noqa: B007
            yield one

    writers: Mapping[Format, Callable[[IO[bytes], Found], None]] = {
        Format.CSV: _csv,
        Format.JSONL: _json_lines,
        Format.PARQUET: _parquet,
    }
    writers[wanted](file, counted())
    return count


def _csv(file: IO[bytes], found: Found) -> None:
    def rows() -> Iterator[list[Any]]:
        for entry, document in found:
            cells = _cells(entry, document)
            plain = [("no", "yes")[cell] if isinstance(cell, bool) else cell for cell in cells]
            yield [*plain, *(getattr(entry, name) for name in _LINK)]

    write_sheet(file, [*(column.name for column in COLUMNS), *_LINK], rows())


def _cells(entry: Entry, document: Document) -> list[Any]:
    try:
        return [column.of(document) for column in COLUMNS]
    except UNREADABLE as problem:
        raise changed(entry) from problem


def _json_lines(file: IO[bytes], found: Found) -> None:
    """Each entry with all its fields, the document letter for letter as it was sealed."""
    for entry, _ in found:
        fields = entry._asdict()
        document = (fields.pop("document") or "null").replace("\n", " ")
        line = f'{json.dumps(fields, separators=(",", ":"))[:-1]},"document":{document}}}\n'
        file.write(line.encode(errors="replace"))


def _parquet(file: IO[bytes], found: Found) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as missing:
        raise EvidenceError(
            f"Parquet needs {missing.name}", remedy="pip install 'callcentre-disclosure[parquet]'"
        ) from missing
    types = {
        Kind.TEXT: pyarrow.string(),
        Kind.MOMENT: pyarrow.timestamp("us", tz="UTC"),
        Kind.INTEGER: pyarrow.int64(),
        Kind.FLAG: pyarrow.bool_(),
    }
    fields = [
        pyarrow.field(column.name, types[column.kind], metadata={"meaning": column.meaning})
        for column in COLUMNS
    ]
    link = [
        pyarrow.field(name, types[Kind.INTEGER if name == "sequence" else Kind.TEXT])
        for name in _LINK
    ]
    schema = pyarrow.schema([*fields, *link])
    remaining = iter(found)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(remaining, _GROUP)):
            writer.write_table(pyarrow.Table.from_pylist(list(map(_typed, group)), schema))


def _typed(found: tuple[Entry, Document]) -> dict[str, Any]:
    entry, document = found
    cells = zip(COLUMNS, _cells(entry, document), strict=True)
    row = {column.name: _value(column.kind, cell) for column, cell in cells}
    return row | {name: getattr(entry, name) for name in _LINK}


def _value(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.MOMENT:
        return datetime.fromisoformat(value)
    # What Asterisk passes on of a caller may be no text.
    return value.encode(errors="replace").decode() if kind is Kind.TEXT else value
