"""``make bench-calls``: how long a caller and an agent wait, on a real Asterisk, road by road.

    python -m benchmarks.connecting [--asterisk 22] [--calls 100] [--at-once 3] [--road NAME]...

Two silences, of calls that are answered already and told one sentence when the agent has answered:

- *begin*: from the agent's 200 OK to the first packet of the announcement at the caller;
- *end*: from the end of its last packet (20 ms after it came) to the first packet of the agent.

The sound file begins and ends with a sound, so nothing of either silence is in the file. Every road
gets a call in turn, so that whatever else happens on the machine happens to all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from callcentre_disclosure.testing.installation import Version, obtain
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from tests.call_centre import AriHandler

from .ears import Ear
from .house import CALLERS, House
from .judging import described
from .telephones import SILENCE, Call, Telephones

#: The roads, each with the agent who is called there.
ARI, SHORTEST, SHORTEST_WEBSOCKET = "ari", "shortest-http", "shortest-websocket"
QUEUE, DIAL, OWN = "queue", "dial", "Dial(rA())"
ROADS: Mapping[str, str] = {
    ARI: "201",
    SHORTEST: "202",
    SHORTEST_WEBSOCKET: "203",
    QUEUE: "204",
    DIAL: "205",
    OWN: "206",
}
ANNOUNCED = "fr/answered-ma"
#: The announcement's length in packets of 20 ms.
PACKETS = 30
_NUMBER = "0184880{}"
_SECONDS = 15.0
#: Multiples of this are spread evenly over the whole numbers' remainders, however many they are.
_GOLDEN = 0.618034

CONFIGURATION = f"""\
sites:
  casablanca: {{country: MA}}
agents:
  PJSIP/2??: {{site: casablanca}}
queues:
  bench: {{sites: [casablanca]}}
profiles:
  answered: {{stages: [answered]}}
routes:
  ari: {{numbers: ["{_NUMBER.format("201")}"], dial: [PJSIP/201], profile: answered}}
  queue: {{numbers: ["{_NUMBER.format("204")}"], queue: bench, profile: answered}}
  dial: {{numbers: ["{_NUMBER.format("205")}"], dial: [PJSIP/205], profile: answered}}
"""

QUEUES = """\
[bench]
setinterfacevar=yes
ringinuse=no
strategy=linear
timeout=8
retry=1
member => PJSIP/204
"""

#: Without ``r`` one of ten callers hears a packet of the agent before Asterisk notes the answer.
#: ``SOUND`` is known once there is a house; it is a global variable of Asterisk.
EXTENSIONS = f"""\
exten => {_NUMBER.format("201")},1,Answer()
 same => n,Stasis(callcentre-disclosure,dial=route)
 same => n,Hangup()
exten => {_NUMBER.format("202")},1,Answer()
 same => n,Stasis({SHORTEST},PJSIP/202,${{SOUND}})
 same => n,Hangup()
exten => {_NUMBER.format("203")},1,Answer()
 same => n,Stasis({SHORTEST_WEBSOCKET},PJSIP/203,${{SOUND}})
 same => n,Hangup()
exten => {_NUMBER.format("206")},1,Answer()
 same => n,Dial(PJSIP/206,20,rA(:${{SOUND}}))
 same => n,Hangup()
"""


@dataclass
class Waits:
    """The silences of the calls of one road, in milliseconds."""

    begin: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def heed(self, caller: Call, leg: Call, ear: Ear, agent: str) -> None:
        """Take note of a call, which must have been as it should be."""
        told = [(at, frame.number) for at, frame in caller.heard if frame.name == ANNOUNCED]
        voice = [at for at, frame in caller.heard if frame.name in ear.voices]
        if [number for _, number in told] != list(range(PACKETS)) or not voice:
            self.failures.append(described(caller.heard, leg.moments["answered"]))
        elif voice[0] < told[-1][0]:
            self.failures.append(f"too early: {described(caller.heard, leg.moments['answered'])}")
        else:
            self.begin.append((told[0][0] - leg.moments["answered"]) * 1000)
            self.end.append((caller.moments[agent] - told[-1][0] - 0.02) * 1000)


class Exchange:
    """The telephones of the callers and of the agents, for one call at a time on each road."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._answered: Counter[str] = Counter()
        self._legs: dict[str, asyncio.Future[Call]] = {}
        self.callers = Telephones(house.ear, CALLERS)
        self.agents = Telephones(house.ear, port=house.agents_port, on_call=self._ring)

    def _ring(self, call: Call) -> None:
        call.says = self.house.says[call.number]
        # Agents answer at every moment between two of their packets alike, so that the time until
        # the next of them, half of which is in every silence, makes no difference between roads.
        phase = self._answered[call.number] * _GOLDEN % 1.0
        self._answered[call.number] += 1
        asyncio.get_running_loop().call_at(self.agents.moment(0.1, phase), call.answer)
        if not self._legs[call.number].done():  # else called a second time, which is told there
            self._legs[call.number].set_result(call)

    async def call(self, agent: str, waits: Waits) -> None:
        """One call, from the caller's INVITE until both have hung up."""
        self._legs[agent] = asyncio.get_running_loop().create_future()
        server = self.house.asterisk.sip_address
        caller = self.callers.dial(_NUMBER.format(agent), server, caller_id="+33612345678")
        caller.says = SILENCE
        try:
            leg = await asyncio.wait_for(self._legs[agent], _SECONDS)
            await asyncio.wait_for(caller.until(agent), _SECONDS)
            await asyncio.sleep(0.06)
            caller.hang_up()
            await asyncio.wait_for(leg.until("ended"), _SECONDS)
            waits.heed(caller, leg, self.house.ear, agent)
        except asyncio.TimeoutError:
            waits.failures.append(f"nothing within {_SECONDS} s: {sorted(caller.moments)}")
            caller.hang_up()

    def close(self) -> None:
        self.callers.close()
        self.agents.close()


