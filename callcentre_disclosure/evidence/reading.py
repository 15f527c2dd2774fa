"""Looking things up in a ledger, wherever it is."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Protocol

from callcentre_disclosure.config.model import EvidenceEntry
from callcentre_disclosure.errors import EvidenceError

from .chain import Entry
from .document import as_column
from .postgresql import PostgresqlStore
from .schema import COLUMNS, LINK
from .sqlite import SqliteStore

#: A statement may have so many values in every SQLite, and more.
_IDS_AT_ONCE = 500
_REMEDY = "run `callcentre-disclosure evidence verify`"


class Store(Protocol):
    """What holds entries: the tables of ``schema``."""

    def read(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a statement selects, with ``?`` for each of the values. Raises
        ``EvidenceError``."""

    def snapshot(self, *, whatever: bool = False) -> AbstractContextManager[None]:
        """Inside of it everything is read as it was when it began; on demand also ``whatever`` is
        in place of a text."""

    def oddities(self) -> Iterator[str]:
        """What is not as we have made it around the entries: tables, indexes, triggers."""

    def close(self) -> None:
        """Let go of it."""


@contextmanager
def opened(entry: EvidenceEntry) -> Iterator[Store]:
    """The ledger of a configuration: the PostgreSQL of all machines, or the file of this one.
    Raises ``EvidenceError`` where there is none yet."""
    store: Store
    if entry.url:
        store = PostgresqlStore(entry.url)
    elif entry.file.exists():
        store = SqliteStore(entry.file)
    else:
        raise EvidenceError(
            "there is no evidence yet",
            where=str(entry.file),
            remedy="announce a call, or name the file of the ledger under `evidence:`",
        )
    try:
        yield store
    finally:
        store.close()


@dataclass(frozen=True, slots=True)
class Search:
    """Which disclosures are wanted: all that fit everything that is given.

    ``id`` is a disclosure's, ``call`` a unique or linked id of Asterisk, ``calls`` what all records
    of one call share, of several calls, ``consumer`` every pseudonym of a number
    (``KeyRing.pseudonyms``). ``since`` and ``before`` are moments in UTC as ``document.utc`` writes
    them, ``country`` one of those that the call was, or may have been, answered in.
    """

    id: str | None = None
    call: str | None = None
    calls: Sequence[str] = ()
    consumer: Sequence[str] = ()
    since: str | None = None
    before: str | None = None
    route: str | None = None
    queue: str | None = None
    outcome: str | None = None
    country: str | None = None


def find(
    store: Store, search: Search, newest: int | None = None
) -> Generator[tuple[Entry, dict[str, Any]], None, None]:
    """The disclosures that are wanted and still there, in the order of time, each with its
    document; only so many of the ``newest``, where that is said. Raises ``EvidenceError``."""
    for row in _rows(store, LINK, search, newest):
        entry = Entry(*row)
        yield entry, _read(entry)


def kept(store: Store, search: Search) -> Iterator[tuple[Entry, tuple[Any, ...]]]:
    """The same, whatever has become of them, each with its values of ``COLUMNS``: what it was found
    by."""
    for row in _rows(store, (*LINK, *COLUMNS), search, None):
        yield Entry(*row[: len(LINK)]), tuple(row[len(LINK) :])


class Glance(NamedTuple):
    """What the columns tell of a disclosure; nothing proves them."""

    call: str
    id: str
    at: str
    outcome: str


