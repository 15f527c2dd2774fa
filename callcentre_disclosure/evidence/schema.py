"""The tables of a ledger, the same in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

#: Copied from the document of a disclosure (``document.columns``), NULL in everything else.
COLUMNS = (
    "id",
    "call",
    "unique_id",
    "at",
    "day",
    "consumer",
    "direction",
    "stage",
    "outcome",
    "countries",
    "route",
    "queue",
    "profile",
    "site",
    "agent",
    "cause",
    "waited",
    "waited_since_choice",
    "played",
    "seconds",
)
_NUMBERS = ("waited", "waited_since_choice", "played", "seconds")
#: Of the chain (``chain.Entry``), in its order.
LINK = ("writer", "sequence", "kind", "keep_until", "digest", "previous", "key", "seal", "document")
#: Of the ends of the chains (``chain.Head``), in its order.
HEAD = ("writer", "sequence", "last", "key", "seal")

_COLUMNS = ", ".join(
    f"{name} {'DOUBLE PRECISION' if name in _NUMBERS else 'TEXT'}" for name in COLUMNS
)

#: Each brings a ledger from the version before to its own; version 1 is the first.
MIGRATIONS: Sequence[Sequence[str]] = (
    (
        f"""CREATE TABLE entries (
            {_COLUMNS},
            writer TEXT NOT NULL, sequence BIGINT NOT NULL, kind TEXT NOT NULL,
            keep_until TEXT NOT NULL, digest TEXT NOT NULL, previous TEXT NOT NULL,
            key TEXT NOT NULL, seal TEXT NOT NULL, document TEXT,
            PRIMARY KEY (writer, sequence)
        )""",
        """CREATE TABLE heads (
            writer TEXT PRIMARY KEY, sequence BIGINT NOT NULL, last TEXT NOT NULL,
            key TEXT NOT NULL, seal TEXT NOT NULL
        )""",
        "CREATE INDEX entries_by_id ON entries (id)",
        "CREATE INDEX entries_by_call ON entries (call)",
        "CREATE INDEX entries_by_unique_id ON entries (unique_id)",
        "CREATE INDEX entries_by_consumer ON entries (consumer)",
        "CREATE INDEX entries_by_time ON entries (at)",
        "CREATE INDEX entries_by_retention ON entries (keep_until)",
        # A report reads a period call by call, and nothing but this index.
        """CREATE INDEX entries_report ON entries (
            day, call, at, stage, outcome, direction, countries, queue, profile, site, route,
            waited, waited_since_choice, played, seconds, cause
        )""",
    ),
)


def insert(table: str, names: Sequence[str]) -> str:
    """The statement that adds a row."""
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608
