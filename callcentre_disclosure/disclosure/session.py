"""The conversation with a door: commands out, reports in.

Theory of operation
===================

``disclose`` is a generator. A door (AGI script, FastAGI server, ARI handler, or a fake) drives
it: it carries out each command that the generator yields and sends back what it saw::

    Play(prompt)  -> PlaybackReport
    Answer(), SetVariables, HangUp()
                  -> None, or a PlaybackReport of why it was not carried out

and the generator returns the ``LedgerRecord``. The order of a call is

1. decide: route, language, sites, countries and the sound that names them (``decision``);
2. answer the call, so that the caller can hear; play the company's name and the sentence with
   the countries; judge what was seen;
3. where the caller was not told, do as the route's failure policy says: a sentence that names
   no country, silence, or no connection; where the call goes on, play what the route adds;
4. set the channel variables, hang up if it must be, hand over the evidence.

A hangup is no error: it comes as a report like any other, and the variables are set even then,
because a call detail record may still carry them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from .announcement import Prompt
from .call import CallFacts
from .decision import Decision, decide
from .directory import Directory
from .outcome import (
    DisclosureOutcome,
    Disposition,
    PlaybackReport,
    PlaybackResult,
    disposition_of,
    judge,
    outcome_of,
)
from .record import LedgerRecord, Playback
from .route import FailurePolicy


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the call unless it is."""


@dataclass(frozen=True, slots=True)
class Play:
    """Play a prompt to the caller, to its end; no key cuts it."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Set channel variables; a name that begins with ``__`` is inherited by the agent's legs."""

    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Command: TypeAlias = "Answer | Play | SetVariables | HangUp"
Report: TypeAlias = "PlaybackReport | None"
Session: TypeAlias = "Generator[Command, Report, LedgerRecord]"


def disclose(
    call: CallFacts, directory: Directory, *, disclosure_id: str, received_at: datetime
) -> Session:
    """The whole of one disclosure. ``received_at`` is aware."""
    decision = decide(call, directory, received_at)
    plan, policy = decision.plan, decision.route.on_failure
    playbacks: list[Playback] = []

    yield from _say(plan.before, playbacks)
    told = yield from _say((plan.prompt,), playbacks)
    if policy is FailurePolicy.GENERIC and (told is None or told.result is PlaybackResult.FAILED):
        yield from _say((decision.generic_prompt,), playbacks)
    outcome = _outcome(told, playbacks)
    disposition = disposition_of(outcome, call.stage, policy)
    if disposition is not Disposition.HANG_UP:
        yield from _say(plan.after, playbacks)

    begun = told is not None and told.report.played > 0
    refused = yield SetVariables(
        {
            "__DISCLOSURE_STATUS": outcome.value,
            "__DISCLOSURE_COUNTRIES": ",".join(plan.countries if begun else ()),
            "__DISCLOSURE_ID": disclosure_id,
            "DISCLOSURE_SITE": decision.resolution.site or "",
            "DISCLOSURE_DISPOSITION": disposition.value,
            "DISCLOSURE_CHOICE": "",
        }
    )
    if disposition is Disposition.HANG_UP and outcome is not DisclosureOutcome.ABANDONED:
        refused = (yield HangUp()) or refused
    return LedgerRecord(
        disclosure_id=disclosure_id,
        received_at=received_at,
        call=call,
        route=decision.route,
        resolution=decision.resolution,
        countries=plan.countries,
        language=decision.language,
        playbacks=tuple(playback for playback in playbacks if playback.sent),
        outcome=outcome,
        disposition=disposition,
        carried_out=refused is None,
        cause="; ".join(_causes(decision, told, playbacks)),
    )


def _say(
    prompts: Iterable[Prompt | None], playbacks: list[Playback]
) -> Generator[Command, Report, Playback | None]:
    """Play some prompts one after the other, the last of which is returned, as long as there is
    somebody to play them to."""
    playback = None
    for prompt in prompts:
        if prompt is None or (playbacks and playbacks[-1].result in _GONE):
            return None
        playback = yield from _played(prompt)
        playbacks.append(playback)
    return playback


#: After one of these nobody listens, or nobody knows.
_GONE = (PlaybackResult.CALLER_HUNG_UP, PlaybackResult.TIMED_OUT, PlaybackResult.INDETERMINATE)


def _played(prompt: Prompt) -> Generator[Command, Report, Playback]:
    unanswered = yield Answer()
    report = unanswered or (yield Play(prompt))
    assert report is not None
    sent = unanswered is None
    return Playback(prompt, report, judge(report, prompt.sound.seconds), sent)


def _outcome(told: Playback | None, playbacks: Sequence[Playback]) -> DisclosureOutcome:
    if any(playback.result is PlaybackResult.CALLER_HUNG_UP for playback in playbacks):
        return DisclosureOutcome.ABANDONED
    return outcome_of(told.result) if told else DisclosureOutcome.NOT_DISCLOSED


def _causes(
    decision: Decision, told: Playback | None, playbacks: Sequence[Playback]
) -> Iterator[str]:
    """Why the caller was not told, or not all: the sentence with the countries comes first."""
    failed = [p for p in playbacks if p.result is not PlaybackResult.COMPLETE]
    if told not in failed and decision.obstacle:
        yield decision.obstacle
    for playback in sorted(failed, key=lambda playback: playback is not told):
        yield _cause(playback)
    for name in decision.plan.unsaid:
        yield f"missing: sound {name}"


def _cause(playback: Playback) -> str:
    name = playback.prompt.announcement.sound_name
    seconds = playback.prompt.sound.seconds
    played = f"at {playback.report.played:.2f} s of {seconds:.2f} s" if playback.sent else "unsent"
    return f"{playback.result.value}: {name} {played}"
