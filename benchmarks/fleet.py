"""``make bench-fleet``: how much one machine of a fleet carries, and what more of them bring.

    python -m benchmarks.fleet [knee] [workers] [ledger] [asterisk] [--seconds 8]

- **knee**: one FastAGI worker with everything on (10,000 agents, each record durable before its
  call goes on and forwarded to PostgreSQL, metrics) on a core of its own; calls arrive at random,
  more and more of them a second. *Wait* is what a caller waits for it in a whole session, sounds
  left out: for each command, and for the record.
- **workers**: one to four of them, each a machine with a ledger file, all busy.
- **ledger**: how many records a second go from the files of one to four machines to PostgreSQL.
- **asterisk**: calls a second at a real Asterisk, by SIP, each told a sentence of a second: by the
  dialplan alone and by FastAGI. What a telephone gets of it is looked at packet by packet.

Who asks runs on a core of its own too; there are to be two.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.evidence.forwarding import waiting
from callcentre_disclosure.evidence.ledger import Ledger
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.testing.installation import obtain
from tests.call_centre import BIN, CallCentre, Server
from tests.postgresql import Server as Postgresql

from .company import company
from .house import CALLERS, House
from .judging import heard_whole
from .ledger import a_record
from .sessions import cpu_seconds
from .telephones import SILENCE, Call, Telephones
from .wire import OPENING, reply

PARTS = ("knee", "workers", "ledger", "asterisk")
RATES = (100, 200, 400, 600, 700, 800, 900, 1000, 1200)
CALLS_A_SECOND = (10, 20, 40, 60, 80, 100)
#: Calls at once for each worker that is to be busy.
_BUSY = 16
_RECORDS = 10_000
#: In packets of 20 ms.
_SENTENCE = 50
_OURS, _THEIRS = {0}, {1}


# -- FastAGI ---------------------------------------------------------------------------------------


class Session(asyncio.Protocol):
    """One, of an Asterisk that answers at once; ``over`` is when, by ``time.perf_counter``."""

    def __init__(self) -> None:
        self.over: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._played = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(OPENING)

    def data_received(self, data: bytes) -> None:
        self._played |= data.startswith(b"STREAM FILE")
        self._transport.write(reply(data))

    def connection_lost(self, error: Exception | None) -> None:
        if error or not self._played:
            self.over.set_exception(error or RuntimeError("a call was not told"))
        else:
            self.over.set_result(time.perf_counter())


class Asterisks:
    """They call the servers in turn."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._calls = 0

    async def call(self) -> float:
        self._calls += 1
        port = self._ports[self._calls % len(self._ports)]
        began = time.perf_counter()
        loop = asyncio.get_running_loop()
        _, session = await loop.create_connection(Session, "127.0.0.1", port)
        return await session.over - began

    async def at_random(self, rate: float, seconds: float) -> list[float]:
        """Calls arrive, so many a second, whether or not those before have ended."""
        loop, chance = asyncio.get_running_loop(), random.Random(rate)
        calls, at = [], loop.time()
        end = at + seconds
        while (at := at + chance.expovariate(rate)) < end:
            await asyncio.sleep(at - loop.time())
            calls.append(asyncio.create_task(self.call()))
        return [await call for call in calls]

    async def busy(self, at_once: float, seconds: float) -> list[float]:
        """So many at once, one after the other."""
        end = time.perf_counter() + seconds

        async def line() -> list[float]:
            waits = []
            while time.perf_counter() < end:
                waits.append(await self.call())
            return waits

        lines = await asyncio.gather(*(line() for _ in range(round(at_once))))
        return [wait for waits in lines for wait in waits]


def a_company(folder: Path, url: str) -> CallCentre:
    """10,000 agents, 1,000 numbers, and a ledger of several machines."""
    company(folder, agents=10_000, numbers=1_000)
    centre = CallCentre(folder)
    here, all_of_them = "{file: evidence.sqlite}", f'{{file: evidence.sqlite, url: "{url}"}}'
    centre.path.write_text(centre.path.read_text().replace(here, all_of_them))
    return centre


@contextmanager
def servers(folder: Path, count: int, url: str, cores: set[int]) -> Iterator[list[Server]]:
    """So many machines, one worker each; forwarding and metrics as well."""
    with ExitStack() as running:
        started = []
        for number in range(count):
            centre = a_company(folder / f"machine{number}", url)
            with pinned(cores):
                server = Server(centre, 1, "--metrics=127.0.0.1:0")
            running.callback(server.stop)
            started.append(server)
        yield started


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Whatever is started meanwhile stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass
class Measured:
    """Some calls of the stand-in, in seconds."""

    calls: int
    seconds: float
    used: float
    waits: list[float] = field(repr=False)

    @classmethod
    def of(
        cls,
        running: Sequence[Server],
        calls: Callable[[Asterisks, float, float], Coroutine[Any, Any, list[float]]],
        many: float,
        seconds: float,
    ) -> Measured:
        asterisks = Asterisks([server.port for server in running])
        used, began = _used(running), time.perf_counter()
        waits = asyncio.run(calls(asterisks, many, seconds))
        took = time.perf_counter() - began
        return cls(len(waits), took, _used(running) - used, sorted(waits))

    def __str__(self) -> str:
        p99 = self.waits[int(len(self.waits) * 0.99)]
        return (
            f"{self.calls / self.seconds:8,.0f} | {self.used / self.calls * 1e6:6,.0f} |"
            f" {median(self.waits) * 1e3:8.2f} | {p99 * 1e3:8.2f} | {self.waits[-1] * 1e3:8.2f}"
        )


def _used(running: Sequence[Server]) -> float:
    return sum(cpu_seconds(server.process.pid) for server in running)


HEAD = "calls/s  | CPU µs | wait p50 |      p99 |      max ms"


