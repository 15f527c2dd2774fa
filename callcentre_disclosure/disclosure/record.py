"""The evidence of one disclosure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .announcement import Prompt
from .call import CallFacts
from .outcome import DisclosureOutcome, Disposition, PlaybackReport, PlaybackResult
from .route import Route
from .sites import SiteResolution

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Playback:
    """One sound, what was seen of it and what that proves.

    It was not ``sent`` where the call could not even be answered; the evidence names only those
    that were.
    """

    prompt: Prompt
    report: PlaybackReport
    result: PlaybackResult
    sent: bool


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """All of the journey, as it happened. "Played", never "heard".

    ``disclosure_id`` is what the dialplan finds in DISCLOSURE_ID, ``received_at`` the aware moment
    at which the call asked to be announced, ``countries`` what had to be said. ``carried_out``
    tells whether the disposition reached the channel (a connection that broke leaves it to the
    dialplan), ``cause`` why the caller was not told, or not exactly; empty where all was well.
    """

    disclosure_id: str
    received_at: datetime
    call: CallFacts
    route: Route
    resolution: SiteResolution
    countries: tuple[str, ...]
    language: str
    playbacks: tuple[Playback, ...]
    outcome: DisclosureOutcome
    disposition: Disposition
    carried_out: bool
    cause: str


def masked(number: str | None) -> str | None:
    """A caller's number as evidence and logs may show it: the last two digits, no more."""
    if not number:
        return None
    return "*" * (len(number) - 2) + number[-2:] if len(number) > 4 else "*" * len(number)
