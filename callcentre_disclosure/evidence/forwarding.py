"""The way from the file of a machine to the PostgreSQL of all of them.

A call waits for the file alone. Its entries follow in their order, in transactions of their own,
and leave the file only when they are there; one that was sent twice is the same one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .chain import Entry, head_behind
from .keys import KeyRing
from .postgresql import PostgresqlStore
from .schema import COLUMNS, LINK
from .sqlite import SqliteStore

#: How many entries go in one transaction.
_AT_ONCE = 500

_NEXT = (
    f"SELECT {', '.join((*LINK, *COLUMNS))} FROM entries"  # noqa: S608
    f" ORDER BY writer, sequence LIMIT {_AT_ONCE}"
)
_SENT = "DELETE FROM entries WHERE writer = ? AND sequence <= ?"


def waiting(spool: SqliteStore) -> int:
    """How many entries have not gone yet. Raises ``EvidenceError``."""
    ((count,),) = spool.read("SELECT count(*) FROM entries")
    return int(count)


def forward(spool: SqliteStore, ring: KeyRing, ledger: PostgresqlStore) -> int:
    """Send what waits, at most some hundred entries; returns how many. Raises ``EvidenceError``."""
    rows = list(spool.read(_NEXT))
    rows = [row for row in rows if row[0] == rows[0][0]]  # of one chain
    if rows:
        last = Entry(*rows[-1][: len(LINK)])
        ledger.take(rows, head_behind(last, ring.get(last.key) or ring.current))
        with spool.transaction("entries that were sent are not removed") as database:
            database.execute(_SENT, (last.writer, last.sequence))
    return len(rows)


@contextmanager
def alone(spool: SqliteStore) -> Iterator[bool]:
    """Whether nobody else on this machine forwards what is in the file; the right goes with the
    process that has it."""
    descriptor = os.open(f"{spool.file}.upkeep", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        _give_to_owner(descriptor, spool.file)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def _give_to_owner(descriptor: int, file: str) -> None:
    """As SQLite does: what an administrator has made is the user's who runs the servers."""
    if os.geteuid() == 0 and os.path.exists(file):  # noqa: PTH110
        owner = os.stat(file)  # noqa: PTH116
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
