"""Is the time right?"""

from __future__ import annotations

import ctypes
import ctypes.util
import time
from dataclasses import dataclass

from callcentre_disclosure.config.model import Configuration

from .ailment import Ailment, Judgement, Unseen
from .ari import APART

#: The kernel says that nobody sets the clock (adjtimex(2)).
_TIME_ERROR = 5
_STRUCT_TIMEX_BYTES = 512


@dataclass(frozen=True, slots=True)
class Clock:
    """Whether something keeps the clock of this machine right (None: not known), and by how many
    seconds that of the database is ahead; ``trouble`` says why we do not know."""

    kept: bool | None
    ahead: float | None = None
    trouble: str = ""


def look(configuration: Configuration) -> Clock:
    url = configuration.evidence.url
    if not url:
        return Clock(_is_kept())
    try:
        import psycopg
    except ImportError:
        return Clock(_is_kept(), None, "psycopg is not installed (the extra `postgresql`)")
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as database:
            database.execute("SELECT 1")
            before = time.time()
            row = database.execute(
                "SELECT extract(epoch FROM clock_timestamp())::float8"
            ).fetchone()
            assert row is not None
            return Clock(_is_kept(), float(row[0]) - (before + time.time()) / 2)
    except psycopg.Error as problem:
        return Clock(_is_kept(), None, str(problem).splitlines()[0])


def judge(clock: Clock, configuration: Configuration) -> Judgement:
    if clock.kept is None:
        yield Unseen("whether the clock is set by NTP")
    elif not clock.kept:
        yield Ailment(
            "clock-unsynchronised",
            "this machine",
            "nothing keeps its clock right; opening hours and the evidence go by it",
            "start an NTP client (chrony, systemd-timesyncd); for a container, on its host",
        )
    if not configuration.evidence.url:
        return
    if clock.ahead is None:
        yield Ailment(
            "database-away",
            "evidence.url",
            f"records wait in {configuration.evidence.file}: {clock.trouble}",
            "start the database, let this machine in, and see PGPASSFILE of the servers' user",
        )
    elif abs(clock.ahead) > APART:
        yield Ailment(
            "clocks-apart",
            "evidence.url",
            f"the clock of the database differs by {clock.ahead:+.0f} s from that of this machine",
            "have both machines set their clocks by NTP",
        )


def _is_kept() -> bool | None:
    try:
        libc = ctypes.CDLL(ctypes.util.find_library("c"))
        state = libc.adjtimex(ctypes.create_string_buffer(_STRUCT_TIMEX_BYTES))  # modes 0: a look
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
