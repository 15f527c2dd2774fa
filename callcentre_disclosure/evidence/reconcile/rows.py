"""Rows of Asterisk's records, from wherever its modules write them.

A place is a file (CSV, JSON lines or SQLite, also with gzip) or the URL of a PostgreSQL database;
``#table`` behind it names a table. Rows come in the order in which they were written, one at a
time, as a mapping from lower-case column names.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from gzip import GzipFile
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.document import made_at

Row = Mapping[str, Any]
#: The names of the columns of a CSV file, told by one of its rows; None where it is none of ours.
Layout = Callable[[Sequence[str]], Sequence[str] | None]

#: What to do where records are not in a form that is known.
HOW_TO_LOG = f"log as {shipped('docs') / 'evidence.md'} shows"
NAME_OR_LOG = f"name the columns, in their order (--columns), or {HOW_TO_LOG}"

_SQLITE, _GZIP = b"SQLite format 3\0", b"\x1f\x8b"
_AT_ONCE = 5_000
_SINCE_1970 = re.compile(r"[0-9]{9,11}(\.[0-9]*)?")
_FAR = 1e11  # seconds, in the year 5138
#: What PostgreSQL's catalogue calls these types (pg_type.dat).
_TIMESTAMP, _TIMESTAMPTZ = 1114, 1184
_NUMBERS = (20, 21, 23)


class Broken:
    """Lines that were cut when Asterisk or its machine crashed, or a disk was full: ``found`` tells
    where they are. Each is between two that can be read; of several in succession it is the form
    that is not known."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._was_read = False

    def none(self) -> None:
        """This one could be read."""
        self._was_read = True

    def one(self, problem: EvidenceError) -> None:
        """This one could not. Raises the problem, unless it is a single one."""
        if not self._was_read:
            raise problem
        self._was_read = False
        self.found.append(problem.where)


@dataclass(frozen=True, slots=True)
class Reading:
    """How records are read: the ``columns`` of a CSV file in a form of its own, the ``zone`` of
    times that name none (None: that of this machine), and the time that is of interest, of which a
    database need not give more. ``broken`` takes note of what cannot be read."""

    columns: Sequence[str] = ()
    zone: timezone | None = None
    since: datetime | None = None
    before: datetime | None = None
    broken: Broken = field(default_factory=Broken)


def is_url(place: str) -> bool:
    return place.startswith(("postgresql://", "postgres://"))


def columns_of(text: str) -> tuple[str, ...]:
    """The names of columns, with spaces between them."""
    return tuple(text.split())


def rows(
    place: str, table: str, layout: Layout, times: Sequence[str], reading: Reading
) -> Iterator[Row]:
    """The rows of a place.

    ``table`` is read where the place names none, of PostgreSQL by its numbers ``id`` or else by
    those of ``times`` that it has: the same time comes twice where clocks are set back. Raises
    ``EvidenceError`` where it cannot be read.
    """
    where, _, named = place.partition("#")
    if is_url(place):
        yield from _postgresql(where, named or table, times, reading)
        return
    path = Path(where)
    try:
        with path.open("rb") as file:
            magic = file.read(16)
        if magic == _SQLITE:
            yield from _sqlite(path, named or table)
        else:
            with _text(path, zipped=magic.startswith(_GZIP)) as text:
                yield from _lines(path, text, layout, reading.broken)
    except (OSError, sqlite3.Error, csv.Error, EOFError, zlib.error, ValueError) as problem:
        raise _unreadable(where, problem) from problem


def lines(place: str) -> Iterator[str]:
    """The lines of a text file. Raises ``EvidenceError`` where it cannot be read."""
    path = Path(place)
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP
        with _text(path, zipped=zipped) as text:
            yield from _whole(text)
    except (OSError, EOFError, zlib.error) as problem:
        raise _unreadable(place, problem) from problem


def _unreadable(where: str, problem: Exception) -> EvidenceError:
    why = problem.strerror if isinstance(problem, OSError) and problem.strerror else problem
    is_there = not isinstance(problem, OSError)
    remedy = HOW_TO_LOG if is_there else "name Asterisk's records, and let this user read them"
    return EvidenceError(f"cannot be read: {why}", where=where, remedy=remedy)


def moment(value: Any, zone: timezone | None, unique_id: str = "") -> datetime:
    """A time as Asterisk writes it: seconds since 1970 (with a fraction), or a date and a time, in
    this ``zone`` (None: that of this machine) where it names none. In the hour that comes twice,
    when clocks are set back, it is not before the channel was made. Raises ``ValueError``."""
    if isinstance(value, datetime):
        told = value
    elif isinstance(value, (int, float)):
        return datetime.fromtimestamp(min(value, _FAR), timezone.utc)
    else:
        text = str(value).strip()
        if _SINCE_1970.fullmatch(text):
            seconds, _, fraction = text.partition(".")
            whole = datetime.fromtimestamp(int(seconds), timezone.utc)
            return whole.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else whole
        told = datetime.fromisoformat(_iso(text))
    if told.tzinfo is None:
        told = told.replace(tzinfo=zone) if zone else _local(told, unique_id)
    return told.astimezone(timezone.utc)


