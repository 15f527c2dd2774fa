"""What a playback proves, and what becomes of the call. Never more than was seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .call import Stage
from .route import FailurePolicy

#: How much may be missing of a sound that was played to its end, in seconds: one frame of RTP in
#: the position, and what two clocks and a busy machine make of the time taken.
POSITION_TOLERANCE = 0.02
TIME_TOLERANCE = 0.1


class Ending(str, Enum):
    """How a transport saw a playback end."""

    FINISHED = "finished"  #: it says that it came to the end
    REFUSED = "refused"  #: it says that it could not play it
    KEY = "key"  #: the caller pressed a key
    HANGUP = "hangup"  #: the caller hung up
    DEADLINE = "deadline"  #: it did not answer in time
    LOST = "lost"  #: the connection to it broke


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """What the transport saw of one playback.

    ``played`` is how far it says that it came and ``elapsed`` how long it took, both in seconds.
    """

    ending: Ending
    played: float = 0.0
    elapsed: float = 0.0
    digit: str = ""


class PlaybackResult(str, Enum):
    """What a report means."""

    COMPLETE = "COMPLETE"
    DTMF_INTERRUPTED = "DTMF_INTERRUPTED"
    CALLER_HUNG_UP = "CALLER_HUNG_UP"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    TIMED_OUT = "TIMED_OUT"
    INDETERMINATE = "INDETERMINATE"


class DisclosureOutcome(str, Enum):
    """Was the caller told?"""

    DISCLOSED = "DISCLOSED"
    PARTIAL = "PARTIAL"
    ABANDONED = "ABANDONED"
    NOT_DISCLOSED = "NOT_DISCLOSED"
    NOT_REQUIRED = "NOT_REQUIRED"


class Disposition(str, Enum):
    """What happens to the call next."""

    BRIDGE = "BRIDGE"
    CONTINUE_IN_DIALPLAN = "CONTINUE_IN_DIALPLAN"
    REDIRECT = "REDIRECT"
    HANG_UP = "HANG_UP"


def judge(report: PlaybackReport, seconds: float) -> PlaybackResult:
    """What a report proves of a sound that lasts ``seconds``.

    Asterisk plays an empty or a cut file "with success", so the end counts only when both the
    position reached and the time taken fit the sound.
    """
    if report.ending is Ending.FINISHED:
        at_the_end = report.played >= seconds - POSITION_TOLERANCE
        if at_the_end and report.elapsed >= seconds - TIME_TOLERANCE:
            return PlaybackResult.COMPLETE
        begun = report.played > POSITION_TOLERANCE
        return PlaybackResult.STOPPED if begun else PlaybackResult.FAILED
    return {
        Ending.REFUSED: PlaybackResult.FAILED,
        Ending.KEY: PlaybackResult.DTMF_INTERRUPTED,
        Ending.HANGUP: PlaybackResult.CALLER_HUNG_UP,
        Ending.DEADLINE: PlaybackResult.TIMED_OUT,
        Ending.LOST: PlaybackResult.INDETERMINATE,
    }[report.ending]


def outcome_of(result: PlaybackResult) -> DisclosureOutcome:
    """Whether the caller was told, by the playback that names the countries."""
    if result is PlaybackResult.COMPLETE:
        return DisclosureOutcome.DISCLOSED
    if result is PlaybackResult.CALLER_HUNG_UP:
        return DisclosureOutcome.ABANDONED
    if result in (PlaybackResult.DTMF_INTERRUPTED, PlaybackResult.STOPPED):
        return DisclosureOutcome.PARTIAL
    return DisclosureOutcome.NOT_DISCLOSED


def disposition_of(outcome: DisclosureOutcome, stage: Stage, policy: FailurePolicy) -> Disposition:
    """What happens to the call; the policy decides where the caller was not told."""
    told = outcome in (DisclosureOutcome.DISCLOSED, DisclosureOutcome.NOT_REQUIRED)
    if outcome is DisclosureOutcome.ABANDONED or (not told and policy is FailurePolicy.REFUSE):
        return Disposition.HANG_UP
    return Disposition.BRIDGE if stage is Stage.ANSWERED else Disposition.CONTINUE_IN_DIALPLAN
