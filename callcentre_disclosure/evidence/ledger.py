"""Where the evidence of a call is kept: one line of JSON a record, in a file that only grows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

from callcentre_disclosure.disclosure.record import (
    SCHEMA_VERSION,
    LedgerRecord,
    Playback,
    masked,
)
from callcentre_disclosure.errors import EvidenceError


class Ledger(Protocol):
    """What keeps records."""

    def append(self, record: LedgerRecord) -> None:
        """Keep a record; it is durable when this returns. Raises ``EvidenceError``."""


class JsonLinesLedger:
    """A ledger in one file, written by any number of processes at once.

    A record is one ``write`` to a file opened for appending, which Linux carries out as a whole.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def append(self, record: LedgerRecord) -> None:
        line = json.dumps(document(record), ensure_ascii=True, separators=(",", ":")) + "\n"
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(descriptor, line.encode())
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as problem:
            raise EvidenceError(
                f"record {record.disclosure_id} not written: {problem.strerror}",
                where=str(self._file),
                remedy="let the user that runs Asterisk (or the server) write there",
            ) from problem


def document(record: LedgerRecord) -> dict[str, Any]:
    """A record as JSON: enumerations by value, times in ISO 8601 with their zone, seconds for
    durations, and of the caller's number the last two digits."""
    call, resolution = record.call, record.resolution
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
        "dialled_number": call.dialled_number,
        "caller_number": masked(call.caller_number),
        "queue": call.queue,
        "agent": call.agent,
        "route": record.route.id,
        "on_failure": record.route.on_failure.value,
        "basis": resolution.basis.value,
        "sites": [site.id for site in resolution.sites],
        "site": resolution.site,
        "countries": list(record.countries),
        "language": record.language,
        "playbacks": [_playback(playback) for playback in record.playbacks],
        "outcome": record.outcome.value,
        "disposition": record.disposition.value,
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
    }