async def measure(
    house: House, roads: Sequence[str], calls: int, at_once: int, seed: int
) -> dict[str, Waits]:
    """So many calls on each of the roads, which take turns."""
    chance = random.Random(seed)
    exchange = Exchange(house)
    waits = {road: Waits() for road in roads}
    turns = [road for _ in range(calls) for road in chance.sample(roads, len(roads))]
    free = {road: asyncio.Lock() for road in roads}
    places = asyncio.Semaphore(at_once)

    async def take(road: str) -> None:
        async with free[road]:
            await exchange.call(ROADS[road], waits[road])
        places.release()

    try:
        tasks = []
        for road in turns:
            await places.acquire()
            tasks.append(asyncio.create_task(take(road)))
        await asyncio.gather(*tasks)
    finally:
        exchange.close()
    return waits


@contextmanager
def shortest(asterisk: PrivateAsterisk, application: str) -> Iterator[None]:
    """The shortest ARI application, at work."""
    command = [sys.executable, "-m", "benchmarks.shortest"]
    command += [f"http://127.0.0.1:{asterisk.http_port}", asterisk.ari_user, application]
    if application == SHORTEST_WEBSOCKET:
        command.append("--over-websocket")
    environment = {**os.environ, "ARI_PASSWORD": asterisk.ari_password}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "connected\n"
            yield
        finally:
            process.terminate()


def run(
    version: Version, roads: Sequence[str], calls: int, at_once: int, seed: int
) -> dict[str, Waits]:
    """Everything on one Asterisk, from its start to its end."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        house = House(
            Path(folder),
            obtain(version),
            running,
            configuration=CONFIGURATION,
            voices=dict.fromkeys(ROADS.values(), 1000),
            packets=PACKETS,
            extensions=EXTENSIONS,
            queues=QUEUES,
        )
        house.asterisk.command(f"dialplan set global SOUND {house.sound(ANNOUNCED)}")
        house.connect_handler_to(house.asterisk.http_port)
        handler = AriHandler(house.centre)
        running.callback(handler.stop)
        for application in (SHORTEST, SHORTEST_WEBSOCKET):
            if application in roads:
                running.enter_context(shortest(house.asterisk, application))
        return asyncio.run(measure(house, roads, calls, at_once, seed))


def table(waits: Mapping[str, Waits]) -> str:
    """What was measured, in milliseconds."""
    lines = [
        f"{'ms':20} | {'begin':^31} | {'end':^31}",
        f"{'road':20} | {_HEAD} | {_HEAD} | calls",
    ]
    for road, of in waits.items():
        lines.append(
            f"{road:20} | {percentiles(of.begin)} | {percentiles(of.end)} | {len(of.begin)}"
        )
        lines += [f"    FAILED: {failure}" for failure in of.failures]
    return "\n".join(lines)


_HEAD = f"{'median':>7} {'p95':>7} {'p99':>7} {'max':>7}"


def percentiles(figures: Sequence[float]) -> str:
    if not figures:
        return " " * len(_HEAD)
    ordered = sorted(figures)
    points = [ordered[math.ceil(len(ordered) * share) - 1] for share in (0.95, 0.99)]
    return " ".join(f"{figure:7.1f}" for figure in (median(ordered), *points, ordered[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a caller and an agent wait.")
    parser.add_argument("--asterisk", choices=("16", "22"), default="22")
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--road", choices=ROADS, action="append")
    given = parser.parse_args()
    roads = [road for road in ROADS if road in (given.road or ROADS)]
    if given.asterisk == "16" and SHORTEST_WEBSOCKET in roads:
        roads.remove(SHORTEST_WEBSOCKET)
    load = f"load of the machine before: {os.getloadavg()[0]}"
    print(f"Asterisk {given.asterisk}, {given.at_once} at once, --seed {given.seed}; {load}")
    sys.stdout.flush()
    print(table(run(given.asterisk, roads, given.calls, given.at_once, given.seed)))


if __name__ == "__main__":
    main()