def _local(told: datetime, unique_id: str) -> datetime:
    first, second = told.astimezone(), told.replace(fold=1).astimezone()
    if first < second and (made := made_at(unique_id)) and first < made:
        return second
    return first


def _iso(text: str) -> str:
    """``%F %T.%q%z`` as ``datetime.fromisoformat`` of Python 3.10 takes it."""
    day, time, rest = text[:10], text[11:19], text[19:].replace("Z", "+00:00")
    fraction, sign = "", next((sign for sign in "+-" if sign in rest), "")
    if rest.startswith("."):
        fraction = rest[1:].partition(sign)[0] if sign else rest[1:]
        fraction = "." + fraction[:6].ljust(6, "0")
    offset = rest.partition(sign)[2].replace(":", "").strip() if sign else ""
    zone = f"{sign}{offset[:2]}:{offset[2:4] or '00'}" if offset else ""
    return f"{day}T{time}{fraction}{zone}"


def _text(path: Path, *, zipped: bool) -> IO[str]:
    how: dict[str, Any] = {"encoding": "utf-8", "errors": "replace", "newline": ""}
    if zipped:
        return TextIOWrapper(GzipFile(path), **how)
    text: IO[str] = path.open(**how)
    return text


def _lines(path: Path, text: IO[str], layout: Layout, broken: Broken) -> Iterator[Row]:
    first = text.readline()
    text.seek(0)
    if first.startswith("{"):
        for number, line in enumerate(_whole(text), 1):
            if (row := _object(line)) is None:
                broken.one(EvidenceError("a line is no JSON object", where=f"{path}:{number}"))
            else:
                yield row
        return
    names: Sequence[str] | None = None
    reader = csv.reader(_whole(text))
    for fields in reader:
        if not fields:
            continue
        if names is None or len(names) != len(fields):
            names = layout(fields)
        if names is None:
            what = f"a row of {len(fields)} columns is in none of the forms that are known"
            where = f"{path}:{reader.line_num}"
            broken.one(EvidenceError(what, where=where, remedy=NAME_OR_LOG))
            continue
        yield dict(zip(names, fields, strict=True))


def _object(line: str) -> Row | None:
    try:
        return {name.lower(): value for name, value in json.loads(line).items()}
    except (ValueError, AttributeError, RecursionError):
        return None


def _whole(text: Iterable[str]) -> Iterator[str]:
    """The lines, of which the last may still be on its way; a crash leaves NULs."""
    return (line.replace("\0", "") for line in text if line.endswith("\n"))


def _sqlite(path: Path, table: str) -> Iterator[Row]:
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database:
        # As it was written; the names cannot be parameters.
        found = database.execute(f"SELECT * FROM {_quoted(table)} ORDER BY rowid")  # noqa: S608
        names = [str(column[0]).lower() for column in found.description]
        while many := found.fetchmany(_AT_ONCE):
            for one in many:
                yield dict(zip(names, one, strict=True))


def _postgresql(url: str, table: str, times: Sequence[str], reading: Reading) -> Iterator[Row]:
    try:
        import psycopg
    except ImportError as problem:
        raise EvidenceError(
            "needs psycopg", where=table, remedy="pip install 'callcentre-disclosure[postgresql]'"
        ) from problem
    try:
        with psycopg.connect(url) as database:
            name = ".".join(map(_quoted, table.split(".")))
            columns = database.execute(f"SELECT * FROM {name} LIMIT 0")  # noqa: S608
            kinds = {str(column.name): column.type_code for column in columns.description or ()}
            by = [column for column in times if column in kinds]
            condition, values = _between(by[0], kinds[by[0]], reading) if by else ("", [])
            by = ["id"] if kinds.get("id") in _NUMBERS else by
            query = f"SELECT * FROM {name}{condition}"  # noqa: S608
            if by:
                query += " ORDER BY " + ", ".join(map(_quoted, by))
            with database.cursor("reconcile") as cursor:
                cursor.itersize = _AT_ONCE
                cursor.execute(query, values)
                names = [str(column.name).lower() for column in cursor.description or ()]
                for one in cursor:
                    yield dict(zip(names, one, strict=True))
    except psycopg.Error as problem:
        # The URL may hold a password.
        raise EvidenceError(
            f"cannot be read: {str(problem).strip()}", where=f"PostgreSQL, table {table}"
        ) from problem


def _between(column: str, kind: int, reading: Reading) -> tuple[str, list[datetime]]:
    """The condition for the time of interest, where the column is a time."""
    if kind not in (_TIMESTAMP, _TIMESTAMPTZ):
        return "", []
    conditions, values = [], []
    for sign, limit in ((">=", reading.since), ("<", reading.before)):
        if limit is not None:
            aware = limit.astimezone(reading.zone)
            values.append(aware if kind == _TIMESTAMPTZ else aware.replace(tzinfo=None))
            conditions.append(f"{_quoted(column)} {sign} %s")
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
