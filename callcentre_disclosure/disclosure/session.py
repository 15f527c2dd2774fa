"""The conversation with a door: commands out, reports in.

Theory of operation
===================

``disclose`` is a generator. A door (AGI script, FastAGI server, ARI handler, or a fake) drives
it: it carries out each command that the generator yields and sends back what it saw::

    Play(prompt), Ask(prompt)  -> PlaybackReport
    every other command        -> None, or a PlaybackReport of why it was not carried out

and the generator returns the ``LedgerRecord``. The order of a call is

1. decide: route, profile, language, sites, countries and the sound that names them (``decision``);
2. answer the call, or open its early media, so that the caller can hear; play the company's name
   and, where the profile asks for it, the sentence with the countries; judge what was seen;
3. where the caller was not told, do as the route's failure policy says: another sentence, silence,
   or a sentence that says so and no connection;
4. where the call goes on, play what the route adds, and offer another agent, if that is due;
5. set the channel variables, hang up or redirect if it must be, hand over the evidence.

A hangup is no error: it comes as a report like any other, and the variables are set even then,
because a call detail record may still carry them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from .announcement import Prompt
from .call import CallFacts, Stage, Told, endpoint_of
from .decision import Decision, Offer, decide
from .directory import Directory
from .outcome import (
    DisclosureOutcome,
    Disposition,
    Ending,
    PlaybackReport,
    PlaybackResult,
    disposition_of,
    judge,
    outcome_of,
)
from .record import LedgerRecord, OfferMade, Playback
from .route import Media
from .sites import Basis

#: Where a caller goes on who chose another agent: the extension is the name of the queue.
CHOICE_CONTEXT = "disclosure-choice"
#: The Q.850 cause of a call that is refused: call rejected.
REFUSAL_CAUSE = 21


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the call unless it is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Let the caller hear without answering the call (SIP 183)."""


@dataclass(frozen=True, slots=True)
class SendText:
    """Send the caller a text message in the call."""

    text: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play a prompt to the caller, to its end. No key cuts it; the report tells whether ``key``
    was pressed meanwhile."""

    prompt: Prompt
    key: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Play a prompt that any key ends, and wait for one, up to some seconds after its end."""

    prompt: Prompt
    seconds: float


@dataclass(frozen=True, slots=True)
class FindExtension:
    """Tell whether the dialplan has an extension with a priority 1."""

    context: str
    extension: str


@dataclass(frozen=True, slots=True)
class FindChannel:
    """Tell whether somebody is still on the line, by the name of their channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Set channel variables; a name that begins with ``__`` is inherited by the agent's legs."""

    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Let the call go on somewhere else in the dialplan; an agent who had answered is released."""

    context: str
    extension: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, with a cause of ITU-T Q.850."""

    cause: int


Command: TypeAlias = (
    "Answer | Progress | SendText | Play | Ask | FindExtension | FindChannel | SetVariables"
    "| Redirect | HangUp"
)
Report: TypeAlias = "PlaybackReport | None"
Session: TypeAlias = "Generator[Command, Report, LedgerRecord]"


