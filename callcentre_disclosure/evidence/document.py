"""A record as it is kept: JSON, of which some parts are columns too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from callcentre_disclosure.disclosure.call import Direction, endpoint_of, interface_of
from callcentre_disclosure.disclosure.numbers import Numbering, dialled, written_forms
from callcentre_disclosure.disclosure.record import (
    SCHEMA_VERSION,
    LedgerRecord,
    OfferMade,
    Playback,
    masked,
)

Document = Mapping[str, Any]

#: The longest text of a column, in characters: longer than any unique id, channel or queue name
#: of Asterisk. The document has it all.
_LONGEST = 150

#: By so many of its last digits a number is known behind any prefix. Shorter ones, of at least so
#: many characters, are looked for as a whole.
_TELLING_DIGITS = 9
_SHORTEST = 5

#: ``<system name>-<seconds since 1970>.<number>``: the ids that Asterisk gives.
_MADE_BY_ASTERISK = re.compile(r"(?:.*-)?([0-9]{10})\.[0-9]+", re.DOTALL)
_ONE_DAY = timedelta(days=1)


def document(
    record: LedgerRecord,
    pseudonym: Callable[[str | None], str | None],
    numbering: Numbering | None = None,
) -> dict[str, Any]:
    """A record as JSON: enumerations by value, moments in UTC, seconds for durations.

    Of the consumer's number (who calls, or is called) there are the last two digits, and as
    ``consumer`` its pseudonym; so it is in what was named after the number, however that is
    written (``numbering``). In an id a part of the pseudonym takes its place: calls to different
    numbers stay different calls.

    ``zone`` is what the clock of the machine was ahead of UTC, ``day`` the day by that clock on
    which the call began, ``call`` what all records of one call share; ``telling`` is the index of
    the playback that names the countries.
    """
    call, resolution = record.call, record.resolution
    made = call.direction is Direction.OUTBOUND
    consumer = call.dialled_number if made else call.caller_number
    private = _Private.of(consumer, pseudonym(consumer), numbering)
    agent = call.agent
    return {
        "schema": SCHEMA_VERSION,
        "id": record.disclosure_id,
        "call": private.id(call.linked_id or call.unique_id),
        "received_at": utc(record.received_at),
        "zone": record.received_at.isoformat()[-6:],
        "day": _day(record),
        "keep_until": record.keep_until.isoformat(),
        "door": call.door,
        "asterisk": call.asterisk,
        "unique_id": private.id(call.unique_id),
        "linked_id": private.id(call.linked_id),
        "channel": private.text(call.channel),
        "trunk": private.text(call.trunk),
        "direction": call.direction.value,
        "stage": call.stage.value,
        "started_at": utc(call.started_at) if call.started_at else None,
        "consumer": private.pseudonym,
        "dialled_number": masked(call.dialled_number) if made else call.dialled_number,
        "caller_number": call.caller_number if made else masked(call.caller_number),
        "queue": call.queue,
        "agent": private.text(interface_of(agent)) if agent else None,
        "agent_channel": private.text(agent) if agent and endpoint_of(agent) != agent else None,
        "member": private.text(call.member),
        "route": record.route.id,
        "on_failure": record.route.on_failure.value,
        "profile": record.profile.id or None,
        "profile_version": record.profile.version or None,
        "asked": record.duty.asked,
        "because": record.duty.because,
        "told_before": str(call.told) if call.told else None,
        "basis": resolution.basis.value,
        "sites": [site.id for site in resolution.sites],
        "site": resolution.site,
        "countries": list(record.countries),
        "announced": list(record.announced),
        "told_at": utc(record.told_at) if record.told_at else None,
        "telling": record.playbacks.index(record.telling) if record.telling else None,
        "language": record.language,
        "media": record.media.value,
        "playbacks": [_playback(playback, record) for playback in record.playbacks],
        "offer": _offer(record.offer) if record.offer else None,
        "waited": _possible(record.waited),
        "waited_since_choice": _possible(record.waited_since_choice),
        "outcome": record.outcome.value,
        "disposition": record.disposition.value,
        "carried_out": record.carried_out,
        "cause": private.text(record.cause),
    }


def telling(document: Document) -> Mapping[str, Any] | None:
    """The playback of a record that names the countries."""
    index = document["telling"]
    said: Mapping[str, Any] | None = None if index is None else document["playbacks"][index]
    return said


def columns(document: Document) -> dict[str, Any]:
    """What is searched and counted, as ``schema`` has columns for it."""
    said = telling(document) or {}
    return {
        "id": document["id"],
        "call": _column(document["call"]),
        "unique_id": _column(document["unique_id"]),
        "at": document["received_at"],
        "day": document["day"],
        "consumer": document["consumer"],
        "direction": document["direction"],
        "stage": document["stage"],
        "outcome": document["outcome"],
        "countries": ",".join(document["countries"]),
        "route": _column(document["route"]),
        "queue": _column(document["queue"]),
        "profile": _column(document["profile"]),
        "site": _column(document["site"]),
        "agent": _column(document["agent"]),
        "cause": _column(document["cause"]),
        "waited": document["waited"],
        "waited_since_choice": document["waited_since_choice"],
        "played": said.get("played"),
        "seconds": said.get("seconds"),
    }


def utc(moment: datetime) -> str:
    """An aware moment in UTC; as text these are in the order of time."""
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")


def made_at(id_: str) -> datetime | None:
    """When Asterisk made a channel, to the second, by the unique id that it gave to it."""
    made = _MADE_BY_ASTERISK.fullmatch(id_)
    return datetime.fromtimestamp(int(made[1]), timezone.utc) if made else None


def _column(text: str | None) -> str | None:
    return None if text is None else as_column(text)


def as_column(text: str) -> str:
    """What Asterisk passes on may be no text that a database takes, or too long for its indexes
    (2,704 bytes a row in PostgreSQL)."""
    return text[:_LONGEST].replace("\0", "\ufffd").encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class _Private:
    """What was named after a number: channels, and ids that whoever made a call gave it."""

    forms: tuple[str, ...]
    digits: str
    pseudonym: str | None

    @classmethod
    def of(cls, number: str | None, pseudonym: str | None, numbering: Numbering | None) -> _Private:
        if not number:
            return cls((), "", pseudonym)
        forms = {number, *written_forms(number, numbering)}
        long = [form for form in forms if len(form) >= _SHORTEST]
        digits = "".join(c for c in dialled(number) if c.isdecimal())[-_TELLING_DIGITS:]
        return cls(
            tuple(sorted(long, key=len, reverse=True)),
            digits if len(digits) == _TELLING_DIGITS else "",
            pseudonym,
        )

    def text(self, text: str | None) -> str | None:
        """The number shown as evidence may show it."""
        return self._without(text, lambda form: masked(form) or "")

    def id(self, text: str | None) -> str | None:
        """The same id for the same id, and another for another."""
        own = (self.pseudonym or "").rpartition(":")[2][:12]
        return self._without(text, lambda _: own)

    def _without(self, text: str | None, shown: Callable[[str], str]) -> str | None:
        if not text:
            return text
        for form in self.forms:
            if form in text:  # a short one may be a part of something else: a time, an id
                whole = rf"(?<!\d){re.escape(form)}(?!\d)"
                text = re.sub(whole, lambda found: shown(found[0]), text)
        if self.digits and self.digits in text:
            text = text.replace(self.digits, shown(self.digits))
        return text


def _possible(seconds: float | None) -> float | None:
    """A wait, unless the clock was set back in it."""
    return seconds if seconds is None or seconds >= 0 else None


def _day(record: LedgerRecord) -> str:
    began = record.call.started_at or _made_at(record) or record.received_at
    return began.astimezone(record.received_at.tzinfo).date().isoformat()


def _made_at(record: LedgerRecord) -> datetime | None:
    """When Asterisk made the first channel of the call: of a call that we make, the one moment
    that all of its records share. In an id of somebody else's the digits may mean anything."""
    began = made_at(record.call.linked_id or record.call.unique_id)
    return began if began and abs(record.received_at - began) < _ONE_DAY else None


def _playback(playback: Playback, record: LedgerRecord) -> dict[str, Any]:
    prompt, report = playback.prompt, playback.report
    return {
        "sound": prompt.announcement.sound_name,
        "text": prompt.announcement.text,
        "sha256": prompt.sound.sha256,
        "seconds": prompt.sound.seconds,
        "source": prompt.sound.source,
        "began_at": utc(record.received_at + timedelta(seconds=playback.after)),
        "result": playback.result.value,
        "ending": report.ending.value,
        "played": round(report.played, 3),
        "elapsed": round(report.elapsed, 3),
        "digit": report.digit,
        "text_sent": playback.text_sent,
    }


def _offer(offer: OfferMade) -> dict[str, Any]:
    return {
        "queue": offer.queue,
        "key": offer.key,
        "digit": offer.digit,
        "chosen_at": utc(offer.chosen_at) if offer.chosen_at else None,
    }
