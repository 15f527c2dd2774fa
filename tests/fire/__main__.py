"""``make fire``: everything goes wrong, again and again, for a quarter of an hour.

    python -m tests.fire [--times 10] [--lines 16] [--sessions 100000] [--arrivals 200]

What it prints is the table of docs/reliability.md. Nobody may be lost, connected untold where the
route forbids it, or told more by the evidence than they heard; else the status is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from callcentre_disclosure.testing.installation import Installation, obtain
from tests.call_centre import Server
from tests.integration.office import ROUTES, open_office

from .arrivals import arrive
from .clock import movable, set_back
from .faults import FAULTS, FILES_LIMITED, ON_A_DISK, may_mount, small_disk
from .ground import Ground
from .hangups import SENTENCES, leave_at, leave_at_the_answer
from .inject import inject
from .leaks import PAGES, Leaks
from .storm import storm

#: The length of a sentence in packets of 20 ms.
PACKETS = 50
#: How long a sound lasts in a session of the storm, and how many sessions are under way.
SECONDS, AT_ONCE = 1.5, 1000
#: For the ledger, in MB: more than all its records.
_DISK = 128


class Report:
    """What was found, line by line."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def add(self, what: str, figures: object, problems: list[str]) -> None:
        """Say it at once."""
        at = time.strftime("%H:%M:%S")
        print(f"{at} {what}: {figures}", *(f"PROBLEM: {one}" for one in problems), sep="\n    ")
        sys.stdout.flush()
        self.problems += problems


def faults(
    report: Report, folder: Path, installation: Installation, lines: int, times: int
) -> None:
    """Each fault so many times, under the same Asterisk unless that is the fault."""
    with ExitStack() as running:
        works = [*FAULTS, FILES_LIMITED]
        if may_mount():
            running.enter_context(small_disk(folder / "ledger", _DISK))
            works += ON_A_DISK
        else:
            print("NOT ROOT: no disk was mounted, filled or made read-only")
        ground = Ground(folder, installation, running, lines=lines, packets=PACKETS)
        for fault in works:
            verdict = inject(ground, fault, times)
            report.add(f"{fault.name} ({fault.injected}) × {times}", verdict, verdict.problems)
        report.add("the chain of the evidence", "verified", ground.verified())


def clock(report: Report, folder: Path, installation: Installation, lines: int, times: int) -> None:
    """The clock is set back."""
    folder.mkdir()
    with ExitStack() as running:
        running.enter_context(movable(folder / "clock"))
        ground = Ground(folder / "ground", installation, running, lines=lines, packets=PACKETS)
        fault = set_back(folder / "clock")
        verdict = inject(ground, fault, times)
        report.add(f"{fault.name} ({fault.injected}) × {times}", verdict, verdict.problems)
        report.add("the chain of the evidence", "verified", ground.verified())


def hangups(report: Report, folder: Path, installation: Installation, times: int) -> None:
    """A caller for each 10 ms of each sentence, and of what follows it."""
    moments = [hundredth / 100 for hundredth in range(2 * PACKETS + 20)] * times
    with ExitStack() as running:
        ground = Ground(folder, installation, running, lines=12, packets=PACKETS)
        for sentence, what in SENTENCES.items():
            left = leave_at(ground, sentence, moments)
            report.add(f"callers hang up at each 10 ms of {what} × {times}", left, left.problems)
        moments = [step * 0.0002 for step in range(10)] * 24
        report.add(
            f"{len(moments)} callers hang up in the moment of the answer",
            "each agent is released",
            leave_at_the_answer(ground, moments),
        )


def arrivals(report: Report, folder: Path, installation: Installation, lines: int) -> None:
    """All lines at once, eleven times; and what Asterisk and the server have more after the last
    than after the first."""
    with ExitStack() as running:
        ground = Ground(folder, installation, running, lines=lines, packets=PACKETS)
        first = arrive(ground)
        server, asterisk = Leaks(ground.server.family()), Leaks([ground.asterisks_process()])
        verdict = arrive(ground, 10)
        problems = [*first.problems, *verdict.problems]
        if server.descriptors():
            problems.append("the server keeps descriptors")
        if asterisk.descriptors():
            problems.append("Asterisk keeps descriptors")
        leaks = f"the server: {server}; Asterisk: {asterisk}"
        report.add(f"{lines} calls arrive at once × 11", f"{verdict}; {leaks}", problems)


def sessions(report: Report, folder: Path, count: int) -> None:
    """2,000 calls at once, then so many one after another, for the server alone."""
    folder.mkdir()
    centre = open_office(folder)
    server = Server(centre, 2)
    number = ROUTES["queue"].number
    try:
        came = asyncio.run(storm(server.port, number, sessions=2000, at_once=2000, seconds=SECONDS))
        problems = [] if came.statuses == {"DISCLOSED": 2000} else [str(came.statuses)]
        figures = f"{dict(came.statuses)}, {came.most_at_once} at once, {came.longest:.2f} s beyond"
        report.add("2,000 calls arrive at once, without Asterisk", figures, problems)
        leaks = Leaks([server.process.pid, *server.workers(), *server.beside()])
        began = time.monotonic()
        came = asyncio.run(
            storm(server.port, number, sessions=count, at_once=AT_ONCE, seconds=SECONDS)
        )
        took = time.monotonic() - began
        problems = [] if came.statuses == {"DISCLOSED": count} else [str(came.statuses)]
        if leaks.descriptors() or leaks.mebibytes() > PAGES + 4.0:
            problems.append("something stays")
        if (kept := len(centre.evidence())) != count + 2000:
            problems.append(f"{kept} records")
        report.add(
            f"{count:,} sessions",
            f"{dict(came.statuses)} in {took:.0f} s, {came.longest:.2f} s beyond the sound at "
            f"most; {leaks}",
            problems,
        )
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Everything goes wrong, again and again.")
    parser.add_argument("--times", type=int, default=10, help="each fault")
    parser.add_argument("--lines", type=int, default=16)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--arrivals", type=int, default=200)
    given = parser.parse_args()
    report, installation = Report(), obtain("22")
    print(f"Asterisk {installation.version}, load of the machine before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        faults(report, folder / "faults", installation, given.lines, given.times)
        clock(report, folder / "clock", installation, given.lines, given.times)
        hangups(report, folder / "hangups", installation, 3)
        arrivals(report, folder / "arrivals", installation, given.arrivals)
        sessions(report, folder / "sessions", given.sessions)
    print(f"{len(report.problems)} problems")
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
