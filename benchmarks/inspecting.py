"""What it takes to look things up in a ledger of a million records.

    python -m benchmarks.inspecting [--records 1000000] [--keep FOLDER]

Ordinary calls of a year, two records each, sealed as every record is; then each command is run as
somebody types it, as a process. Asked for: a call is shown in about a second.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from callcentre_disclosure.disclosure.numbers import Numbering
from callcentre_disclosure.evidence.chain import Content
from callcentre_disclosure.evidence.document import columns, document, utc
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.sqlite import SqliteStore
from tests.unit.evidence.told_calls import ordinary

BIN = Path(sys.executable).parent
CONFIGURATION = """\
languages: [fr]
numbering: {country_code: "33", trunk_prefix: "0"}
evidence: {file: evidence.sqlite}
sites: {casablanca: {country: MA}, tunis: {country: TN}}
routes: {service: {numbers: ["0184880001"], sites: [casablanca, tunis]}}
"""
_FIRST, _YEAR = datetime(2026, 1, 1, tzinfo=timezone.utc), timedelta(days=365)
_CALLERS = 100_000
_AT_ONCE = 5000

Row = tuple[Content, tuple[Any, ...]]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--records", type=int, default=1_000_000)
    options.add_argument("--keep", type=Path, help="where the ledger stays, to be used again")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(CONFIGURATION, encoding="utf-8")
        file = folder / "evidence.sqlite"
        if not file.exists():
            fill(folder, given.records // 2)
        store = SqliteStore(file)
        middle = "SELECT id, call, at FROM entries WHERE sequence = ?"
        ((id_, call, at),) = store.read(middle, [given.records // 2 + 1])
        store.close()
        about = ["--caller", _number(given.records // 4), "--at", at]
        output = folder / "output"
        print(f"ledger of {file.stat().st_size / 1e9:.1f} GB")
        print("what | wall s | CPU s | peak MB")
        for arguments in (
            ["show", id_],
            ["show", "--call", call],
            ["show", *about],
            ["list"],
            ["list", "--from", at[:10], "--to", at[:10]],
            ["list", "--caller", about[1]],
            ["numbers"],
            *(["export", "--format", form, str(output)] for form in ("jsonl", "csv", "parquet")),
        ):
            print(f"{' '.join(arguments[:3])} | {measure(folder, arguments)}", flush=True)
            output.unlink(missing_ok=True)


def fill(folder: Path, calls: int) -> None:
    """Write the ledger."""
    ring = KeyRing.open(folder / "evidence.key", make=True)
    store = SqliteStore(folder / "evidence.sqlite")
    rows = _rows(ring, calls)
    while some := list(islice(rows, _AT_ONCE)):
        store.extend(ring, some)
    store.close()


#: The peak of a process counts what its parent had when it was forked; this one has little.
_MEASURED = """
import os, sys, time
start = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_WRONLY, 0) for n in (1, 2)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
seconds, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
print(f"{seconds:.2f} | {cpu:.2f} | {usage.ru_maxrss / 1000:.0f}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measure(folder: Path, arguments: list[str]) -> str:
    """A run of a command; wall and CPU seconds and the peak of its memory."""
    command = [str(BIN / "callcentre-disclosure"), "evidence", *arguments]
    command.append(f"--config={folder / 'config.yaml'}")
    running = [sys.executable, "-S", "-c", _MEASURED, *command]
    return subprocess.run(running, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _rows(ring: KeyRing, calls: int) -> Iterator[Row]:
    chance, numbering = random.Random(1), Numbering("33", "0")
    known = [ring.pseudonyms(_number(n), numbering)[0] for n in range(_CALLERS)]
    models = [document(record, lambda number: number) for record in ordinary()]
    for call in range(calls):
        start = _FIRST + _YEAR * (call / calls)
        caller = call if call == calls // 2 else chance.randrange(_CALLERS)
        for model, after in zip(models, (1, 43), strict=True):
            at = start + timedelta(seconds=after)
            unique_id = f"{start.timestamp():.0f}.{call}"
            told = {
                **model,
                "id": f"{int(at.timestamp() * 1000):x}-{call:08x}",
                **dict.fromkeys(("call", "unique_id", "linked_id"), unique_id),
                "received_at": utc(at),
                "day": at.date().isoformat(),
                "started_at": utc(start),
                "told_at": utc(at + timedelta(seconds=3)),
                "consumer": known[caller % _CALLERS],
                "playbacks": [{**model["playbacks"][0], "began_at": utc(at)}],
            }
            text = json.dumps(told, separators=(",", ":"))
            yield Content("disclosure", text, told["keep_until"]), tuple(columns(told).values())


def _number(n: int) -> str:
    return f"06{n % _CALLERS:08d}"


if __name__ == "__main__":
    main()
