"""Can the evidence be written, sealed, sent on, and one day be compared?"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.config.secrecy import is_open_to_all
from callcentre_disclosure.config.shipped import shipped

from .access import READ, WRITE, Obstacle, User, is_there, may_write_in, obstacle
from .ailment import Ailment, Judgement, Unseen
from .console import Ask

_LEAST_BYTES = 500 * 2**20
#: So many records wait no longer than an hour of a busy machine.
_MANY_RECORDS = 10_000
_APPLICATIONS = frozenset(("agi", "stasis"))
_EVENTS = frozenset(
    ("APP_START", "CHAN_START", "CHAN_END", "ANSWER", "BRIDGE_ENTER", "BRIDGE_EXIT")
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """``obstacle`` keeps somebody from the ledger, ``key_obstacle`` from its key, which may be
    ``key_open`` to everybody; ``free`` bytes are left, and so many records wait to be sent."""

    begun: bool = False
    obstacle: Obstacle | None = None
    key_obstacle: Obstacle | None = None
    key_open: bool = False
    free: int | None = None
    waiting: int | None = None


def look(configuration: Configuration, users: tuple[User, ...]) -> Ledger:
    """Raises ``OSError`` where we may not look ourselves."""
    own = configuration.evidence
    begun, keyed = is_there(own.file), is_there(own.keys)
    found = [
        may_write_in(own.file.parent, user)
        or (obstacle(own.file, user, READ | WRITE) if begun else None)
        for user in users
    ]
    keys = [obstacle(own.keys, user, READ) for user in users] if keyed or begun else []
    return Ledger(
        begun=begun,
        obstacle=next(filter(None, found), None),
        key_obstacle=next(filter(None, keys), None),
        key_open=keyed and is_open_to_all(own.keys.stat().st_mode),
        free=shutil.disk_usage(own.file.parent).free if own.file.parent.is_dir() else None,
        waiting=_waiting(own.file) if own.url and begun else None,
    )


def _waiting(file: Path) -> int | None:
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            ((count,),) = database.execute("SELECT count(*) FROM entries")
            return int(count)
    except sqlite3.Error:
        return None


def look_at_others(configuration: Configuration) -> frozenset[str] | None:
    """The machines beside this one whose records are in the same PostgreSQL; None where it does not
    tell. A chain there is called ``<machine>-<eight digits>``."""
    if not configuration.evidence.url:
        return frozenset()
    try:
        import psycopg
    except ImportError:
        return None
    try:
        with psycopg.connect(
            configuration.evidence.url, connect_timeout=5, autocommit=True
        ) as database:
            writers = database.execute("SELECT writer FROM heads").fetchall()
    except psycopg.errors.UndefinedTable:
        return frozenset()  # no record has come yet
    except psycopg.Error:
        return None
    return frozenset(writer.rpartition("-")[0] for (writer,) in writers) - {os.uname().nodename}


def judge(ledger: Ledger, configuration: Configuration) -> Judgement:
    own = configuration.evidence
    if ledger.obstacle:
        yield Ailment(
            "ledger-not-writable",
            str(ledger.obstacle.path),
            f"no evidence can be written: {ledger.obstacle.why}",
            "let the users that run Asterisk and the servers (best the same one) write there",
        )
    if ledger.key_open:
        yield Ailment(
            "secret-open",
            str(own.keys),
            "everybody may read the key of the evidence, so nothing is sealed with it",
            f"chmod 640 {own.keys}",
        )
    if ledger.key_obstacle and ledger.key_obstacle.missing:
        yield Ailment(
            "key-missing",
            str(own.keys),
            "the key of the evidence is not there, and the ledger needs it: nothing is written",
            "restore it from its copy",
        )
    elif ledger.key_obstacle:
        yield Ailment(
            "key-unreadable",
            str(ledger.key_obstacle.path),
            f"no record can be sealed: {ledger.key_obstacle.why}",
            "let the users that run Asterisk and the servers read it, and nobody else",
        )
    if ledger.free is not None and ledger.free < _LEAST_BYTES:
        yield Ailment(
            "disk-nearly-full",
            str(own.file.parent),
            f"{ledger.free // 2**20} MB are left where the evidence is written",
            "make room; a full disk means calls without evidence",
        )
    if own.url and ledger.begun and ledger.waiting is None:
        yield Unseen("how many records wait for the database")
    elif ledger.waiting is not None and ledger.waiting > _MANY_RECORDS:
        yield Ailment(
            "records-waiting",
            str(own.file),
            f"{ledger.waiting} records have not gone to the database yet",
            "see whether a server runs here (it sends them) and the database takes them",
        )


@dataclass(frozen=True, slots=True)
class Cel:
    """What Asterisk writes down of calls (``cel show status``)."""

    enabled: bool
    applications: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()


def look_at_cel(ask: Ask) -> Cel:
    lines = [line.partition(": ")[::2] for line in (ask("cel show status") or "").splitlines()]

    def all_of(name: str) -> frozenset[str]:
        return frozenset(value.strip() for key, value in lines if key == f"CEL {name}")

    return Cel(
        "Enabled" in all_of("Logging"),
        frozenset(name.lower() for name in all_of("Tracking Application")),
        all_of("Tracking Event"),
        all_of("Event Subscriber"),
    )


def judge_cel(cel: Cel, folder: Path, *, ari: bool) -> Judgement:
    where = str(folder / "cel.conf")
    how = f"write what {shipped('docs') / 'evidence.md'} shows into cel.conf, and reload cel"
    if not cel.enabled:
        what = "Asterisk does not write down who was connected: completeness cannot be proved"
        yield Ailment("cel-off", where, what, how)
        return
    applications = _APPLICATIONS if ari else _APPLICATIONS - {"stasis"}
    lacking = [
        *sorted(f"apps = {one}" for one in applications - cel.applications),
        *(sorted(_EVENTS - cel.events) if "ALL" not in cel.events else ()),
    ]
    if lacking:
        yield Ailment("cel-incomplete", where, f"lacks {', '.join(lacking)}", how)
    if not cel.writers:
        what = "no module writes what it records"
        yield Ailment("cel-off", where, what, "load cel_custom, cel_pgsql or another of them")
