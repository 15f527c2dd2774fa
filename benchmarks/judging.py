"""Whether callers heard what they had to hear, by the packets that their telephones got."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from .ears import Ear, Frame
from .telephones import Call

#: Longer waits than this, in seconds, are worth a look.
_NOTABLE = 1.0

Heard = Sequence[tuple[float, Frame]]


def too_early(heard: Heard, tells: Mapping[str, str], ear: Ear, lost: int = 0) -> str | None:
    """Why a caller heard an agent too early: before the whole of the sentence that ``tells`` where
    that agent is. None where they did not. ``lost`` packets never came to the telephone."""
    told: set[str] = set()
    for at, name, whole in _heard(heard, ear, lost):
        if whole:
            told.add(name)
        elif name in tells and tells[name] not in told:
            return f"{name} is heard {at - heard[0][0]:.3f} s after the first packet"
    return None


def heard_whole(heard: Heard, ear: Ear, lost: int = 0) -> list[str]:
    """The sounds that were heard from their first packet to their last, as often as they were."""
    return [name for _, name, whole in _heard(heard, ear, lost) if whole]


def _heard(heard: Heard, ear: Ear, lost: int) -> Iterator[tuple[float, str, bool]]:
    """Each packet, and whether it is the last of a sound of which all came."""
    said: dict[str, list[int]] = {}
    for at, frame in heard:
        whole = False
        if frame.name in ear.lengths:
            numbers = said.setdefault(frame.name, [])
            numbers.append(frame.number)
            whole = ear.complete(frame.name, numbers, lost)
        yield at, frame.name, whole


def runs(heard: Heard) -> Iterator[tuple[str, int, float, float]]:
    """What was heard in a row: its name, how many packets, when the first and the last came."""
    begin = 0
    for index, (at, frame) in enumerate(heard):
        following = heard[index + 1][1].name if index + 1 < len(heard) else None
        if following != frame.name:
            yield frame.name, index + 1 - begin, heard[begin][0], at
            begin = index + 1


def described(heard: Heard, since: float) -> str:
    """What was heard, and when in milliseconds: ``fr/answered-ma*30@2-583 201*4@600-660``."""
    parts = (
        f"{name}*{count}@{(first - since) * 1000:.0f}-{(last - since) * 1000:.0f}"
        for name, count, first, last in runs(heard)
    )
    return " ".join(parts)


def story(call: Call, legs: Sequence[Call]) -> str:
    """A call and its legs, in milliseconds since its beginning."""
    began = call.moments["invited"]
    at = time.strftime("%H:%M:%S", time.localtime(began))
    told = [
        f"{leg.number}: "
        + " ".join(f"{what} {(when - began) * 1000:.0f}" for what, when in leg.moments.items())
        + (" (by us)" if leg.by_us else "")
        for leg in legs
    ]
    ended = f"ended {(call.moments['ended'] - began) * 1000:.0f}" + (" (by us)" * call.by_us)
    return f"{call} at {at}: {'; '.join((described(call.heard, began), *told, ended))}"


def waits(call: Call, legs: Sequence[Call], first: str, tells: Mapping[str, str]) -> Iterator[Wait]:
    """For how long somebody waited for us in a call that is over; who hangs up waits no more.

    ``first`` is the sentence before anybody is called.
    """
    ended = call.moments["ended"]
    rows = list(runs(call.heard))
    began = call.moments["invited"]
    yield Wait("for the first sentence", min(call.moments.get(first, ended), ended) - began)
    answered = [leg for leg in legs if "answered" in leg.moments]
    if answered:
        leg = min(answered, key=lambda leg: leg.moments["answered"])
        yield from _waits_for(leg, rows, _gone(leg, ended), tells[leg.number])
    for leg in answered:
        gone = _gone(leg, ended)
        voice = [at for name, _, at, _ in rows if name == leg.number]
        if leg.by_us and any(leg.moments["answered"] < at < gone for at in voice):
            # Where the connection was cut, another agent may be called instead.
            next_heard = (at for _, _, at, _ in rows if at > gone + 0.1)
            yield Wait("for what follows when the agent has left", next(next_heard, ended) - gone)
    for leg in legs:
        if call.by_us:
            released = leg.moments.get("ended", time.time())
            since = max(ended, leg.moments["invited"])
            yield Wait("to be released by the caller", max(0.0, released - since))


def _waits_for(
    leg: Call, rows: Sequence[tuple[str, int, float, float]], gone: float, sentence: str
) -> Iterator[Wait]:
    """Between the first answer and the conversation."""
    answered = leg.moments["answered"]
    begins = [first for name, _, first, _ in rows if name == sentence and first > answered]
    yield Wait("for the second, after the answer", min([gone, *begins]) - answered)
    ends = [last for name, _, first, last in rows if name == sentence and answered < first < gone]
    if ends and ends[-1] < gone:
        voice = [first for name, _, first, _ in rows if name == leg.number and first > ends[-1]]
        yield Wait("for the agent, after it", max(0.0, min([gone, *voice]) - ends[-1] - 0.02))


def _gone(leg: Call, ended: float) -> float:
    return min(leg.moments.get("ended", time.time()), ended)


@dataclass(frozen=True)
class Wait:
    """A time in which somebody waited for us; ``what`` for."""

    what: str
    seconds: float


@dataclass
class Judged:
    """What came of many calls: ``problems`` are those that may not be."""

    calls: int = 0
    connected: int = 0
    cut_off: int = 0
    most_at_once: int = 0
    lost_packets: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    longest: dict[str, str] = field(default_factory=dict)
    """The call of the longest wait of each kind."""
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def waited(self, wait: Wait, limit: float, call: Call, legs: Sequence[Call]) -> None:
        """Take note of a wait."""
        so_far = max(self.waits[wait.what], default=0.0)
        self.waits[wait.what].append(wait.seconds)
        if wait.seconds > min(so_far, limit):
            self.longest[wait.what] = story(call, legs)
        if wait.seconds > limit:
            self.problems.append(f"{wait.what} {wait.seconds:.3f} s: {story(call, legs)}")

    def table(self) -> str:
        """For people."""
        lines = [
            f"{self.calls} calls, {self.most_at_once} at once, {self.connected} connected, "
            f"{self.cut_off} cut off by a crash; {self.lost_packets} packets lost",
            "hung up: " + ", ".join(f"{n} {what}" for what, n in sorted(self.endings.items())),
        ]
        for what, seconds in sorted(self.waits.items()):
            ordered = sorted(seconds)
            p99 = ordered[math.ceil(len(ordered) * 0.99) - 1]
            lines.append(
                f"{what:40} median {median(ordered):.3f} s, p99 {p99:.3f}, max {ordered[-1]:.3f} "
                f"({len(ordered)})"
            )
            if ordered[-1] > _NOTABLE:
                lines.append(f"    the longest: {self.longest[what]}")
        return "\n".join([*lines, *self.notes, *(f"PROBLEM: {what}" for what in self.problems)])
