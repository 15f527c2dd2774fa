"""Calls all the while: a caller on each line who calls again and again, an agent who answers, and
for every call what was heard, and what the evidence says of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from benchmarks.crowd import number_of
from benchmarks.house import CALLERS
from benchmarks.judging import heard_whole, story, too_early
from benchmarks.telephones import SILENCE, Call, Telephones
from callcentre_disclosure.asterisk.workers import STALL_SECONDS

from .ground import PATIENCE, Ground, agent_of, road_of

#: What stands for a sentence when it was recorded anew: its name, with this behind it.
ANEW = " anew"
_REFUSED, _INSTEAD = "fr/refused", "fr/generic"
#: How long an agent is listened to, in seconds.
_TALK = 0.1
#: Nobody may hear nothing for so long, in seconds: the time after which a frozen worker is killed,
#: and a machine that has other work, too.
_LIMIT = STALL_SECONDS + 15.0
#: The first calls begin within so many seconds.
_SPREAD = 0.5


@dataclass(frozen=True)
class Past:
    """A call that is over, and what its caller heard from beginning to end."""

    line: int
    caller: str
    whole: tuple[str, ...]
    connected: bool
    untold: bool
    """An agent was heard before the sentence that tells where that agent is."""
    cut_off: bool
    waited: float
    """The longest silence, in seconds, before an agent was heard or the call was over."""
    story: str


@dataclass
class Verdict:
    """What came of the calls of a fault."""

    calls: int = 0
    connected: int = 0
    told: int = 0
    """Connected after the whole of the sentence that tells where the agent is."""
    instead: int = 0
    """Connected after a sentence that names no country, by ``on_failure``."""
    untold: int = 0
    """Connected without any, because a queue connects where its hook fails."""
    refused: int = 0
    cut_off: int = 0
    records: int = 0
    scripts: int = 0
    """Of the records, those that the script has written."""
    less: int = 0
    """Calls of which the evidence says less than was heard."""
    logged: int = 0
    """Records that could not be written, each named in the log."""
    unrecorded: int = 0
    """Sentences that were heard to the end, of which neither evidence nor log say anything."""
    longest: float = 0.0
    """The longest silence of a caller, in seconds."""
    stories: list[str] = field(default_factory=list)
    """The calls of which the evidence says less than was heard."""
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        figures = [(name, some) for name, some in vars(self).items() if not isinstance(some, list)]
        return ", ".join(f"{name} {figure:.5g}" for name, figure in figures if figure)


class Traffic:
    """The telephones of a ground, which call as long as ``run`` lets them."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.past: list[Past] = []
        self.problems: list[str] = []
        self.released = 0.0
        """How long an agent still held on when the caller was gone, in seconds, at most."""
        self.moved: dict[str, str] = {}
        """Sentences that tell where agents are now, by what told it before."""
        self._loop = asyncio.get_running_loop()
        self._serial = 0
        self._open = asyncio.Event()
        self._open.set()
        self._closing = False
        self._before = len(ground.evidence()) if (ground.ledger / "evidence.sqlite").exists() else 0
        self._logged = len(ground.log())
        self._legs: dict[str, list[Call]] = {}
        ear = ground.house.ear
        self.callers = Telephones(ear, CALLERS)
        self.agents = Telephones(ear, port=ground.house.agents_port, on_call=self._rings)

    async def run(self, work: Callable[[Traffic], None]) -> None:
        """Calls go on while ``work`` does, in a thread of its own, and come to their end."""
        lines = [asyncio.create_task(self._line(line)) for line in range(self.ground.lines)]
        try:
            await asyncio.to_thread(work, self)
        finally:
            self._closing = True
            self._open.set()
            await asyncio.gather(*lines)

    def go_on(self, calls: int | None = None) -> None:
        """Wait until so many more calls are over, one for each line: for the thread of ``work``."""
        wanted = len(self.past) + (calls or self.ground.lines)
        deadline = self._loop.time() + PATIENCE
        while len(self.past) < wanted and self._loop.time() < deadline:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.02), self._loop).result()
        assert len(self.past) >= wanted, "calls do not go on"

    def shut(self) -> None:
        """Asterisk is no more: nobody calls, and every call is over."""
        self._loop.call_soon_threadsafe(self._shut)

    def reopen(self) -> None:
        """Asterisk is there again."""
        self._loop.call_soon_threadsafe(self._open.set)

    def close(self) -> None:
        """Let go of all ports."""
        self.callers.close()
        self.agents.close()

    async def call(self, line: int, listen: Callable[[Call], Any] | None = None) -> Call:
        """One call, until both have hung up. ``listen`` returns when the caller hangs up."""
        self._serial += 1
        caller = f"+33{line + 6000:04}{self._serial:05}"
        legs = self._legs[caller] = []
        server = self.ground.asterisk.sip_address
        call = self.callers.dial(number_of(line), server, caller_id=caller)
        call.says = SILENCE
        try:
            await asyncio.wait_for((listen or self._listen)(call), PATIENCE)
        except asyncio.TimeoutError:
            self.problems.append(f"nothing went on for {PATIENCE} s: {story_of(call, legs)}")
        call.hang_up()
        for leg in legs:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(leg.until("ended"), PATIENCE)
            if not leg.over:
                self.problems.append(f"an agent is not released: {story_of(call, legs)}")
                leg.hang_up()
            self.released = max(self.released, leg.moments["ended"] - call.moments["ended"])
        self._note(line, caller, call, legs)
        del self._legs[caller]
        return call

    async def _line(self, line: int) -> None:
        await asyncio.sleep(_SPREAD * line / self.ground.lines)
        while not self._closing:
            await self._open.wait()
            if not self._closing:
                await self.call(line)

    async def _listen(self, call: Call) -> None:
        if await call.until(agent_of(int(call.number[-4:]))):
            await asyncio.sleep(_TALK)

    def _rings(self, leg: Call) -> None:
        leg.says = self.ground.house.says[leg.number]
        self._legs.setdefault(leg.other, []).append(leg)
        self._loop.call_later(0.05, self.answer, leg)

    def answer(self, leg: Call) -> None:
        """An agent picks up."""
        leg.answer()

    def _shut(self) -> None:
        self._open.clear()
        self.callers.drop()
        self.agents.drop()

    def _note(self, line: int, caller: str, call: Call, legs: Sequence[Call]) -> None:
        ear, tells = self.ground.house.ear, self.ground.tells()
        heard = [
            (at, frame._replace(name=frame.name.removesuffix(ANEW))) for at, frame in call.heard
        ]
        moved = [
            (at, frame._replace(name=self.moved.get(frame.name, frame.name))) for at, frame in heard
        ]
        voice = next((at for at, frame in heard if frame.name in tells), None)
        moments = [call.moments["invited"], *(at for at, _ in heard)]
        until = voice or call.moments["ended"]
        moments = [at for at in moments if at < until] + [until]
        self.past.append(
            Past(
                line,
                caller,
                tuple(heard_whole(heard, ear, call.lost)),
                voice is not None,
                too_early(moved, tells, ear, call.lost) is not None,
                call.was_cut_off,
                max((b - a for a, b in pairwise(moments)), default=0.0),
                story_of(call, legs),
            )
        )

    def records(self) -> list[dict[str, Any]]:
        """The evidence since the first of these calls."""
        return self.ground.evidence()[self._before :]

    def judge(self) -> Verdict:
        """Compare what was heard with what the evidence says, call by call."""
        verdict = Verdict(problems=[*self.problems])
        verdict.problems += [f"left in Asterisk: {channel}" for channel in self.ground.left()]
        records = self.records()
        numbers = self.ground.consumers([past.caller for past in self.past])
        claimed: dict[str, Counter[str]] = {past.caller: Counter() for past in self.past}
        outcomes: dict[str, list[str]] = {past.caller: [] for past in self.past}
        for record in records:
            verdict.records += 1
            verdict.scripts += record["door"] == "agi"
            caller = numbers.get(record["consumer"])
            if caller is None:
                verdict.problems.append(f"evidence of nobody's call: {record['id']}")
                continue
            outcomes[caller].append(f"{record['stage']} {record['outcome']}")
            claimed[caller].update(
                playback["sound"].rpartition("-")[0]
                for playback in record["playbacks"]
                if playback["result"] == "COMPLETE"
            )
        log = self.ground.log()[self._logged :]
        verdict.logged = sum(
            line.count(",") + 1
            for said in log
            if "no evidence of " in said
            for line in [said.partition("no evidence of ")[2].partition(":")[0]]
        )
        for past in self.past:
            self._judge(past, claimed[past.caller], outcomes[past.caller], verdict)
        verdict.unrecorded = max(0, verdict.unrecorded - verdict.logged)
        return verdict

    def _judge(
        self, past: Past, claimed: Counter[str], outcomes: Sequence[str], verdict: Verdict
    ) -> None:
        verdict.calls += 1
        verdict.longest = max(verdict.longest, past.waited)
        if past.waited > _LIMIT:
            verdict.problems.append(f"silence of {past.waited:.1f} s: {past.story}")
        heard = Counter(past.whole)
        if more := claimed - heard:
            verdict.problems.append(f"the evidence says more than was heard: {more}: {past.story}")
        if less := heard - claimed:
            verdict.less += 1
            verdict.stories.append(f"the evidence says less: {dict(less)}: {past.story}")
        # That nobody can be connected is no announcement; where the dialplan said it, there is no
        # evidence but a line in Asterisk's log.
        verdict.unrecorded += len(set(heard) - set(claimed) - {_REFUSED, _INSTEAD})
        if past.cut_off:
            verdict.cut_off += 1
        elif past.connected:
            verdict.connected += 1
            self._judge_connected(past, outcomes, verdict)
        elif _REFUSED in past.whole and road_of(past.line).endswith("refuse"):
            verdict.refused += 1
        else:
            verdict.problems.append(f"a call is lost: {outcomes} {past.story}")

    def _judge_connected(self, past: Past, outcomes: Sequence[str], verdict: Verdict) -> None:
        if not past.untold:
            verdict.told += 1
        elif road_of(past.line).endswith("refuse"):
            verdict.problems.append(f"connected untold: {outcomes} {past.story}")
        elif any(outcome in ("answered NOT_DISCLOSED", "answered PARTIAL") for outcome in outcomes):
            verdict.instead += 1
        else:
            verdict.untold += 1


def story_of(call: Call, legs: Sequence[Call]) -> str:
    """A call for people to read, over or not."""
    if call.over:
        return story(call, legs)
    return f"{call}: {sorted(call.moments)}, {[(str(leg), sorted(leg.moments)) for leg in legs]}"
