"""``make soak``: hundreds of calls at once in the ARI event handler, and everything goes wrong.

    python -m benchmarks.soak [--lines 200] [--seconds 180] [--talk 20] [--cuts 10] [--restarts 1]
                              [--seed N]

Callers and agents hang up at random, in every state of a call; agents are busy, or do not answer;
the connection between the handler and Asterisk is cut again and again, and Asterisk crashes and
comes back. Who comes while the handler is not connected is told by the FastAGI server, by the
dialplan that we write. The telephones judge by the packets that they get:

- nobody hears an agent before the whole of the sentence that tells where that agent is;
- nobody waits for us longer than ``LIMIT``: for the first sentence, for the second, for the agent
  after it, and to be released when the other one has hung up;
- the evidence never says that something was heard to its end that was not;

and when everybody has hung up Asterisk has neither a channel nor a bridge, and the handler ends at
once, without a call in its hands.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from callcentre_disclosure.asterisk.stasis.line import REQUEST_SECONDS
from callcentre_disclosure.testing.installation import Installation, obtain
from tests.integration.faults import Handler, what_is_left
from tests.integration.wire import Wire

from .crowd import PACKETS, VOICES, Crowd, agents_of, number_of
from .house import House
from .judging import Judged

#: Nobody may wait longer for us, in seconds: the time that the handler gives one question to
#: Asterisk, a connection that breaks and comes back included, and a second for the machine.
LIMIT = REQUEST_SECONDS + 1.0
#: Everything must be as if nothing had been so many seconds after the last call.
_SETTLED = 15.0

EXTENSIONS = """\
exten => _018481XXXX,1,Stasis(callcentre-disclosure,dial=route,seconds=5)
 same => n,GotoIf($["${DIALSTATUS}" = ""]?disclosure-inbound,${EXTEN},1)
 same => n,Hangup()
"""


def configuration(lines: int) -> str:
    """A route for each line, with two agents of its own."""
    kinds = ("dial: [{}&{}]", "dial: [{}, {}]", "dial: [{}&{}], media: early", "dial: [{1}, {0}]")
    routes = "".join(
        f"  line{line}: {{numbers: ['{number_of(line)}'], sites: [casablanca, tunis], "
        + kinds[line % len(kinds)].format(*(f"PJSIP/{agent}" for agent in agents_of(line)))
        + "}\n"
        for line in range(lines)
    )
    return f"""\
sites:
  casablanca: {{country: MA}}
  tunis: {{country: TN}}
agents:
  PJSIP/2???: {{site: casablanca}}
  PJSIP/3???: {{site: tunis}}