def disclose(
    call: CallFacts, directory: Directory, *, disclosure_id: str, received_at: datetime
) -> Session:
    """The whole of one disclosure. ``received_at`` is aware."""
    decision = decide(call, directory, received_at)
    plan, speaker = decision.plan, _Speaker(decision)
    offer, obstacle = decision.offer, ""
    if offer and offer.prompt:
        problem = yield FindExtension(CHOICE_CONTEXT, offer.queue)
        if problem is None:
            speaker.key = offer.key
        else:
            if problem.ending is Ending.REFUSED:
                obstacle = f"the dialplan has no {CHOICE_CONTEXT},{offer.queue},1"
            offer = None

    yield from speaker.say(plan.before)
    telling = yield from _tell(call, decision, speaker, received_at)
    outcome = telling.outcome
    disposition = disposition_of(outcome, call.stage, decision.route.on_failure)
    made = None
    if disposition is not Disposition.HANG_UP:
        yield from speaker.say(plan.after)
        made = yield from _offered(offer, speaker, received_at)
        if made and made.chosen_at and not speaker.nobody_listens():
            disposition = Disposition.REDIRECT
        elif disposition is Disposition.BRIDGE and (yield from _has_left(call)):
            disposition = Disposition.CONTINUE_IN_DIALPLAN
            obstacle = "the agent had hung up"
    elif outcome is not DisclosureOutcome.ABANDONED:
        speaker.key = ""
        yield from speaker.say((decision.refusal,))

    failure = yield SetVariables(
        {
            **_memory(call, telling, made),
            "__DISCLOSURE_ID": disclosure_id,
            "DISCLOSURE_SITE": decision.resolution.site or "",
            "DISCLOSURE_DISPOSITION": disposition.value,
        }
    )
    if disposition is Disposition.REDIRECT:
        assert offer is not None
        failure = (yield Redirect(CHOICE_CONTEXT, offer.queue)) or failure
    elif disposition is Disposition.HANG_UP and outcome is not DisclosureOutcome.ABANDONED:
        failure = (yield HangUp(REFUSAL_CAUSE)) or failure
    return LedgerRecord(
        disclosure_id=disclosure_id,
        received_at=received_at,
        call=call,
        route=decision.route,
        profile=decision.profile,
        duty=decision.duty,
        resolution=decision.resolution,
        countries=plan.countries,
        announced=telling.countries,
        language=decision.language,
        media=decision.media,
        playbacks=tuple(playback for playback in speaker.playbacks if playback.sent),
        offer=made,
        outcome=outcome,
        disposition=disposition,
        carried_out=failure is None,
        cause="; ".join(_causes(decision, telling, speaker.playbacks, obstacle)),
    )


class _Speaker:
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
        self.playbacks.append(Playback(prompt, report, result, unheard is None, text_sent))
        return self.playbacks[-1]


#: After one of these nobody listens, or nobody knows.
_GONE = (PlaybackResult.CALLER_HUNG_UP, PlaybackResult.TIMED_OUT, PlaybackResult.INDETERMINATE)


@dataclass(frozen=True, slots=True)
class _Telling:
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


def _tell(
    call: CallFacts, decision: Decision, speaker: _Speaker, received_at: datetime
) -> Generator[Command, Report, _Telling]:
    """Name the countries, or do as the failure policy says."""
    if not decision.duty.asked:
        gone = speaker.playbacks and speaker.playbacks[-1].result is PlaybackResult.CALLER_HUNG_UP
        return _Telling(DisclosureOutcome.ABANDONED if gone else DisclosureOutcome.NOT_REQUIRED)
    told = yield from speaker.say((decision.plan.prompt,))
    late = _late(call, decision, received_at, speaker.elapsed())
    telling = _telling(told, decision.plan.countries, late)
    if told is None or told.result is PlaybackResult.FAILED:
        telling = yield from _instead(telling, call, decision, speaker, received_at)
    if any(p.result is PlaybackResult.CALLER_HUNG_UP for p in speaker.playbacks):
        return _Telling(DisclosureOutcome.ABANDONED, telling.playback, telling.countries)
    return telling


def _instead(
    telling: _Telling,
    call: CallFacts,
    decision: Decision,
    speaker: _Speaker,
    received_at: datetime,
) -> Generator[Command, Report, _Telling]:
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
        telling = _telling(said, fallback.countries, late)
        if decision.resolution.basis is Basis.UNRESOLVED:
            telling = _no_more_than_partly(telling)
        return telling
    return telling


