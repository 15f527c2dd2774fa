"""Looking things up in a ledger, wherever it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from callcentre_disclosure.config.model import EvidenceEntry
from callcentre_disclosure.errors import EvidenceError

from .chain import Entry
from .keys import KeyRing
from .postgresql import PostgresqlStore
from .schema import LINK
from .sqlite import SqliteStore


class Store(Protocol):
    """What holds entries: the tables of ``schema``."""

    def read(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a statement selects, with ``?`` for each of the values. Raises
        ``EvidenceError``."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Inside of it everything is read as it was when it began."""

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

    ``id`` is a disclosure's, ``call`` a unique or linked id of Asterisk, ``consumer`` every
    pseudonym of a number (``KeyRing.pseudonyms``). ``since`` and ``before`` are moments in UTC as
    ``document.utc`` writes them, ``country`` one of those that the call was, or may have been,
    answered in.
    """

    id: str | None = None
    call: str | None = None
    consumer: Sequence[str] = ()
    since: str | None = None
    before: str | None = None
    route: str | None = None
    queue: str | None = None
    outcome: str | None = None
    country: str | None = None


def find(
    store: Store, search: Search, newest: int | None = None
) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """The disclosures that are wanted and still there, in the order of time, each with its
    document; only so many of the ``newest``, where that is said. Raises ``EvidenceError``."""
    condition, values = _condition(search)
    statement = (
        f"SELECT {', '.join(LINK)} FROM entries"  # noqa: S608
        f" WHERE kind = 'disclosure' AND document IS NOT NULL{condition}"
    )
    if newest is None:
        rows = store.read(f"{statement} ORDER BY at, writer, sequence", values)
    else:
        backwards = f"{statement} ORDER BY at DESC, writer DESC, sequence DESC LIMIT {newest:d}"
        rows = reversed(list(store.read(backwards, values)))
    for row in rows:
        entry = Entry(*row)
        assert entry.document is not None
        try:
            document = json.loads(entry.document)
        except ValueError as problem:
            raise EvidenceError(
                f"entry {entry.sequence} of {entry.writer} is not what was written there",
                remedy="run `callcentre-disclosure evidence verify`",
            ) from problem
        yield entry, document


def purged(store: Store) -> tuple[int, str]:
    """How many disclosures are no longer there, and the last day that one of them was kept for,
    in ISO 8601. Raises ``EvidenceError``."""
    statement = "SELECT count(*), max(keep_until) FROM entries WHERE id IS NULL AND kind = ?"
    ((count, day),) = store.read(statement, ["disclosure"])
    return int(count), day or ""


def known_keys(entry: EvidenceEntry) -> KeyRing:
    """The keys of a configuration, which are not made here: a new one would prove nothing. Raises
    ``EvidenceError``."""
    if not entry.keys.exists():
        raise EvidenceError(
            "the key of the evidence is not here",
            where=str(entry.keys),
            remedy="restore it: without it nothing can be proved, and no number found",
        )
    return KeyRing.open(entry.keys)


def _condition(search: Search) -> tuple[str, list[str]]:
    condition, values = "", []
    for name in ("id", "route", "queue", "outcome"):
        if value := getattr(search, name):
            condition += f" AND {name} = ?"
            values.append(value)
    if search.call:
        condition += " AND (call = ? OR unique_id = ?)"
        values += [search.call, search.call]
    if search.consumer:
        condition += f" AND consumer IN ({', '.join('?' * len(search.consumer))})"
        values += search.consumer
    if search.since:
        condition += " AND at >= ?"
        values.append(search.since)
    if search.before:
        condition += " AND at < ?"
        values.append(search.before)
    if search.country:
        condition += " AND ',' || countries || ',' LIKE ?"
        values.append(f"%,{search.country},%")
    return condition, values
