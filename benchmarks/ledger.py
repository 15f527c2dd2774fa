"""``make bench-ledger``: what the ledger takes, and whether it keeps what it took.

Three things, with the code that the servers run:

- **throughput**: records that are durable before their call goes on, a second, from many calls at
  once in one process, and from processes of one record each (AGI scripts);
- **killed**: writers of one ledger that are killed (SIGKILL) at random moments under load;
- **away**: a PostgreSQL that is killed under load and comes back.

The last two are judged, not only measured: whoever was told "recorded" is there, once, in the order
of the writers, and the chain holds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from statistics import median

from callcentre_disclosure.asterisk.agi_driver import AgiDriver
from callcentre_disclosure.asterisk.keeping import Keeping
from callcentre_disclosure.config.model import EvidenceEntry
from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import disclose
from callcentre_disclosure.evidence.forwarding import waiting
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.ledger import Ledger
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.reading import Store
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.evidence.upkeep import Upkeep
from callcentre_disclosure.evidence.verifying import verify
from callcentre_disclosure.testing import FakeChannel
from tests.conftest import small_call_centre, small_prompts
from tests.postgresql import Server

_IDS = (
    "SELECT writer, sequence, id FROM entries WHERE kind = 'disclosure' ORDER BY writer, sequence"
)


@dataclass
class Judged:
    """What became of the records that somebody was told are kept."""

    told: int = 0
    kept: int = 0
    kills: int = 0
    problems: list[str] = field(default_factory=list)
    #: Seconds that each commit took: before, during and after the ledger beyond was away.
    commits: dict[str, list[float]] = field(default_factory=dict)

    def compare(
        self, told: Sequence[str], store: Store, ring: KeyRing, spool: Store | None
    ) -> None:
        """``told`` are of the form ``writer/number``, in the order in which each was told."""
        rows = list(store.read(_IDS)) + (list(spool.read(_IDS)) if spool else [])
        kept = [str(id_) for _, _, id_ in rows]
        self.told, self.kept = len(told), len(kept)
        self.problems += [f"lost: {one}" for one in sorted(set(told) - set(kept))]
        self.problems += [f"twice: {one}" for one, times in Counter(kept).items() if times > 1]
        places = {one: place for place, one in enumerate(kept)}
        last: dict[str, int] = {}
        for one in told:
            writer, _, _ = one.partition("/")
            if one in places:
                if places[one] < last.get(writer, -1):
                    self.problems.append(f"not in its order: {one}")
                last[writer] = places[one]
        self.problems += map(str, verify(store, ring, (), spool).findings)


def place_in(folder: Path) -> LedgerPlace:
    """A ledger to be."""
    return LedgerPlace(str(folder / "evidence.sqlite"), str(folder / "evidence.key"))


def a_record() -> LedgerRecord:
    """Of a call that was announced; each writer makes copies of it."""
    channel = FakeChannel("0184880001", caller="+33612345678", sounds=small_prompts())
    at = datetime.now(timezone.utc)
    directory = small_call_centre()
    driver = AgiDriver(
        lambda call: disclose(call, directory, disclosure_id="x", received_at=at), "agi", 0.0
    )
    channel.run(driver)
    assert driver.record is not None
    return driver.record


def killed(folder: Path, *, kills: int, writers: int, seed: int) -> Judged:
    """Kill one of some writers at random moments, and put another in its place."""
    place, choice = place_in(folder), random.Random(seed)
    KeyRing.open(place.key_file, make=True)
    running: list[tuple[int, int]] = []
    told: list[str] = []
    record, judged = a_record(), Judged(kills=kills)

    def start(number: int) -> None:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _write_for_ever(place, record, f"w{number}", writer)
        os.close(writer)
        running.append((pid, reader))

    def end(pid: int, reader: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with os.fdopen(reader) as lines:
            told.extend(line.strip() for line in lines if line.endswith("\n"))

    for number in range(writers):
        start(number)
    for number in range(writers, writers + kills):
        time.sleep(choice.uniform(0, 0.04))
        end(*running.pop(choice.randrange(len(running))))
        start(number)
    while running:
        end(*running.pop())
    store = SqliteStore(place.file)
    judged.compare(told, store, KeyRing.open(place.key_file), None)
    store.close()
    return judged


def _write_for_ever(place: LedgerPlace, record: LedgerRecord, name: str, pipe: int) -> None:
    """As a server does: some records together, then each call is told."""
    ledger, number = Ledger(place), 0
    while True:
        ids = [f"{name}/{number + n}" for n in range(1 + number % 5)]
        number += len(ids)
        ledger.append([replace(record, disclosure_id=one) for one in ids])
        os.write(pipe, "".join(f"{one}\n" for one in ids).encode())


def away(
    folder: Path, server: Server, url: str, *, before: float, seconds: float, pace: float
) -> Judged:
    """A second of calls at a pace, then the ledger beyond is killed for some seconds, then calls go
    on for as long as before. Each call waits for its own commit alone."""
    place = place_in(folder)
    entry = EvidenceEntry(file=Path(place.file), url=url)
    record, judged, told = a_record(), Judged(), []
    stop = threading.Event()
    upkeep = threading.Thread(target=Upkeep(entry).run, args=(stop,))
    upkeep.start()
    ledger = Ledger(place)
    phases: list[tuple[str, float, Callable[[], None]]] = [
        ("before", before, lambda: None),
        ("away", seconds, server.kill),
        ("after", before, server.start),
    ]
    number = 0
    for phase, duration, act in phases:
        acting = threading.Thread(target=act)
        acting.start()
        times = judged.commits[phase] = []
        end = time.monotonic() + duration
        while time.monotonic() < end:
            one = f"w/{number}"
            number += 1
            began = time.perf_counter()
            ledger.append([replace(record, disclosure_id=one)])
            times.append(time.perf_counter() - began)
            told.append(one)
            time.sleep(pace)
        acting.join()
    ledger.close()
    spool, remote = SqliteStore(place.file), PostgresqlStore(url)
    deadline = time.monotonic() + 60
    while waiting(spool) and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    upkeep.join()
    if waiting(spool):
        judged.problems.append(f"{waiting(spool)} records still wait")
    judged.compare(told, remote, KeyRing.open(place.key_file), spool)
    spool.close()
    remote.close()
    return judged


def throughput(folder: Path, *, calls: int, seconds: float) -> tuple[float, list[float]]:
    """Records a second of one server with so many calls at once, and what each call waited."""
    ledger, record = Ledger(place_in(folder)), a_record()
    waits: list[float] = []

    async def work() -> float:
        evidence = Keeping(ledger.append)
        end = time.monotonic() + seconds

        async def call() -> None:
            while time.monotonic() < end:
                began = time.perf_counter()
                await evidence.keep(record)
                waits.append(time.perf_counter() - began)

        began = time.monotonic()
        await asyncio.gather(*(call() for _ in range(calls)))
        elapsed = time.monotonic() - began
        await evidence.close()
        return len(waits) / elapsed

    rate = asyncio.run(work())
    ledger.close()
    return rate, waits


def _points(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[int(len(ordered) * 0.99)]
    return (
        f"median {median(ordered) * 1e3:.2f} ms, p99 {p99 * 1e3:.2f}, max {ordered[-1] * 1e3:.2f}"
    )


def _said(title: str, judged: Judged) -> Iterator[str]:
    yield f"{title}: {judged.told} told, {judged.kept} kept, {len(judged.problems)} problems"
    yield from (f"  {problem}" for problem in judged.problems[:20])
    for phase, seconds in judged.commits.items():
        yield f"  commits {phase:6} {_points(seconds)} ({len(seconds)})"


def main() -> None:
    """Everything; exit 1 where something was lost."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=500)
    asked.add_argument("--away", type=float, default=60.0, metavar="SECONDS")
    asked.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = asked.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for calls in (1, 16, 64, 256):
            rate, waits = throughput(Path(folder, f"calls-{calls}"), calls=calls, seconds=5)
            print(
                f"{calls:4} calls at once: {rate:7,.0f} durable records a second, {_points(waits)}"
            )
    with tempfile.TemporaryDirectory() as folder:
        judged = killed(Path(folder), kills=given.kills, writers=4, seed=given.seed)
        found += judged.problems
        print(*_said(f"{given.kills} kills, seed {given.seed}", judged), sep="\n")
    with tempfile.TemporaryDirectory() as folder, Server(settings={"fsync": "on"}) as server:
        judged = away(Path(folder), server, server.url(), before=10, seconds=given.away, pace=0.005)
        found += judged.problems
        print(*_said(f"PostgreSQL away for {given.away:g} s", judged), sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
