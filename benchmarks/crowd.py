"""People who call, and people who answer, for ``soak``: what they do is at random, by a seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .house import CALLERS, House
from .judging import Judged, heard_whole, story, too_early, waits
from .telephones import Call, Telephones

#: The length of every sentence in packets of 20 ms.
PACKETS = 50
POSSIBLE = "fr/possible-ma-tn"
#: What tells where the agents of a series are, and the tone that they say.
ANSWERED = {"2": "fr/answered-ma", "3": "fr/answered-tn"}
VOICES = {"2": 1000, "3": 1400}

#: However long anything takes, people have had enough then. In seconds.
_PATIENCE = 60.0
_STUCK = "nothing went on"


def number_of(line: int) -> str:
    """The number that a line calls."""
    return f"018481{line:04}"


def agents_of(line: int) -> tuple[str, str]:
    """Who may answer there."""
    return f"2{line:03}", f"3{line:03}"


@dataclass(frozen=True)
class Ending:
    """When a caller hangs up: some seconds after something that was heard."""

    name: str
    often: int
    after: tuple[str, ...]
    seconds: tuple[float, float]


#: Without ``after`` it is after the first word of an agent, and the unit is the longest talk.
ENDINGS = (
    Ending("at once", 1, ("invited",), (0.0, 0.2)),
    Ending("in the first sentence", 1, (POSSIBLE,), (0.0, 1.0)),
    Ending("while telephones ring", 2, (POSSIBLE,), (1.0, 3.0)),
    Ending("in the second sentence", 2, tuple(ANSWERED.values()), (0.0, 1.1)),
    Ending("in the conversation", 6, (), (0.0, 1.0)),
)


@dataclass(frozen=True)
class Past:
    """A call that is over: its line, when it began and ended, the sounds that were heard whole."""

    line: int
    began: float
    ended: float
    whole: tuple[str, ...]


class Crowd:
    """The telephones of so many lines, each with a caller who calls again and again, and two
    agents. They talk for up to ``talk`` seconds, and nobody may wait longer than ``limit``."""

    def __init__(self, house: House, lines: int, seed: int, talk: float, limit: float) -> None:
        self.judged = Judged()
        self.past: list[Past] = []
        self.loop = asyncio.get_running_loop()
        self._house = house
        self._lines = lines
        self._seed = seed
        self._talk = talk
        self._limit = limit
        self._open = asyncio.Event()
        self._closing = False
        self._legs: dict[str, list[Call]] = {}
        self._tells = {
            **{agent: ANSWERED[agent[0]] for line in range(lines) for agent in agents_of(line)},
            **{f"{hz} Hz": ANSWERED[series] for series, hz in VOICES.items()},
        }
        self._served: Counter[str] = Counter()
        self._work: set[asyncio.Task[None]] = set()
        self._callers = Telephones(house.ear, CALLERS)
        self._agents = Telephones(
            house.ear, port=house.agents_port, on_call=self._rings, listens=False
        )

    async def run(self, seconds: float, disturb: Callable[[Crowd], None]) -> None:
        """Call for so many seconds, while ``disturb`` does its work in a thread of its own; return
        when the last of them has hung up."""
        self._open.set()
        lines = [asyncio.create_task(self._line(line)) for line in range(self._lines)]
        disturbing = asyncio.create_task(asyncio.to_thread(disturb, self))
        await asyncio.sleep(seconds)
        await disturbing
        self._closing = True
        await asyncio.gather(*lines)
        await asyncio.gather(*self._work)

    def close(self) -> None:
        """Let go of all ports."""
        self._callers.close()
        self._agents.close()

    def shut(self) -> None:
        """Asterisk has died: every call is over, and there are no new ones until ``reopen``."""
        self._open.clear()
        self._callers.drop()
        self._agents.drop()

    def reopen(self) -> None:
        """Asterisk is there again."""
        self._open.set()

    # -- callers -------------------------------------------------------------------------------

    async def _line(self, line: int) -> None:
        start = random.Random(f"{self._seed} {line}").uniform(0, min(10.0, self._lines / 20))
        await asyncio.sleep(start)
        for number in range(10_000):
            await self._open.wait()
            if self._closing:
                return
            chance = random.Random(f"{self._seed} {line} {number}")
            await self._call(line, f"+33{line + 6000:04}{number:05}", chance)
            await asyncio.sleep(chance.uniform(0, 0.5))

    async def _call(self, line: int, caller_id: str, chance: random.Random) -> None:
        legs = self._legs[caller_id] = []
        server = self._house.asterisk.sip_address
        call = self._callers.dial(number_of(line), server, caller_id=caller_id)
        at_once = sum(not other.over for other in self._callers.calls.values())
        self.judged.most_at_once = max(self.judged.most_at_once, at_once)
        (ending,) = chance.choices(ENDINGS, [ending.often for ending in ENDINGS])
        try:
            await asyncio.wait_for(call.until(*(ending.after or agents_of(line))), _PATIENCE)
            unit = 1.0 if ending.after else self._talk
            await _pause(call, unit * chance.uniform(*ending.seconds))
            how = ending.name
        except asyncio.TimeoutError:
            how = _STUCK
        how = f"by the other side ({call.status})" if call.over else how
        call.hang_up()
        for leg in legs:
            await _pause(leg, self._limit + 1.0)
        self._judge(line, call, legs, how)
        del self._legs[caller_id]

    def _judge(self, line: int, call: Call, legs: list[Call], ending: str) -> None:
        judged, ear = self.judged, self._house.ear
        judged.calls += 1
        judged.cut_off += call.was_cut_off
        judged.lost_packets += call.lost
        judged.connected += any(frame.name in self._tells for _, frame in call.heard)
        judged.endings["by the crash" if call.was_cut_off else ending] += 1
        # Asterisk has nowhere to send the first packet of a sound that opens the early media.
        lost = call.lost + ("early-media" in call.moments)
        whole = tuple(heard_whole(call.heard, ear, lost))
        self.past.append(Past(line, call.moments["invited"], call.moments["ended"], whole))
        if early := too_early(call.heard, self._tells, ear, lost):
            judged.problems.append(f"TOO EARLY: {early}: {story(call, legs)}")
        if any(part.was_cut_off for part in (call, *legs)):
            return
        if ending == _STUCK:
            judged.problems.append(f"{ending} for {_PATIENCE} s: {story(call, legs)}")
        for wait in waits(call, legs, POSSIBLE, self._tells):
            judged.waited(wait, self._limit, call, legs)

    # -- agents --------------------------------------------------------------------------------

    def _rings(self, leg: Call) -> None:
        leg.says = self._house.says[leg.number]
        self._served[leg.number] += 1
        chance = random.Random(f"{self._seed} {leg.number} {self._served[leg.number]}")
        if leg.other in self._legs:
            self._legs[leg.other].append(leg)
            serving = self._serve(leg, chance)
        else:
            serving = self._is_cancelled(leg)
        task = asyncio.create_task(serving)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _serve(self, leg: Call, chance: random.Random) -> None:
        """An agent who is busy, does not answer, hangs up, or is hung up."""
        kind = chance.random()
        if kind < 0.1:
            leg.refuse(486)
        elif kind < 0.2:
            await _pause(leg, _PATIENCE)
        else:
            await _pause(leg, chance.uniform(0, 2))
            leg.answer()
            await _pause(leg, _PATIENCE if kind < 0.6 else chance.uniform(0, self._talk))
        leg.hang_up()

    async def _is_cancelled(self, leg: Call) -> None:
        """The caller has hung up in the moment in which this agent was called."""
        await _pause(leg, self._limit)
        if not leg.over:
            self.judged.problems.append(f"{leg} rings although that caller has hung up")
        leg.hang_up()


async def _pause(call: Call, seconds: float) -> None:
    """Until so many seconds have passed, or the call is over."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(call.until("ended"), seconds)
