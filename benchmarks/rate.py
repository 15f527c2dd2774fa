"""How long callers wait, and what a call costs the processor, at a steady rate on a real Asterisk.

    python -m benchmarks.rate [--asterisk 22] [--rate 40] [--seconds 8] [--rounds 4]

Each call is answered, hears one sentence, and is hung up: by ``Playback``, by the FastAGI server,
by the AGI script, and by the least that an AGI script can be, these two at a quarter of the rate.
The roads take turns, block by block.

- *begin*: from the 200 OK to the first packet of the sentence;
- *end*: from the end of its last packet (20 ms after it came) to the BYE;
- *Asterisk*, *ours*: what Asterisk, and the server with the scripts, took of the processor.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from callcentre_disclosure.testing.installation import Version, obtain

from .connecting import percentiles
from .house import CALLERS, House
from .judging import described
from .script import MINIMAL
from .sessions import cpu_seconds
from .telephones import SILENCE, Call, Telephones

PLAYBACK, FASTAGI, SCRIPT, LEAST = "Playback", "FastAGI", "AGI script", "least AGI script"
ROADS: Mapping[str, str] = {
    PLAYBACK: "0184880301",
    FASTAGI: "0184880302",
    SCRIPT: "0184880303",
    LEAST: "0184880304",
}
#: Of the rate, that of roads which start a process a call, and would fill two processors.
_SHARE = {SCRIPT: 0.25, LEAST: 0.25}
ANNOUNCED = "fr/possible-ma"
#: The sentence's length in packets of 20 ms.
PACKETS = 45
_SECONDS = 15.0

CONFIGURATION = f"""\
sites:
  casablanca: {{country: MA}}
routes:
  announced: {{numbers: ["{ROADS[FASTAGI]}", "{ROADS[SCRIPT]}"], sites: [casablanca]}}
"""
#: ``SOUND`` and ``SERVER`` are known once there is a house; they are global variables of Asterisk.
_STEP = {
    PLAYBACK: "Playback(${SOUND})",
    FASTAGI: "AGI(agi://${SERVER}/disclose)",
    SCRIPT: "AGI(callcentre-disclosure-agi)",
    LEAST: "AGI(least)",
}
EXTENSIONS = "".join(
    f"exten => {number},1,Answer()\n same => n,{_STEP[road]}\n same => n,Hangup()\n"
    for road, number in ROADS.items()
)


@dataclass
class Road:
    """What its calls were: silences in ms, and CPU in ms a call, block by block."""

    begin: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    asterisk: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def heed(self, call: Call) -> None:
        """Take note of a call, which must have been as it should be."""
        told = [(at, frame.number) for at, frame in call.heard if frame.name == ANNOUNCED]
        if [number for _, number in told] != list(range(PACKETS)):
            self.failures.append(described(call.heard, call.moments.get("answered", 0.0)))
            return
        self.begin.append((told[0][0] - call.moments["answered"]) * 1000)
        self.end.append((call.moments["ended"] - told[-1][0] - 0.02) * 1000)


async def measure(
    house: House, rate: float, seconds: float, rounds: int, seed: int
) -> dict[str, Road]:
    """Blocks of calls at a rate, road by road."""
    roads = {road: Road() for road in ROADS}
    callers = Telephones(house.ear, CALLERS)
    server, asterisk = house.server.process.pid, house.asterisk.pid
    chance = random.Random(seed)
    try:
        for turn in range(rounds + 1):
            for road in chance.sample(list(ROADS), len(ROADS)):
                of = Road() if turn == 0 else roads[road]  # which warms everything
                at = rate * _SHARE.get(road, 1.0)
                calls = round(at * seconds)
                own, scripts = _cpu(asterisk), cpu_seconds(server) + _cpu(asterisk, 2)
                made = []
                for _ in range(calls):
                    made.append(asyncio.create_task(_call(callers, house, ROADS[road], of)))
                    await asyncio.sleep(chance.uniform(0.5, 1.5) / at)
                await asyncio.gather(*made)
                of.asterisk.append((_cpu(asterisk) - own) / calls * 1e3)
                used = cpu_seconds(server) + _cpu(asterisk, 2) - scripts
                of.ours.append(used / calls * 1e3)
    finally:
        callers.close()
    return roads


async def _call(callers: Telephones, house: House, number: str, of: Road) -> None:
    call = callers.dial(number, house.asterisk.sip_address, caller_id="+33612345678")
    call.says = SILENCE
    try:
        await asyncio.wait_for(call.until("ended"), _SECONDS)
        of.heed(call)
    except asyncio.TimeoutError:
        of.failures.append(f"nothing within {_SECONDS} s: {sorted(call.moments)}")
        call.hang_up()


def _cpu(pid: int, first: int = 0) -> float:
    """What a process took of the processor in seconds, or with 2 its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 + first : 13 + first])) / os.sysconf("SC_CLK_TCK")


def run(version: Version, rate: float, seconds: float, rounds: int, seed: int) -> dict[str, Road]:
    """Everything on one Asterisk, from its start to its end."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        house = House(
            Path(folder),
            obtain(version),
            running,
            configuration=CONFIGURATION,
            voices={},
            packets=PACKETS,
            extensions=EXTENSIONS,
        )
        sound = house.sound(ANNOUNCED)
        least = house.asterisk.agi_bin / "least"
        program = MINIMAL.replace('"x"', f'"{sound}"')
        least.write_text(f"#!{sys.executable} -IS\n{program}")
        least.chmod(0o755)
        house.asterisk.command(f"dialplan set global SOUND {sound}")
        house.asterisk.command(f"dialplan set global SERVER 127.0.0.1:{house.server.port}")
        return asyncio.run(measure(house, rate, seconds, rounds, seed))


def table(roads: Mapping[str, Road]) -> str:
    """What was measured: silences in ms, CPU in ms a call, medians of the blocks."""
    head = f"{'median':>7} {'p95':>7} {'p99':>7} {'max':>7}"
    lines = [
        f"{'ms':16} | {'begin':^31} | {'end':^31} | {'CPU a call':^26} |",
        f"{'road':16} | {head} | {head} | Asterisk   ours ×Playback  | calls",
    ]
    plain = median(roads[PLAYBACK].asterisk)
    for road, of in roads.items():
        own, ours = median(of.asterisk), median(of.ours)
        cost = f"{own:8.2f} {ours:6.2f} {(own + ours) / plain:9.2f}"
        lines.append(
            f"{road:16} | {percentiles(of.begin)} | {percentiles(of.end)} | {cost}  | "
            f"{len(of.begin)}"
        )
        lines += [f"    FAILED: {failure}" for failure in of.failures]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a call waits and costs, at a steady rate.")
    parser.add_argument("--asterisk", choices=("16", "22"), default="22")
    parser.add_argument("--rate", type=float, default=40.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    load = f"load of the machine before: {os.getloadavg()[0]}"
    print(
        f"Asterisk {given.asterisk}, {given.rate} calls/s, --seed {given.seed}; {load}", flush=True
    )
    print(table(run(given.asterisk, given.rate, given.seconds, given.rounds, given.seed)))


if __name__ == "__main__":
    main()
