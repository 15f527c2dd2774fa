"""The evidence of one disclosure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .announcement import Prompt
from .call import CallFacts, Stage
from .outcome import DisclosureOutcome, Disposition, PlaybackReport, PlaybackResult
from .profile import Duty, Profile
from .route import Media, Route
from .sites import SiteResolution

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Playback:
    """One sound, what was seen of it and what that proves.

    ``after`` is how many seconds into the journey it began. It was not ``sent`` where the call
    could not even be answered; the evidence names only those that were. ``text_sent`` tells whether
    Asterisk took its text for a message (which is not that it arrived); None where none was wanted.
    """

    prompt: Prompt
    after: float
    report: PlaybackReport
    result: PlaybackResult
    sent: bool
    text_sent: bool | None = None


@dataclass(frozen=True, slots=True)
class OfferMade:
    """Another agent, in a queue, that the caller could have by a key: the key that was pressed, and
    the aware moment of it where it was that one."""

    queue: str
    key: str
    digit: str
    chosen_at: datetime | None


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """All of the journey, as it happened. "Played", never "heard".

    ``disclosure_id`` is what the dialplan finds in DISCLOSURE_ID, ``received_at`` the aware moment
    at which the call asked to be announced, ``countries`` where the call is, or may be, answered,
    ``duty`` whether they had to be said now, ``announced`` those of which the sentence was begun
    and ``telling`` the playback of that sentence. ``carried_out`` tells whether the disposition
    reached the channel (a connection that broke leaves it to the dialplan), ``cause`` why the
    caller was not told, or not exactly; empty where all was well.
    """

    disclosure_id: str
    received_at: datetime
    call: CallFacts
    route: Route
    profile: Profile
    duty: Duty
    resolution: SiteResolution
    countries: tuple[str, ...]
    announced: tuple[str, ...]
    language: str
    media: Media
    playbacks: tuple[Playback, ...]
    telling: Playback | None
    offer: OfferMade | None
    outcome: DisclosureOutcome
    disposition: Disposition
    carried_out: bool
    cause: str

    @property
    def told_at(self) -> datetime | None:
        """When the sentence with the countries came to its end, if it did."""
        telling = self.telling
        if telling is None or telling.result is not PlaybackResult.COMPLETE:
            return None
        return self.received_at + timedelta(seconds=telling.after + telling.report.elapsed)

    @property
    def keep_until(self) -> date:
        """The last day on which this must be there."""
        return self.received_at.date() + timedelta(days=self.profile.keep_days)

    @property
    def waited(self) -> float | None:
        """Seconds from the start of the call until the agent answered who has answered now."""
        if self.call.started_at is None or self.call.stage is not Stage.ANSWERED:
            return None
        return (self.received_at - self.call.started_at).total_seconds()

    @property
    def waited_since_choice(self) -> float | None:
        """Seconds that a caller who had chosen waited for the agent who has answered now."""
        if self.call.chosen_at is None or self.call.stage is not Stage.ANSWERED:
            return None
        return (self.received_at - self.call.chosen_at).total_seconds()


def masked(number: str | None) -> str | None:
    """A caller's number as evidence and logs may show it: the last two digits, no more."""
    if not number:
        return None
    return "*" * (len(number) - 2) + number[-2:] if len(number) > 4 else "*" * len(number)
