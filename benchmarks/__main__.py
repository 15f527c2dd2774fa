"""``make bench``: what a call waits for, in small companies and in large ones.

Only ratios taken in one run mean anything; benchmarks/RESULTS.md keeps some with their machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from benchmarks.company import company
from callcentre_disclosure import CallFacts, Stage, decide
from callcentre_disclosure.asterisk.agi import AsteriskSide
from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.opening import open_compiled

COMPANIES = ((10, 10), (1_000, 100), (10_000, 1_000))
BIN = Path(sys.executable).parent
AT = datetime(2026, 11, 23, 10, 0, tzinfo=timezone.utc)

#: The least that an AGI script can do: read the environment, play, set a variable, leave.
MINIMAL = """
import sys
read, write = sys.stdin.readline, sys.stdout.write
while read().strip(): pass
for command in ('STREAM FILE "x" ""', 'SET VARIABLE X "1"'):
    write(command + "\\n"); sys.stdout.flush(); read()
"""


def main() -> None:
    head = ("agents", "numbers", "check s", "decide µs", "open + decide µs", "script ms")
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
    minimal = timed(lambda: run_script([sys.executable, "-I", "-S", "-c", MINIMAL], {}), 21)
    print(f"\nminimal script (python -I -S): {minimal * 1e3:.3g} ms")


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

    environment = {
        "CALLCENTRE_DISCLOSURE_CONFIG": str(config),
        "CALLCENTRE_DISCLOSURE_CACHE": caches[0],
    }
    script = timed(lambda: run_script([str(BIN / "callcentre-disclosure-agi")], environment), 21)
    return (
        check,
        timed(decided, 3_000, min) / len(calls) * 1e6,
        timed(opened_and_decided, 600, min) / len(calls) * 1e6,
        script * 1e3,
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


def run_script(command: list[str], environment: dict[str, str]) -> None:
    """One AGI session with an Asterisk that answers everything at once."""
    opening = AsteriskSide.environment({"channel": "PJSIP/a-00000001", "dnid": "+33100000007"})
    replies = AsteriskSide.reply(0) * 3
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(opening)
        while process.stdout.readline():
            process.stdin.write(replies[: len(replies) // 3])


if __name__ == "__main__":
    main()
