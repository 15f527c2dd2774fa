"""The ledger of a machine: a SQLite file that any number of its processes write at once."""

# ruff: noqa: PTH103, PTH120
# Importing pathlib would cost every call 2 ms.

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from callcentre_disclosure.errors import EvidenceError

from .chain import Content, Head, extended, first_head, is_ours
from .keys import KeyRing
from .schema import COLUMNS, HEAD, LINK, MIGRATIONS, insert

#: How long a writer waits for others, in seconds. (A call waits for its record no longer than its
#: door does.)
_PATIENCE = 30.0
_BETWEEN_ATTEMPTS = 0.1

_INSERT = insert("entries", (*LINK, *COLUMNS))
_TO_WRITE = "make room, and let the user that runs Asterisk or the server write there"
_TO_READ = "do this as the user that runs Asterisk or the server"
#: Tells in a SQLite file whose it is.
_APPLICATION = 0x6363_6473
_HEADS = f"SELECT {', '.join(HEAD)} FROM heads ORDER BY rowid DESC"  # noqa: S608
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"


class ForeignHead(EvidenceError):
    """The end of a chain that no key of ours has sealed."""


class SqliteStore:
    """The entries of one chain, or of none yet. One thread at a time may use it.

    Every method raises ``EvidenceError``.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        self.file = os.fspath(file)
        self._database: sqlite3.Connection | None = None
        self._inode = 0  # of the file that is open: somebody may put another one in its place

    def extend(
        self, ring: KeyRing, rows: Sequence[tuple[Content, Sequence[Any]]], *, anew: bool = False
    ) -> None:
        """Seal contents, with the values of ``COLUMNS``, to the chain; they are durable when this
        returns, and are all there or none. Raises ``ForeignHead`` where no key of ours has sealed
        the end of it, unless a chain is to begin ``anew``."""
        with self.transaction("records are not written") as database:
            head = _head(database, ring, anew)
            if head.key != ring.current.id:
                head = _rotated(database, head, ring)
            entries, head = extended(head, ring.current, [content for content, _ in rows])
            sealed = zip(entries, rows, strict=True)
            database.executemany(_INSERT, [(*entry, *columns) for entry, (_, columns) in sealed])
            database.execute("DELETE FROM heads WHERE writer = ?", (head.writer,))
            database.execute(insert("heads", HEAD), head)
            _see(database, head, entries[0].sequence)

    def read(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a statement selects, as they are now."""
        with (
            self._opened("the ledger cannot be read", _TO_READ) as database,
            closing(database.cursor()) as cursor,
        ):
            yield from cursor.execute(statement, values)

    @contextmanager
    def snapshot(self, *, whatever: bool = False) -> Iterator[None]:
        """Inside of it everything is read as it was when it began; ``whatever`` somebody has put in
        place of texts is read, too, and is no longer what was sealed."""
        with self._opened("the ledger cannot be read", _TO_READ) as database:
            database.execute("BEGIN")
            if whatever:
                database.text_factory = lambda text: text.decode(errors="replace")
            try:
                database.execute("SELECT count(*) FROM heads").fetchone()
                yield
            finally:
                database.text_factory = str
                database.execute("ROLLBACK")

    def try_out(self) -> None:
        """Raise ``EvidenceError`` where entries could not be written; leaves nothing open."""
        try:
            with self.transaction("records cannot be written") as database:
                database.execute(f"PRAGMA application_id={_APPLICATION}")  # which is a write
        finally:
            self.close()

    def has_begun(self) -> bool:
        """Whether there is a chain."""
        if not os.path.exists(self.file):  # noqa: PTH110
            return False
        ((begun,),) = self.read("SELECT count(*) FROM heads")
        return bool(begun)

    def oddities(self) -> Iterator[str]:
        """What is not as we have made it around the entries: tables, indexes, triggers."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as ours:
            _migrate(ours)
            made = set(ours.execute(_SCHEMA))
        for kind, name, *_ in sorted(made.symmetric_difference(self.read(_SCHEMA))):
            yield f"{kind} {name}"
        problems = [str(problem) for (problem,) in self.read("PRAGMA integrity_check(5)")]
        yield from (problem for problem in problems if problem != "ok")

    def empty_wal(self) -> bool:
        """Have the file take over what is in its -wal, so that nothing is left there of what was
        removed; False where somebody reads the ledger all the while.

        SQLite's own way to wait for readers keeps everybody from writing until they end; a passive
        checkpoint, which waits for nobody, tells whether it is the time for another.
        """
        with self._opened("what was removed stays in the -wal", _TO_WRITE) as database:
            database.execute("PRAGMA busy_timeout=0")
            try:
                deadline = time.monotonic() + _PATIENCE
                while not _wal_is_empty(database):
                    if time.monotonic() > deadline:
                        return False
                    time.sleep(_BETWEEN_ATTEMPTS)
            finally:
                database.execute(f"PRAGMA busy_timeout={_PATIENCE * 1000:.0f}")
        return True

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    @contextmanager
    def transaction(self, failure: str) -> Iterator[sqlite3.Connection]:
        """Statements that are all carried out, durably, or none of them."""
        with self._opened(failure, _TO_WRITE) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _opened(self, failure: str, remedy: str) -> Iterator[sqlite3.Connection]:
        try:
            if self._database is None or self._inode != _inode(self.file):
                self.close()
                self._database = _open(self.file)
                self._inode = _inode(self.file)
            yield self._database
        except (sqlite3.Error, OSError) as problem:
            with_less = getattr(problem, "strerror", None) or problem
            try:
                self.close()
            except sqlite3.Error:
                self._database = None
            raise EvidenceError(
                f"{failure}: {with_less}", where=self.file, remedy=remedy
            ) from problem


def _head(database: sqlite3.Connection, ring: KeyRing, anew: bool) -> Head:
    """The end of our chain. One that was forged stays where it is, for ``verify`` to find."""
    heads = [Head(*row) for row in database.execute(_HEADS)]
    for head in heads:
        if is_ours(head, ring):
            return head
    if heads and not anew:
        raise ForeignHead(
            "no key of ours has sealed the end of the chain",
            remedy="run `callcentre-disclosure evidence verify`",
        )
    return first_head(f"{os.uname().nodename}-{os.urandom(4).hex()}", ring.current)


def _see(database: sqlite3.Connection, head: Head, first: int) -> None:
    """That what was written is there: somebody may have put a trigger into the file."""
    count = "SELECT count(*) FROM entries WHERE writer = ? AND sequence BETWEEN ? AND ?"
    ((there,),) = database.execute(count, (head.writer, first, head.sequence))
    if there != head.sequence - first + 1 or tuple(head) not in database.execute(_HEADS).fetchall():
        raise sqlite3.DatabaseError("the file does not keep what is written: is there a trigger?")


def _rotated(database: sqlite3.Connection, head: Head, ring: KeyRing) -> Head:
    """The chain, with the note that another key seals it from now on: sealed by the one before, as
    long as we have it."""
    note = Content("rotation", f'{{"key":"{ring.current.id}","before":"{head.key}"}}')
    entries, head = extended(head, ring.get(head.key) or ring.current, [note])
    nothing = (None,) * len(COLUMNS)
    database.executemany(_INSERT, [(*entry, *nothing) for entry in entries])
    return head


def _wal_is_empty(database: sqlite3.Connection) -> bool:
    _, pages, taken_over = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if taken_over < pages:
        return False
    (is_busy, *_) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy


def _inode(file: str) -> int:
    try:
        return os.stat(file).st_ino  # noqa: PTH116
    except FileNotFoundError:
        return 0


def _open(file: str) -> sqlite3.Connection:
    folder = os.path.dirname(file)
    if folder:
        os.makedirs(folder, exist_ok=True)
    if not os.path.exists(file):  # noqa: PTH110
        _save_what_is_beside(file)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o640))
    database = sqlite3.connect(
        file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        database.execute("PRAGMA synchronous=FULL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != len(MIGRATIONS):
            _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _save_what_is_beside(file: str) -> None:
    """Of a ledger that was moved away. SQLite would throw away what it has not yet taken over."""
    for beside in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.rename(file + beside, f"{file}.moved-{time.time_ns():x}{beside}")  # noqa: PTH104


def _migrate(database: sqlite3.Connection) -> None:
    """Bring a ledger up to date, or begin one."""
    _use_wal(database)
    database.execute("BEGIN IMMEDIATE")
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise sqlite3.DatabaseError(
                f"a newer version of callcentre-disclosure has written it (schema {version})"
            )
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _use_wal(database: sqlite3.Connection) -> None:
    """Readers do not wait for writers in this mode. SQLite waits for nobody when it is chosen, so
    of several processes that begin a ledger all but one have to try again."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:  # noqa: PERF203
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
