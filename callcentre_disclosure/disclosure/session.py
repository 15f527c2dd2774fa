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

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from .call import CallFacts, Stage, Told, endpoint_of
from .commands import (
    Command,
    FindChannel,
    FindExtension,
    HangUp,
    Redirect,
    Release,
    Report,
    Session,
    SetVariables,
)
from .decision import Decision, Offer, decide
from .directory import Directory
from .outcome import DisclosureOutcome, Disposition, Ending, PlaybackResult, disposition_of
from .record import LedgerRecord, OfferMade, Playback
from .telling import Speaker, Telling, tell

#: Where a caller goes on who chose another agent: the extension is the name of the queue.
CHOICE_CONTEXT = "disclosure-choice"
#: Where an agent waits with a tone (s,2), and where the caller joins them.
ANSWERED_CONTEXT = "disclosure-answered"
#: The Q.850 cause of a call that is refused: call rejected.
REFUSAL_CAUSE = 21


def disclose(
    call: CallFacts, directory: Directory, *, disclosure_id: str, received_at: datetime
) -> Session:
    """The whole of one disclosure. ``received_at`` is aware."""
    decision = decide(call, directory, received_at)
    plan, speaker = decision.plan, Speaker(decision)
    offer, obstacle = decision.offer, ""
    if offer and offer.prompt:
        problem = yield FindExtension(CHOICE_CONTEXT, offer.queue)
        if problem is None:
            speaker.key = offer.key
        else:
            if problem.ending is Ending.REFUSED:
                obstacle = f"the dialplan has no {CHOICE_CONTEXT},{offer.queue},1"
            offer = None

    waits = yield from _kept_waiting(call, decision)
    yield from speaker.say(plan.before)
    telling = yield from tell(call, decision, speaker, received_at)
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
            **_memory(call, telling, made, disposition),
            "__DISCLOSURE_ID": disclosure_id,
            "DISCLOSURE_SITE": decision.resolution.site or "",
            "DISCLOSURE_DISPOSITION": disposition.value,
        }
    )
    goes_on = disposition in (Disposition.BRIDGE, Disposition.CONTINUE_IN_DIALPLAN)
    if waits and goes_on:  # where the agent has left, the dialplan finds nobody there
        failure = (yield Redirect(ANSWERED_CONTEXT, "join")) or failure
    if waits and (failure or not goes_on):
        assert call.agent is not None
        yield Release(call.agent)
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
        telling=telling.playback if telling.playback and telling.playback.sent else None,
        offer=made,
        outcome=outcome,
        disposition=disposition,
        carried_out=failure is None,
        cause="; ".join(_causes(decision, telling, speaker.playbacks, obstacle)),
    )


def _kept_waiting(call: CallFacts, decision: Decision) -> Generator[Command, Report, bool]:
    """Take the agent out of the queue's hands, where the dialplan has a place for that.

    While a queue waits for us nobody serves the agent's channel: nothing can be played, and what is
    said meanwhile comes to the caller in a burst afterwards (16.28, 22.10).
    """
    if not call.in_queue or not (decision.duty.asked or decision.offer):
        return False
    assert call.agent is not None
    if (yield FindExtension(ANSWERED_CONTEXT, "join")) is not None:
        return False
    return (yield Redirect(ANSWERED_CONTEXT, "s", 2, call.agent)) is None


def _offered(
    offer: Offer | None, speaker: Speaker, received_at: datetime
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


def _memory(
    call: CallFacts, telling: Telling, made: OfferMade | None, disposition: Disposition
) -> dict[str, str]:
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
    if call.stage is Stage.ANSWERED and disposition is Disposition.CONTINUE_IN_DIALPLAN:
        told = replace(told, stage=Stage.POSSIBLE)  # nobody was connected, another will answer
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
    decision: Decision, telling: Telling, playbacks: Sequence[Playback], obstacle: str
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
