"""The ledger of several machines: the chains of all of them in one PostgreSQL (13 or later)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from callcentre_disclosure.errors import EvidenceError

from .chain import Head
from .schema import COLUMNS, HEAD, LINK, MIGRATIONS, insert

if TYPE_CHECKING:
    import psycopg

#: Whatever else locks something in the database has another number.
_MIGRATION_LOCK = 0x6363_6473
#: A machine that does not answer is given up within seconds, also in the middle of a connection.
_PATIENCE: Mapping[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_ROWS_AT_ONCE = 1000

#: What would let others see, or keep, something else than was written; and what must be there.
_ODDITIES = """
    SELECT 'trigger', tgname::text FROM pg_trigger
    WHERE tgrelid IN (to_regclass('entries'), to_regclass('heads')) AND NOT tgisinternal
    UNION ALL
    SELECT 'rule', rulename::text FROM pg_rewrite
    WHERE ev_class IN (to_regclass('entries'), to_regclass('heads'))
    UNION ALL
    SELECT 'row security of', relname::text FROM pg_class
    WHERE oid IN (to_regclass('entries'), to_regclass('heads')) AND relrowsecurity
    UNION ALL
    SELECT 'no primary key of', name FROM (VALUES ('entries'), ('heads')) AS ours (name)
    WHERE NOT EXISTS (
        SELECT FROM pg_index WHERE indrelid = to_regclass(name) AND indisprimary AND indisvalid
    )
    ORDER BY 1, 2"""
_TAKE = insert("entries", (*LINK, *COLUMNS)) + " ON CONFLICT (writer, sequence) DO NOTHING"
_TAKE_HEAD = (
    insert("heads", HEAD) + " ON CONFLICT (writer) DO UPDATE SET (sequence, last, key, seal) ="
    " (EXCLUDED.sequence, EXCLUDED.last, EXCLUDED.key, EXCLUDED.seal)"
    " WHERE heads.sequence < EXCLUDED.sequence"
)


class PostgresqlStore:
    """The entries of every chain. One thread at a time may use it.

    Every method raises ``EvidenceError``. ``url`` is one of libpq's, which takes what is not in it
    from its environment (PGPASSFILE, PGSSLROOTCERT, ...).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._database: psycopg.Connection[Any] | None = None

    def take(self, rows: Sequence[Sequence[Any]], head: Head) -> None:
        """Keep entries (the values of ``LINK`` and ``COLUMNS``) of a chain that ends in ``head``.
        Those that are there already stay as they are."""
        with self._opened("does not take records") as database, database.transaction():
            cursor = database.cursor()
            cursor.executemany(_translated(_TAKE), rows)
            if cursor.rowcount < len(rows):
                self._compare(cursor, rows)
            cursor.execute(_translated(_TAKE_HEAD), head)

    def read(self, statement: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a statement selects, as they are now."""
        with (
            self._opened("cannot be read") as database,
            database.transaction(),
            database.cursor("rows") as cursor,
        ):
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(_translated(statement), values)
            yield from cursor

    @contextmanager
    def snapshot(self, *, whatever: bool = False) -> Iterator[None]:  # noqa: ARG002
        """Inside of it everything is read as it was when it began. (A text is one here.)"""
        with self._opened("cannot be read") as database, database.transaction():
            database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield

    def oddities(self) -> Iterator[str]:
        """What is not as we have made it around the entries: tables, triggers, rules."""
        for kind, name in self.read(_ODDITIES):
            yield f"{kind} {name}"

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Carry out a statement, durably; returns how many rows it changed."""
        with self._opened("cannot be changed") as database, database.transaction():
            return database.execute(_translated(statement), values).rowcount

    def close(self) -> None:
        """Let go of the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    @contextmanager
    def _opened(self, failure: str) -> Iterator[psycopg.Connection[Any]]:
        try:
            import psycopg
        except ImportError as missing:
            raise EvidenceError(
                f"a ledger in PostgreSQL needs {missing.name}",
                where=self.url,
                remedy="pip install 'callcentre-disclosure[postgresql]'",
            ) from missing
        try:
            if self._database is None:
                self._database = psycopg.connect(
                    self.url, autocommit=True, application_name="callcentre-disclosure", **_PATIENCE
                )
                _migrate(self._database)
            yield self._database
        except psycopg.Error as problem:
            self.close()
            raise EvidenceError(
                f"the ledger {failure}: {' '.join(str(problem).split())}",
                where=self.url,
                remedy="see that the server runs, and that the user may create and write tables",
            ) from problem

    def _compare(self, cursor: psycopg.Cursor[Any], rows: Sequence[Sequence[Any]]) -> None:
        """What was sent before is there as it was sent, unless two machines write one chain."""
        writer, first, last = rows[0][0], rows[0][1], rows[-1][1]
        cursor.execute(
            "SELECT sequence, seal FROM entries WHERE writer = %s AND sequence BETWEEN %s AND %s",
            (writer, first, last),
        )
        there = dict(cursor.fetchall())
        seal = LINK.index("seal")
        for row in rows:
            if there.get(row[1]) != row[seal]:
                raise EvidenceError(
                    f"entry {row[1]} of {writer} is another one there",
                    where=self.url,
                    remedy="two machines have copies of one file; let each begin a file of its own",
                )


def _translated(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _migrate(database: psycopg.Connection[Any]) -> None:
    """Bring the ledger up to date, or begin it; one machine at a time does."""
    with database.transaction():
        database.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        there = database.execute("SELECT to_regclass('ledger_schema') IS NOT NULL").fetchone()
        row = None
        if there and there[0]:
            row = database.execute("SELECT version FROM ledger_schema").fetchone()
        else:
            database.execute("CREATE TABLE ledger_schema (version INTEGER NOT NULL)")
        version = row[0] if row else 0
        if version > len(MIGRATIONS):
            raise EvidenceError(
                f"a newer version of callcentre-disclosure has written it (schema {version})",
                remedy="install that version here",
            )
        if version == len(MIGRATIONS):
            return
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                database.execute(statement.encode())
        database.execute("DELETE FROM ledger_schema")
        database.execute("INSERT INTO ledger_schema VALUES (%s)", (len(MIGRATIONS),))
