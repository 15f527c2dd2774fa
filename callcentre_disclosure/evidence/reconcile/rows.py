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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from gzip import GzipFile
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

from callcentre_disclosure.errors import EvidenceError

Row = Mapping[str, Any]
#: The names of the columns of a CSV file, told by one of its rows; None where it is none of ours.
Layout = Callable[[Sequence[str]], Sequence[str] | None]

_SQLITE, _GZIP = b"SQLite format 3\0", b"\x1f\x8b"
_AT_ONCE = 5_000
_SINCE_1970 = re.compile(r"[0-9]{9,11}(\.[0-9]*)?")
_FAR = 1e11  # seconds, in the year 5138
#: What PostgreSQL's catalogue calls these types (pg_type.dat).
_TIMESTAMP, _TIMESTAMPTZ = 1114, 1184


@dataclass(frozen=True, slots=True)
class Reading:
    """How records are read: the ``columns`` of a CSV file in a form of its own, the ``zone`` of
    times that name none (None: that of this machine), and the time that is of interest, of which a
    database need not give more."""

    columns: Sequence[str] = ()
    zone: timezone | None = None
    since: datetime | None = None
    before: datetime | None = None


#: As Asterisk's sample configuration has it, all of it.
SAMPLED = Reading()


def is_url(place: str) -> bool:
    return place.startswith(("postgresql://", "postgres://"))


def columns_of(text: str) -> tuple[str, ...]:
    """The names of columns, with spaces between them."""
    return tuple(text.split())


def rows(
    place: str, table: str, layout: Layout, order: Sequence[str], reading: Reading
) -> Iterator[Row]:
    """The rows of a place.

    ``table`` is read where the place names none, of PostgreSQL by those columns of ``order`` that
    it has, of which the first is a time. Raises ``EvidenceError`` where it cannot be read.
    """
    where, _, named = place.partition("#")
    if is_url(place):
        yield from _postgresql(where, named or table, order, reading)
        return
    path = Path(where)
    try:
        with path.open("rb") as file:
            magic = file.read(16)
        if magic == _SQLITE:
            yield from _sqlite(path, named or table)
        else:
            with _text(path, zipped=magic.startswith(_GZIP)) as text:
                yield from _lines(path, text, layout)
    except (OSError, sqlite3.Error, csv.Error, EOFError, zlib.error, ValueError) as problem:
        raise EvidenceError(
            f"cannot be read: {problem}", where=where, remedy="see docs/evidence.md"
        ) from problem


def lines(place: str) -> Iterator[str]:
    """The lines of a text file. Raises ``EvidenceError`` where it cannot be read."""
    path = Path(place)
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP
        with _text(path, zipped=zipped) as text:
            yield from text
    except (OSError, EOFError, zlib.error) as problem:
        raise EvidenceError(f"cannot be read: {problem}", where=place) from problem


def moment(value: Any, zone: timezone | None) -> datetime:
    """A time as Asterisk writes it: seconds since 1970 (with a fraction), or a date and a time, in
    this ``zone`` (None: that of this machine) where it names none. Raises ``ValueError``."""
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
        told = told.replace(tzinfo=zone) if zone else told.astimezone()
    return told.astimezone(timezone.utc)


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


def _lines(path: Path, text: IO[str], layout: Layout) -> Iterator[Row]:
    first = text.readline()
    text.seek(0)
    if first.startswith("{"):
        for line in _whole(text):
            yield _object(line)
        return
    names: Sequence[str] | None = None
    for fields in csv.reader(_whole(text)):
        if not fields:
            continue
        if names is None or len(names) != len(fields):
            names = layout(fields)
        if names is None:
            raise EvidenceError(
                f"a row of {len(fields)} columns is in none of the forms that are known",
                where=str(path),
                remedy="name the columns, in their order (--columns), or log as "
                "docs/evidence.md shows",
            )
        yield dict(zip(names, fields, strict=True))


def _object(line: str) -> Row:
    try:
        return {name.lower(): value for name, value in json.loads(line).items()}
    except (AttributeError, RecursionError) as problem:
        raise ValueError("a line is no JSON object") from problem


def _whole(text: IO[str]) -> Iterator[str]:
    """The lines, of which the last may still be on its way."""
    return (line for line in text if line.endswith("\n"))


def _sqlite(path: Path, table: str) -> Iterator[Row]:
    address = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database:
        # As it was written; the names cannot be parameters.
        found = database.execute(f"SELECT * FROM {_quoted(table)} ORDER BY rowid")  # noqa: S608
        names = [str(column[0]).lower() for column in found.description]
        while many := found.fetchmany(_AT_ONCE):
            for one in many:
                yield dict(zip(names, one, strict=True))


def _postgresql(url: str, table: str, order: Sequence[str], reading: Reading) -> Iterator[Row]:
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
            by = [column for column in order if column in kinds]
            condition, values = _between(by[0], kinds[by[0]], reading) if by else ("", [])
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