routes:
{routes}"""


class Disturber:
    """Cuts the connection, and lets Asterisk crash, at random moments of so many seconds. Between
    two of them the handler is left alone long enough to trust its connection again."""

    def __init__(
        self, house: House, wire: Wire, seconds: float, cuts: int, restarts: int, seed: int
    ) -> None:
        self._house, self._wire = house, wire
        self._chance = random.Random(f"{seed} disturbs")
        works: list[Callable[[Crowd], None]] = [self._cut] * cuts
        for _ in range(restarts):
            works.insert(len(works) // 2, self._crash)
        share = seconds / (len(works) + 1)
        self._works = [
            (share * (number + self._chance.uniform(-0.1, 0.1)), work)
            for number, work in enumerate(works, 1)
        ]

    def __call__(self, crowd: Crowd) -> None:
        """In a thread of its own, next to the event loop of the crowd."""
        began = time.monotonic()
        for at, work in self._works:
            time.sleep(max(0.0, began + at - time.monotonic()))
            work(crowd)

    def _cut(self, _: Crowd) -> None:
        self._wire.cut()
        time.sleep(self._chance.choice((0.0, 0.1, 0.5, 1.5)))
        self._wire.mend()

    def _crash(self, crowd: Crowd) -> None:
        self._house.asterisk.crash()
        crowd.loop.call_soon_threadsafe(crowd.shut)
        self._house.asterisk.restart()
        crowd.loop.call_soon_threadsafe(crowd.reopen)


def run(
    installation: Installation,
    folder: Path,
    *,
    lines: int,
    seconds: float,
    talk: float,
    cuts: int,
    restarts: int,
    seed: int,
) -> Judged:
    """All of it, from the start of an Asterisk to its end."""
    with ExitStack() as running:
        house = House(
            folder,
            installation,
            running,
            configuration=configuration(lines),
            voices={agent: VOICES[agent[0]] for line in range(lines) for agent in agents_of(line)},
            packets=PACKETS,
            extensions=EXTENSIONS,
        )
        wire = running.enter_context(Wire(house.asterisk.http_port))
        house.connect_handler_to(wire.port)
        handler = Handler(house.centre)
        running.callback(handler.hang_up_the_log)
        running.callback(handler.process.kill)

        async def soak() -> Judged:
            crowd = Crowd(house, lines, seed, talk, LIMIT)
            disturber = Disturber(house, wire, seconds, cuts, restarts, seed)
            try:
                await crowd.run(seconds, disturber)
                await asyncio.to_thread(_settle, house, handler, crowd.judged)
            finally:
                crowd.close()
            _compare(house, crowd)
            return crowd.judged

        return asyncio.run(soak())


def _settle(house: House, handler: Handler, judged: Judged) -> None:
    """Everybody has hung up: nothing of it all may be left."""
    deadline = time.monotonic() + _SETTLED
    while (left := what_is_left(house.asterisk)) and time.monotonic() < deadline:
        time.sleep(0.1)
    shown = house.asterisk.command("core show channels")
    if left or "0 active channels" not in shown:
        judged.problems.append(f"left in Asterisk: {left} {shown}")
    judged.notes.append(f"the handler's processor time: {_processor_seconds(handler):.1f} s")
    try:
        handler.ends_within(1.0)
    except AssertionError as problem:
        judged.problems.append(f"the handler does not end as it should: {problem}")
    said = Counter(map(_kind, handler.said))
    judged.notes += [f"the handler said {n} times: {what}" for what, n in said.most_common()]


def _compare(house: House, crowd: Crowd) -> None:
    """What the evidence says was played to the end was heard to the end."""
    outcomes: Counter[str] = Counter()
    recorded: dict[int, list[tuple[float, list[str]]]] = {}
    for record in house.centre.evidence():
        outcomes[f"{record['outcome']} by {record['door']}"] += 1
        whole = [
            playback["sound"].rpartition("-")[0]
            for playback in record["playbacks"]
            if playback["result"] == "COMPLETE"
        ]
        at = datetime.fromisoformat(record["received_at"]).timestamp()
        recorded.setdefault(int(record["dialled_number"][-4:]), []).append((at, whole))
    modest = 0
    for past in crowd.past:
        claimed: Counter[str] = Counter()
        for at, whole in recorded.get(past.line, ()):
            if past.began <= at < past.ended:
                claimed.update(whole)
        heard = Counter(past.whole)
        modest += bool(heard - claimed)
        if claimed - heard:
            when = time.strftime("%H:%M:%S", time.localtime(past.began))
            crowd.judged.problems.append(
                f"line {past.line} at {when}: the evidence says more than was heard: "
                f"{dict(claimed)} and {dict(heard)}"
            )
    crowd.judged.notes.append(
        f"evidence: {dict(outcomes)}; of {modest} calls it says less than was heard"
    )


def _processor_seconds(handler: Handler) -> float:
    """What its worker has used, user and system."""
    children = Path(f"/proc/{handler.process.pid}/task/{handler.process.pid}/children").read_text()
    fields = [Path(f"/proc/{pid}/stat").read_text().split() for pid in children.split()]
    return sum(int(stat[13]) + int(stat[14]) for stat in fields) / 100


def _kind(line: str) -> str:
    """What a line of the log is about, whichever call it is."""
    try:
        said = json.loads(line)
        message = f"{said['level']}: {said['message']}"
    except (ValueError, KeyError):
        message = line.strip()
    message = re.sub(r"\S*[-.:]\d{4,}\S*|[0-9a-f]{8,}\S*|\d+\.\d+", "…", message)
    return re.sub(r"progress: \d+", "progress: …", message)[:160]


def main() -> None:
    parser = argparse.ArgumentParser(description="Hundreds of calls, and everything goes wrong.")
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--talk", type=float, default=20.0, help="seconds, at most")
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--restarts", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    print(f"--seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        judged = run(
            obtain("22"),
            Path(folder),
            lines=given.lines,
            seconds=given.seconds,
            talk=given.talk,
            cuts=given.cuts,
            restarts=given.restarts,
            seed=given.seed,
        )
    print(judged.table())
    sys.exit(bool(judged.problems))


if __name__ == "__main__":
    main()