def _telling(said: Playback | None, countries: tuple[str, ...], late: str) -> _Telling:
    if said is None:
        return _Telling(DisclosureOutcome.NOT_DISCLOSED)
    to_the_end = said.result is PlaybackResult.COMPLETE
    begun = countries if said.report.played > 0 else ()
    telling = _Telling(outcome_of(said.result), said, begun, to_the_end, late if to_the_end else "")
    return _no_more_than_partly(telling) if telling.late else telling


def _no_more_than_partly(telling: _Telling) -> _Telling:
    """What was told too late, or of a call that nobody knows the site of, is no disclosure."""
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


def _offered(
    offer: Offer | None, speaker: _Speaker, received_at: datetime
) -> Generator[Command, Report, OfferMade | None]:
    """Offer another agent, unless the caller has asked for one already by pressing the key."""
    if offer is None or offer.prompt is None:
        return None
    digit = offer.key
    if not speaker.pressed():
        asked = yield from speaker.ask(offer.prompt, offer.seconds)
        if asked is None or not (asked.report.played or asked.report.digit):
            return None
        digit = asked.report.digit
    chosen_at = received_at + speaker.elapsed() if digit == offer.key else None
    return OfferMade(offer.queue, offer.key, digit, chosen_at)


def _has_left(call: CallFacts) -> Generator[Command, Report, bool]:
    """Whether the agent who had answered is no longer there, as far as their channel is known."""
    if call.agent is None or endpoint_of(call.agent) == call.agent:
        return False
    missing = yield FindChannel(call.agent)
    return missing is not None and missing.ending is Ending.REFUSED


def _memory(call: CallFacts, telling: _Telling, made: OfferMade | None) -> dict[str, str]:
    """What the rest of the call is to know: queues, transfers, detail records."""
    before = call.told
    if telling.to_the_end:
        told = Told(call.stage, telling.countries)
    elif before is None:
        told = Told(call.stage)
    elif call.stage is Stage.ANSWERED and telling.outcome is DisclosureOutcome.NOT_REQUIRED:
        told = Told(Stage.ANSWERED, before.countries)
    else:
        told = before
    if not telling.to_the_end and (telling.generic or (before and before.generic)):
        told = replace(told, generic=True)
    variables = {"__DISCLOSURE_TOLD": str(told)}
    if telling.outcome is not DisclosureOutcome.NOT_REQUIRED or not told.countries:
        variables["__DISCLOSURE_STATUS"] = telling.outcome.value
        variables["__DISCLOSURE_COUNTRIES"] = ",".join(telling.countries)
    if call.chosen_at is None:
        variables["__DISCLOSURE_CHOICE"] = made.digit if made else ""
    if made and made.chosen_at:
        variables["__DISCLOSURE_CHOSEN_AT"] = f"{made.chosen_at.timestamp():.3f}"
    return variables


def _causes(
    decision: Decision, telling: _Telling, playbacks: Sequence[Playback], obstacle: str
) -> Iterator[str]:
    """Why the caller was not told, or not all. Of the sounds the countries' own comes first."""
    told, offer = telling.playback, decision.offer
    failed = [
        playback
        for playback in playbacks
        if playback.result is not PlaybackResult.COMPLETE
        and not (offer and playback.prompt is offer.prompt and playback.report.digit)
    ]
    if in_the_way := decision.obstacle if decision.duty.asked else decision.unknown:
        yield in_the_way
    if telling.late:
        yield telling.late
    for playback in sorted(failed, key=lambda playback: playback is not told):
        yield _cause(playback)
    for name in decision.plan.unsaid:
        yield f"missing: sound {name}"
    if offer and offer.prompt is None:
        yield f"missing: sound {offer.announcement.sound_name}"
    if obstacle:
        yield obstacle


def _cause(playback: Playback) -> str:
    name = playback.prompt.announcement.sound_name
    seconds = playback.prompt.sound.seconds
    played = f"at {playback.report.played:.2f} s of {seconds:.2f} s" if playback.sent else "unsent"
    return f"{playback.result.value}: {name} {played}"