@contextmanager
def documents(store: Store, search: Search) -> Iterator[Iterator[dict[str, Any]]]:
    """The documents alone. Inside of it, one that is read and was not written by us is said to be
    ``changed``. Raises ``EvidenceError``."""
    entry: Entry | None = None

    def each(found: Iterable[tuple[Entry, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        nonlocal entry
        for entry, document in found:  # noqa: B007
            yield document

    with closing(find(store, search)) as found:
        try:
            yield each(found)
        except UNREADABLE as problem:
            if entry is None:
                raise
            raise changed(entry) from problem


def of_calls(
    store: Store, ids: Iterable[str]
) -> Generator[tuple[Entry, dict[str, Any]], None, None]:
    """The disclosures of calls by their unique or linked ids, each once, in no order. Raises
    ``EvidenceError``."""
    coming = iter(sorted(set(map(as_column, ids))))
    seen: set[tuple[str, int]] = set()
    while some := list(islice(coming, _IDS_AT_ONCE)):
        among = f"IN ({', '.join('?' * len(some))})"
        for name in ("call", "unique_id"):
            for row in store.read(f"{_select(LINK)} AND {name} {among}", some):
                entry = Entry(*row)
                if (place := (entry.writer, entry.sequence)) not in seen:
                    seen.add(place)
                    yield entry, _read(entry)


def ids_of(
    store: Store, since: str | None = None, before: str | None = None
) -> Iterator[tuple[str, str]]:
    """The linked and the unique id of each disclosure of some time. Raises ``EvidenceError``."""
    condition, values = _condition(Search(since=since, before=before))
    yield from store.read(f"{_select(('call', 'unique_id'))}{condition}", values)


def glance(store: Store, search: Search, newest: int) -> list[Glance]:
    """At most so many of the ``newest`` disclosures that are wanted, in the order of time. Raises
    ``EvidenceError``."""
    found = [Glance(*row) for row in _rows(store, Glance._fields, search, newest)]
    if not all(one.call for one in found):
        raise EvidenceError("a record is not filed as it was written", remedy=_REMEDY)
    return found


def _read(entry: Entry) -> dict[str, Any]:
    assert entry.document is not None
    try:
        document: dict[str, Any] = json.loads(entry.document)
    except UNREADABLE as problem:
        raise changed(entry) from problem
    return document


def _select(names: Sequence[str]) -> str:
    return (
        f"SELECT {', '.join(names)} FROM entries"  # noqa: S608
        " WHERE kind = 'disclosure' AND document IS NOT NULL"
    )


def _rows(
    store: Store, names: Sequence[str], search: Search, newest: int | None
) -> Iterable[tuple[Any, ...]]:
    condition, values = _condition(search)
    statement = f"{_select(names)}{condition}"
    if newest is None:
        return store.read(f"{statement} ORDER BY at, writer, sequence", values)
    backwards = f"{statement} ORDER BY at DESC, writer DESC, sequence DESC LIMIT {newest:d}"
    newest_first = list(store.read(backwards, values))
    return newest_first[::-1]


#: What comes of a document that is read and was not written by us.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, RecursionError)


def changed(entry: Entry) -> EvidenceError:
    """What to say of an entry whose document is ``UNREADABLE``."""
    return EvidenceError(
        f"entry {entry.sequence} of {entry.writer} is not what was written there",
        remedy=_REMEDY,
    )


def purged(store: Store) -> tuple[int, str]:
    """How many disclosures are no longer there, and the last day that one of them was kept for,
    in ISO 8601. Raises ``EvidenceError``."""
    statement = "SELECT count(*), max(keep_until) FROM entries WHERE id IS NULL AND kind = ?"
    ((count, day),) = store.read(statement, ["disclosure"])
    return int(count), day or ""


def _condition(search: Search) -> tuple[str, list[str]]:
    condition, values = "", []
    for name in ("id", "route", "queue", "outcome"):
        if value := getattr(search, name):
            condition += f" AND {name} = ?"
            values.append(value)
    if search.call:
        condition += " AND (call = ? OR unique_id = ?)"
        values += [search.call, search.call]
    for name, several in (("call", search.calls), ("consumer", search.consumer)):
        if several:
            condition += f" AND {name} IN ({', '.join('?' * len(several))})"
            values += several
    condition += " AND at >= ?"  # ever, too: without it SQLite sorts a whole ledger for its newest
    values.append(search.since or "")
    if search.before:
        condition += " AND at < ?"
        values.append(search.before)
    if search.country:
        condition += " AND ',' || countries || ',' LIKE ?"
        values.append(f"%,{search.country},%")
    return condition, list(map(as_column, values))
