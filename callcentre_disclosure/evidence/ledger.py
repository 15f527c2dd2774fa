"""Where the evidence of a call is kept: one line of JSON a record, in a file that only grows."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from callcentre_disclosure.disclosure.call import Direction
from callcentre_disclosure.disclosure.record import (
    SCHEMA_VERSION,
    LedgerRecord,
    OfferMade,
    Playback,
    masked,
)
from callcentre_disclosure.errors import EvidenceError


class Ledger(Protocol):
    """What keeps records."""

    def append(self, record: LedgerRecord) -> None:
        """Keep a record; it is durable when this returns. Raises ``EvidenceError``."""

    def try_out(self) -> None:
        """Raise ``EvidenceError`` where records could not be kept."""


class JsonLinesLedger:
    """A ledger in one file, written by any number of processes at once.

    A record is one ``write`` to a file opened for appending, which Linux carries out as a whole.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def append(self, record: LedgerRecord) -> None:
        line = json.dumps(document(record), ensure_ascii=True, separators=(",", ":")) + "\n"
        with self._opened(f"record {record.disclosure_id} is not written") as descriptor:
            _append(descriptor, line.encode())

    def try_out(self) -> None:
        with self._opened("records cannot be written"):
            pass

    @contextmanager
    def _opened(self, failure: str) -> Iterator[int]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except OSError as problem:
            raise EvidenceError(
                f"{failure}: {problem.strerror}",
                where=str(self._file),
                remedy="make room, and let the user that runs Asterisk or the server write there",
            ) from problem


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line  # after a record that a full disk has cut
    if os.write(descriptor, line) < len(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fdatasync(descriptor)


def document(record: LedgerRecord) -> dict[str, Any]:
    """A record as JSON: enumerations by value, times in ISO 8601 with their zone, seconds for
    durations, and of the consumer's number (who calls, or is called) the last two digits."""
    call, resolution = record.call, record.resolution
    made = call.direction is Direction.OUTBOUND
    return {
        "schema": SCHEMA_VERSION,
        "id": record.disclosure_id,
        "received_at": record.received_at.isoformat(),
        "door": call.door,
        "unique_id": call.unique_id,
        "linked_id": call.linked_id,
        "channel": call.channel,
        "direction": call.direction.value,
        "stage": call.stage.value,
        "dialled_number": masked(call.dialled_number) if made else call.dialled_number,
        "caller_number": masked(call.caller_number),
        "queue": call.queue,
        "agent": call.agent,
        "member": call.member,
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
        "language": record.language,
        "media": record.media.value,
        "playbacks": [_playback(playback) for playback in record.playbacks],
        "offer": _offer(record.offer) if record.offer else None,
        "waited_since_choice": record.waited_since_choice,
        "outcome": record.outcome.value,
        "disposition": record.disposition.value,
        "carried_out": record.carried_out,
        "cause": record.cause,
    }


def _playback(playback: Playback) -> dict[str, Any]:
    prompt, report = playback.prompt, playback.report
    return {
        "sound": prompt.announcement.sound_name,
        "text": prompt.announcement.text,
        "sha256": prompt.sound.sha256,
        "seconds": prompt.sound.seconds,
        "source": prompt.sound.source,
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
        "chosen_at": offer.chosen_at.isoformat() if offer.chosen_at else None,
    }