def knee(folder: Path, seconds: float) -> None:
    with (
        pinned(_THEIRS),
        Postgresql() as postgresql,
        postgresql.database() as url,
        servers(folder, 1, url, _OURS) as running,
    ):
        Measured.of(running, Asterisks.busy, 4, 1.0)  # warm
        print(f"\noffered/s | {HEAD}")
        for rate in RATES:
            measured = Measured.of(running, Asterisks.at_random, rate, seconds)
            print(f"{rate:9,} | {measured}", flush=True)


def workers(folder: Path, seconds: float) -> None:
    print(f"\nworkers | {HEAD}")
    for count in (1, 2, 3, 4):
        with Postgresql() as postgresql, postgresql.database() as url:
            cores = _OURS | _THEIRS
            with servers(folder / str(count), count, url, cores) as running:
                measured = Measured.of(running, Asterisks.busy, _BUSY * count, seconds)
                print(f"{count:7} | {measured}", flush=True)


# -- PostgreSQL ------------------------------------------------------------------------------------


def ledger(folder: Path, _: float) -> None:
    record, key = a_record(), folder / "evidence.key"
    print("\nmachines | records/s | CPU µs of ours a record")
    for count in (1, 2, 4):
        with Postgresql(settings={"fsync": "on"}) as postgresql, postgresql.database() as url:
            centres = []
            for number in range(count):
                home = folder / f"ledger{count}-{number}"
                home.mkdir()
                centre = CallCentre(home)
                centre.path.write_text(
                    "languages: [fr]\nsites: {casablanca: {country: MA}}\n"
                    f'evidence: {{file: evidence.sqlite, key_file: {key}, url: "{url}"}}\n'
                )
                place = LedgerPlace(str(home / "evidence.sqlite"), str(key))
                written = Ledger(place)
                for start in range(0, _RECORDS, 500):
                    written.append(
                        [replace(record, disclosure_id=f"{number}-{start + n}") for n in range(500)]
                    )
                written.close()
                centres.append(centre)
            before, began = os.times(), time.perf_counter()
            command = [str(BIN / "callcentre-disclosure"), "evidence", "upkeep", "--once"]
            sending = [
                subprocess.Popen(command, env=centre.environment, stdout=subprocess.DEVNULL)
                for centre in centres
            ]
            for process in sending:
                assert process.wait() == 0
            seconds, after = time.perf_counter() - began, os.times()
            for centre in centres:
                with closing(SqliteStore(centre.folder / "evidence.sqlite")) as spool:
                    assert waiting(spool) == 0
            used = sum(after[2:4]) - sum(before[2:4])
            total = count * _RECORDS
            print(f"{count:8} | {total / seconds:9,.0f} | {used / total * 1e6:,.0f}", flush=True)


# -- Asterisk --------------------------------------------------------------------------------------


def asterisk(folder: Path, seconds: float) -> None:
    with ExitStack() as running:
        house = House(
            folder / "house",
            obtain("22"),
            running,
            configuration="sites: {casablanca: {country: MA}}\ndefault: {sites: [casablanca]}\n",
            voices={},
            packets=_SENTENCE,
        )
        pid = house.asterisk.pid
        sound = house.sound("fr/possible-ma")
        roads = {
            "Playback": f"Playback({sound})",
            "FastAGI": f"AGI(agi://127.0.0.1:{house.server.port}/disclose)",
        }
        print("\nroad     | offered/s | Asterisk CPU ms | ours | whole  | to sound p50 |   p99 ms")
        for rate in CALLS_A_SECOND:
            for road, application in roads.items():
                house.asterisk.reload_extensions(
                    "[inbound]\nexten => _X.,1,Answer()\n"
                    f" same => n,{application}\n same => n,Hangup()\n"
                )
                before = cpu_seconds(pid), _used([house.server])
                calls = asyncio.run(_sip_calls(house, rate, seconds))
                used = cpu_seconds(pid) - before[0], _used([house.server]) - before[1]
                whole = [c for c in calls if "fr/possible-ma" in heard_whole(c.heard, house.ear)]
                first = sorted(
                    c.moments["fr/possible-ma"] - c.moments["answered"]
                    for c in calls
                    if "fr/possible-ma" in c.moments
                )
                print(
                    f"{road:8} | {rate:9} | {used[0] / len(calls) * 1e3:15.2f} |"
                    f" {used[1] / len(calls) * 1e3:4.2f} | {len(whole) / len(calls):6.1%} |"
                    f" {median(first) * 1e3:12.1f} | {first[int(len(first) * 0.99)] * 1e3:8.1f}",
                    flush=True,
                )


async def _sip_calls(house: House, rate: float, seconds: float) -> list[Call]:
    telephones = Telephones(house.ear, CALLERS)
    loop, chance = asyncio.get_running_loop(), random.Random(rate)
    calls: list[Call] = []
    at = loop.time()
    end = at + seconds
    while (at := at + chance.expovariate(rate)) < end:
        await asyncio.sleep(at - loop.time())
        server = house.asterisk.sip_address
        call = telephones.dial("100", server, caller_id="+33612345678")
        call.says = SILENCE
        calls.append(call)
    for call in calls:
        await asyncio.wait_for(call.until("ended"), 60)
    telephones.close()
    return calls


def main() -> None:
    parser = argparse.ArgumentParser(description="What a machine of a fleet carries.")
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--seconds", type=float, default=8.0)
    given = parser.parse_args()
    measures = {"knee": knee, "workers": workers, "ledger": ledger, "asterisk": asterisk}
    for part in given.parts or PARTS:
        print(f"\n{part}: load of this machine {os.getloadavg()[0]:.1f}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            measures[part](Path(folder), given.seconds)


if __name__ == "__main__":
    main()
