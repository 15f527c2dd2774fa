"""A clock that is set back: libfaketime, of Debian, under everything that is started meanwhile."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from callcentre_disclosure.testing import debian

from .faults import Fault
from .ground import Ground
from .traffic import Traffic

#: How far, in seconds.
BACK = 3600
#: Its library is loaded by programs of every later release, too.
_SUITE = "bullseye"


@contextmanager
def movable(file: Path) -> Iterator[None]:
    """Whoever is started inside of it has the clock that the ``file`` says; only the time of day,
    for a clock that is set does not change how long anything takes."""
    home = debian.default_cache().absolute() / "libfaketime"
    debian.unpacked(home, _SUITE, ("libfaketime",), _library)
    settings = {
        "LD_PRELOAD": str(_library(home)),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    file.write_text("+0\n")
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _library(root: Path) -> Path:
    """The one for programs with threads."""
    return next(root.glob("usr/lib/*/faketime/libfaketimeMT.so.1"))


def set_back(file: Path) -> Fault:
    """That clock, set back for everything that runs, each time by as much again. (It is not set
    forward: Asterisk, which goes by it, ends whatever rings then.)"""
    behind = count(BACK, BACK)

    def work(ground: Ground, traffic: Traffic) -> None:
        traffic.go_on()
        now = _asterisks_clock(ground)
        # In one step: who found the file empty would be set forward, by hours, for that moment.
        written = file.with_suffix(".new")
        written.write_text(f"-{next(behind)}\n")
        written.replace(file)
        traffic.go_on()
        assert _asterisks_clock(ground) < now
        moments = [record["received_at"] for record in traffic.records()]
        assert moments != sorted(moments), "the server's clock goes on"

    return Fault("the clock is set back", f"by {BACK} s", work)


def _asterisks_clock(ground: Ground) -> int:
    said = ground.asterisk.command("dialplan eval function STRFTIME(,,%s)")
    found = re.search(r"\d{9,}", said)
    assert found, said
    return int(found[0])
