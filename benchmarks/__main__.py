"""``make bench``: what a call waits for, in small companies and in large ones.

Only ratios taken in one run mean anything; benchmarks/RESULTS.md keeps some with their machine.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks import script, sessions, sounds
from benchmarks.company import company
from benchmarks.script import COMPANIES
from callcentre_disclosure import CallFacts, Stage, decide
from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.opening import open_compiled

BIN = Path(sys.executable).parent
AT = datetime(2026, 11, 23, 10, 0, tzinfo=timezone.utc)


def main() -> None:
    head = ("agents", "numbers", "check s", "decide µs", "open + decide µs")
    print(" | ".join(head))
    with tempfile.TemporaryDirectory() as folder:
        for agents, numbers in COMPANIES:
            config = company(Path(folder, f"{agents}"), agents=agents, numbers=numbers)
            print(
                " | ".join(
                    f"{figure:,.3f}" if figure < 1 else f"{figure:,.0f}"
                    for figure in (agents, numbers, *measure(config))
                )
            )
    print("\nThe AGI script, one session and its process:\n")
    script.main()
    print("\nThe FastAGI server:\n")
    sessions.main()
    print("\nThe sounds:\n")
    sounds.main()


def measure(config: Path) -> tuple[float, ...]:
    check = timed(
        lambda: subprocess.run(
            [BIN / "callcentre-disclosure", "check", config], check=True, capture_output=True
        ),
        3,
    )
    calls = [
        CallFacts("1", "c", "bench", dialled_number="+33100000007"),
        CallFacts("1", "c", "bench", queue="queue1"),
        CallFacts("1", "c", "bench", stage=Stage.ANSWERED, agent="PJSIP/100007"),
    ]
    in_memory = directory(load(config))
    caches = (str(config.parent / "cache"),)
    open_compiled(config, caches)

    def decided() -> None:
        for call in calls:
            decide(call, in_memory, AT)

    def opened_and_decided() -> None:
        for call in calls:
            decide(call, open_compiled(config, caches).directory, AT)

    return (
        check,
        timed(decided, 3_000, min) / len(calls) * 1e6,
        timed(opened_and_decided, 600, min) / len(calls) * 1e6,
    )


def timed(
    work: Callable[[], object], times: int, pick: Callable[[list[float]], float] = median
) -> float:
    """One figure for some runs, in seconds: the median of processes, and of microseconds the
    minimum, to which other work on the machine can only add."""
    figures = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        figures.append(time.perf_counter() - start)
    return pick(figures)


if __name__ == "__main__":
    main()
