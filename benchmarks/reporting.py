"""What a report over a million records costs.

    python -m benchmarks.reporting [--records 1000000] [--seed 1] [--keep FOLDER]

A year of a company is put into a ledger of its own, each record with a document of 2 kB; then the
command is run as somebody types it, as a process: the page, the sheet, and the summary. Asked for:
10 s and 500 MB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from itertools import islice
from pathlib import Path

from tests.unit.evidence.report.days_on_record import fill, records

BIN = Path(sys.executable).parent
_FIRST, _DAYS = date(2025, 12, 1), 356
#: Records of a call in the story, roughly; the rest is cut off.
_A_CALL = 1.8
_DOCUMENT = "x" * 2000

CONFIGURATION = """\
languages: [fr]
domestic_country: FR
evidence: {file: evidence.sqlite}
sites: {lyon: {country: FR}}
routes: {all: {numbers: ["+33184880001"], sites: [lyon]}}
"""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="where the ledger stays, to be used again")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "evidence.sqlite"
        if not file.exists():
            story = records(_FIRST, _DAYS, int(given.records / _A_CALL * 1.1), given.seed)
            fill(file, islice(story, given.records), _DOCUMENT)
        config = folder / "config.yaml"
        config.write_text(CONFIGURATION, encoding="utf-8")
        print(f"ledger of {file.stat().st_size / 1e9:.1f} GB")
        print("what | wall s | CPU s | peak MB | written kB")
        printed = folder / "summary.txt"
        page, sheet = folder / "report.html", folder / "report.csv"
        for what, arguments, written in (
            ("page", [f"--html={page}"], page),
            ("sheet", [f"--csv={sheet}"], sheet),
            ("summary", [], printed),
            ("one month", ["--from=2026-10-01", "--to=2026-10-31"], printed),
        ):
            figures = measure(config, arguments, printed)
            print(f"{what} | {figures} | {written.stat().st_size / 1e3:.0f}", flush=True)


def measure(config: Path, arguments: Sequence[str], printed: Path) -> str:
    """A run of the command; wall and CPU seconds and the peak of its memory."""
    command = [str(BIN / "callcentre-disclosure"), "evidence", "report", f"--config={config}"]
    start = time.perf_counter()
    with printed.open("w") as output:
        running = subprocess.Popen([*command, *arguments], stdout=output)
        _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0
    seconds = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    return f"{seconds:.1f} | {cpu:.1f} | {usage.ru_maxrss / 1000:.0f}"


if __name__ == "__main__":
    main()
