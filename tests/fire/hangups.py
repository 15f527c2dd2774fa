"""Callers who hang up at each moment of an announcement: each 10 ms, in both sentences."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.crowd import ANSWERED, POSSIBLE
from benchmarks.telephones import Call

from .ground import Ground
from .traffic import Traffic, Verdict

#: What is played until Asterisk has the BYE, and counts it in whole packets, in seconds.
_TOLERANCE = 0.1


@dataclass
class Left:
    """What became of callers who left in a sentence, each at another moment of it."""

    calls: int = 0
    whole: int = 0
    """Who had heard all of it; the others are ABANDONED in the evidence."""
    furthest: float = 0.0
    """How far, in seconds, the evidence is from what was heard, at most."""
    longest: float = 0.0
    """How long, in seconds, an agent who had answered waited to be released, at most."""
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.calls} calls, {self.whole} heard it to its end; the evidence is "
            f"{self.furthest:.3f} s from what was heard at most, an agent was released within "
            f"{self.longest:.3f} s"
        )


def leave_at(ground: Ground, sentence: str, moments: Sequence[float]) -> Left:
    """A call on each line at a time, each ended so many seconds after the first packet of a
    sentence came."""

    async def calls() -> tuple[Traffic, dict[str, Call], Verdict]:
        traffic = Traffic(ground)
        done: dict[str, Call] = {}
        waiting = list(moments)

        async def line(number: int) -> None:
            while waiting:
                moment = waiting.pop(0)

                async def listen(call: Call, moment: float = moment) -> None:
                    if await call.until(sentence):
                        at = call.moments[sentence] + moment
                        await asyncio.sleep(max(0.0, at - time.time()))

                call = await traffic.call(number, listen)
                done[traffic.past[-1].caller] = call

        async def one_after_another(number: int) -> None:
            await asyncio.sleep(0.3 * number / ground.lines)
            await line(number)

        try:
            await asyncio.gather(*map(one_after_another, range(ground.lines)))
            return traffic, done, await asyncio.to_thread(traffic.judge)
        finally:
            traffic.close()

    traffic, done, verdict = asyncio.run(calls())
    left = Left(calls=len(done), longest=traffic.released)
    left.problems = [what for what in verdict.problems if "a call is lost" not in what]
    stage = "possible" if sentence == POSSIBLE else "answered"
    records: dict[str, list[dict[str, Any]]] = {}
    numbers = ground.consumers(list(done))
    for record in traffic.records():
        if record["stage"] == stage and record["consumer"] in numbers:
            records.setdefault(numbers[record["consumer"]], []).append(record)
    for caller, call in done.items():
        _compare(left, ground, sentence, call, records.get(caller, []))
    return left


def _compare(
    left: Left, ground: Ground, sentence: str, call: Call, records: Sequence[dict[str, Any]]
) -> None:
    packets = sum(frame.name == sentence for _, frame in call.heard)
    heard = packets * 0.02
    left.whole += packets == ground.house.ear.lengths[sentence]
    if len(records) != 1:
        left.problems.append(f"{len(records)} records of one announcement: {call}")
        return
    (record,) = records
    (playback,) = record["playbacks"]
    left.furthest = max(left.furthest, abs(playback["played"] - heard))
    if abs(playback["played"] - heard) > _TOLERANCE:
        left.problems.append(f"{playback['played']} s by the evidence, {heard} s heard: {call}")
    if record["outcome"] not in ("ABANDONED", "DISCLOSED"):
        left.problems.append(f"{record['outcome']}: {call}")


#: The sentences, and what is said of them in a table.
SENTENCES = {POSSIBLE: "the first sentence", ANSWERED["2"]: "the second, an agent waits"}


class _Crossing(Traffic):
    """Callers who hang up in the moment in which the agent picks up, or a moment later."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._leaving: dict[int, tuple[Call, float]] = {}

    async def leave(self, line: int, seconds: float) -> None:
        """One of them."""

        async def listen(call: Call) -> None:
            self._leaving[line] = call, seconds
            await call.until("ended")

        await self.call(line, listen)

    def answer(self, leg: Call) -> None:
        super().answer(leg)
        call, seconds = self._leaving[int(leg.number[-3:])]
        asyncio.get_running_loop().call_later(seconds, call.hang_up)


def leave_at_the_answer(ground: Ground, moments: Sequence[float]) -> list[str]:
    """A call on each line at a time, each ended so many seconds after its agent has picked up;
    returns what is wrong: an agent who is not released."""

    async def calls() -> list[str]:
        traffic = _Crossing(ground)
        waiting = list(moments)

        async def one_after_another(line: int) -> None:
            while waiting:
                await traffic.leave(line, waiting.pop(0))

        try:
            await asyncio.gather(*map(one_after_another, range(ground.lines)))
        finally:
            traffic.close()
        return traffic.problems

    return asyncio.run(calls())
