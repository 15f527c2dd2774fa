"""Telling the caller, and what became of it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .announcement import Prompt
from .call import CallFacts, Stage
from .commands import Answer, Ask, Command, Play, Progress, Report, SendText
from .decision import Decision
from .outcome import DisclosureOutcome, Ending, PlaybackResult, judge, outcome_of
from .record import Playback
from .route import Media
from .sites import Basis


class Speaker:
    """Says prompts to a caller as long as somebody listens, and notes what became of each."""

    def __init__(self, decision: Decision) -> None:
        self.playbacks: list[Playback] = []
        self.key = ""
        self._early = decision.media is Media.EARLY
        self._text = decision.text

    def say(self, prompts: Iterable[Prompt | None]) -> Generator[Command, Report, Playback | None]:
        """Play some prompts one after the other; returns the last, or None where it was not."""
        playback = None
        for prompt in prompts:
            if prompt is None or self.nobody_listens():
                return None
            playback = yield from self._said(prompt, Play(prompt, self.key))
        return playback

    def ask(self, prompt: Prompt, seconds: float) -> Generator[Command, Report, Playback | None]:
        """Play a prompt and wait for a key."""
        if self.nobody_listens():
            return None
        return (yield from self._said(prompt, Ask(prompt, seconds)))

    def elapsed(self) -> timedelta:
        """The time that all of it took so far."""
        return timedelta(seconds=sum(playback.report.elapsed for playback in self.playbacks))

    def pressed(self) -> bool:
        """Whether the key was pressed that chooses another agent."""
        return bool(self.key) and any(p.report.digit == self.key for p in self.playbacks)

    def caller_left(self) -> bool:
        """Whether the caller hung up: nothing was said after that."""
        return bool(self.playbacks) and (self.playbacks[-1].result is PlaybackResult.CALLER_HUNG_UP)

    def nobody_listens(self) -> bool:
        """Whether the caller has gone, or nobody can tell."""
        return bool(self.playbacks) and self.playbacks[-1].result in _GONE

    def _said(self, prompt: Prompt, command: Play | Ask) -> Generator[Command, Report, Playback]:
        unheard = yield Progress() if self._early else Answer()
        text_sent = None
        if self._text and unheard is None:
            refused = yield SendText(prompt.announcement.text)
            text_sent = refused is None
            if refused and refused.ending is not Ending.REFUSED:
                unheard = refused
        report = unheard or (yield command)
        assert report is not None
        result = judge(report, prompt.sound.seconds)
        after = self.elapsed().total_seconds()
        self.playbacks.append(Playback(prompt, after, report, result, unheard is None, text_sent))
        return self.playbacks[-1]


#: After one of these nobody listens, or nobody knows.
_GONE = (PlaybackResult.CALLER_HUNG_UP, PlaybackResult.TIMED_OUT, PlaybackResult.INDETERMINATE)


@dataclass(frozen=True, slots=True)
class Telling:
    """What became of the sentence with the countries: these were begun, ``to_the_end`` or not.

    ``late`` says by how much a deadline was missed, ``generic`` that the caller was told instead
    what names no country.
    """

    outcome: DisclosureOutcome
    playback: Playback | None = None
    countries: tuple[str, ...] = ()
    to_the_end: bool = False
    late: str = ""
    generic: bool = False


def tell(
    call: CallFacts, decision: Decision, speaker: Speaker, received_at: datetime
) -> Generator[Command, Report, Telling]:
    """Name the countries, or do as the failure policy says."""
    if not decision.duty.asked:
        left = speaker.caller_left()
        return Telling(DisclosureOutcome.ABANDONED if left else DisclosureOutcome.NOT_REQUIRED)
    told = yield from speaker.say((decision.plan.prompt,))
    late = _late(call, decision, received_at, speaker.elapsed())
    telling = _as_told(told, decision.plan.countries, late)
    if not decision.exact:
        telling = _no_more_than_partly(telling)
    if told is None or told.result is PlaybackResult.FAILED:
        telling = yield from _instead(telling, call, decision, speaker, received_at)
    if speaker.caller_left():
        return Telling(DisclosureOutcome.ABANDONED, telling.playback, telling.countries)
    return telling


def _instead(
    telling: Telling,
    call: CallFacts,
    decision: Decision,
    speaker: Speaker,
    received_at: datetime,
) -> Generator[Command, Report, Telling]:
    """Say what the failure policy has to say. The sentence that names no country is said once."""
    for fallback in decision.fallbacks:
        if not fallback.countries and call.told and call.told.generic:
            continue
        said = yield from speaker.say((fallback.prompt,))
        if said is None or said.result is PlaybackResult.FAILED:
            continue
        if not fallback.countries:
            return replace(telling, generic=said.result is PlaybackResult.COMPLETE)
        late = _late(call, decision, received_at, speaker.elapsed())
        telling = _as_told(said, fallback.countries, late)
        if decision.resolution.basis is Basis.UNRESOLVED or call.stage is Stage.ANSWERED:
            telling = _no_more_than_partly(telling)
        return telling
    return telling


def _as_told(said: Playback | None, countries: tuple[str, ...], late: str) -> Telling:
    if said is None:
        return Telling(DisclosureOutcome.NOT_DISCLOSED)
    to_the_end = said.result is PlaybackResult.COMPLETE
    begun = countries if said.report.played > 0 else ()
    telling = Telling(outcome_of(said.result), said, begun, to_the_end, late if to_the_end else "")
    return _no_more_than_partly(telling) if telling.late else telling


def _no_more_than_partly(telling: Telling) -> Telling:
    """What was told too late, or may be of another country than the agent's, is no disclosure."""
    if telling.outcome is not DisclosureOutcome.DISCLOSED:
        return telling
    return replace(telling, outcome=DisclosureOutcome.PARTIAL)


def _late(call: CallFacts, decision: Decision, received_at: datetime, elapsed: timedelta) -> str:
    """By how much the first announcement of a call misses the deadline of its profile."""
    deadline = decision.profile.deadline
    if deadline is None or (call.told is not None and call.told.countries):
        return ""
    since = call.started_at or received_at
    seconds = (received_at + elapsed - since).total_seconds()
    if seconds <= deadline:
        return ""
    return (
        f"told {seconds:.0f} s after the start of the call, "
        f"{decision.profile.id} asks for {deadline:.0f} s"
    )
