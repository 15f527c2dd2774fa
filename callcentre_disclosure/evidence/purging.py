"""Removing what has been kept long enough, so that the chain still holds.

Of an entry its place, digest and seal stay; the document and its columns go. An entry of the same
ledger says what was purged and when, so that nobody else can make a record disappear this way.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import date

from .chain import Content
from .forwarding import forward
from .keys import KeyRing
from .postgresql import PostgresqlStore
from .reading import Store
from .schema import COLUMNS
from .sqlite import SqliteStore

_DUE = (
    "SELECT writer, sequence FROM entries WHERE kind = 'disclosure' AND document IS NOT NULL"
    " AND keep_until < ? ORDER BY writer, sequence"
)
_EMPTY = ", ".join(f"{name} = NULL" for name in ("document", *COLUMNS))
_PURGE = (
    f"UPDATE entries SET {_EMPTY} WHERE writer = ? AND sequence BETWEEN ? AND ?"  # noqa: S608
    " AND kind = 'disclosure' AND keep_until < ?"
)
#: Ranges in one note.
_AT_ONCE = 10_000
#: Entries in one transaction of a file, which nobody else writes meanwhile.
_STEP = 500

Range = tuple[str, int, int]


def due(ledger: Store, today: date) -> list[Range]:
    """What was to be kept until a day before today: chain, first and last entry."""
    return list(
        _ranges((str(writer), int(n)) for writer, n in ledger.read(_DUE, [today.isoformat()]))
    )


def purge(
    ranges: list[Range],
    today: date,
    ring: KeyRing,
    file: SqliteStore,
    ledger: PostgresqlStore | None,
) -> bool:
    """Purge these from the file, or from the ledger beyond it; returns whether nothing is left of
    them there. Raises ``EvidenceError``.

    The note is durable before the first record goes. Calls go on meanwhile, and their records are
    written: each step is short, and leaves as long to them.
    """
    day = today.isoformat()
    for start in range(0, len(ranges), _AT_ONCE):
        some = ranges[start : start + _AT_ONCE]
        note = json.dumps({"day": day, "purged": some}, separators=(",", ":"))
        file.extend(ring, [(Content("purge", note), (None,) * len(COLUMNS))])
        if ledger:
            while forward(file, ring, ledger):
                pass
            for one in some:
                ledger.change(_PURGE, (*one, day))
        else:
            for step in _steps(some):
                began = time.monotonic()
                with file.transaction("records are not purged") as database:
                    database.execute("PRAGMA secure_delete=ON")
                    database.executemany(_PURGE, [(*one, day) for one in step])
                time.sleep(time.monotonic() - began)
    return ledger is not None or file.empty_wal()


def _steps(ranges: Iterable[Range]) -> Iterator[list[Range]]:
    """The same, some hundred entries at a time."""
    step: list[Range] = []
    room = _STEP
    for writer, first, last in ranges:
        while first <= last:
            upto = min(last, first + room - 1)
            step.append((writer, first, upto))
            room -= upto - first + 1
            first = upto + 1
            if not room:
                yield step
                step, room = [], _STEP
    if step:
        yield step


def _ranges(entries: Iterable[tuple[str, int]]) -> Iterator[Range]:
    begun: Range | None = None
    for writer, sequence in entries:
        if begun and (writer, sequence) == (begun[0], begun[2] + 1):
            begun = (writer, begun[1], sequence)
            continue
        if begun:
            yield begun
        begun = (writer, sequence, sequence)
    if begun:
        yield begun
