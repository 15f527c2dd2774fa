"""Channel Event Logging: the best witness, for it tells when each channel entered which bridge.

As ``cel_custom`` writes it (the sample mapping, the sample fields of Asterisk 22, or JSON),
``cel_sqlite3_custom`` (the sample columns), ``cel_pgsql`` and ``cel_odbc``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timezone
from typing import Any

from callcentre_disclosure.errors import EvidenceError

from . import assembling
from .assembling import ChannelEvent
from .calls import Call
from .rows import HOW_TO_LOG, Layout, Reading, Row, columns_of, moment, rows

#: cel_custom.conf: the sample mapping, which is the same in every version.
_SAMPLE = columns_of(
    "eventtype eventtime cidname cidnum cidani cidrdnis ciddnid exten context channame appname "
    "appdata amaflags accountcode uniqueid linkedid peer userfield userdeftype eventextra"
)
#: The same of Asterisk 22, by fields.
_SAMPLE_FIELDS = columns_of(
    "eventtype eventenum userdeftype literal eventtime name num ani rdnis dnid exten context "
    "channame appname appdata amaflags accountcode uniqueid linkedid peer peeraccount userfield "
    "eventextra tenantid"
)
#: What other modules call it, first of all as we do.
_NAMES = {
    "kind": ("eventtype",),
    "at": ("eventtime",),
    "channel": ("channame", "channel"),
    "unique_id": ("uniqueid",),
    "linked_id": ("linkedid",),
    "extension": ("exten",),
    "context": ("context",),
    "dialled": ("ciddnid", "cid_dnid", "dnid"),
    "application": ("appname",),
    "data": ("appdata",),
    "extra": ("eventextra", "extra"),
}
_NEEDED = ("kind", "at", "channel", "unique_id", "extra")
#: Where a database has a number for it (``cel.h``).
_NUMBERED = {
    "1": "CHAN_START",
    "2": "CHAN_END",
    "3": "HANGUP",
    "4": "ANSWER",
    "5": "APP_START",
    "6": "APP_END",
    "7": "BRIDGE_ENTER",
    "8": "BRIDGE_EXIT",
}
_OF_USE = ("CHAN_START", "CHAN_END", "ANSWER", "APP_START", "BRIDGE_ENTER", "BRIDGE_EXIT")


def calls(places: Sequence[str], reading: Reading) -> Iterator[Call]:
    """The calls of some places, each when it is over; of several files the oldest comes first.

    Raises ``EvidenceError``.
    """
    return assembling.calls(_events(places, reading))


def _events(places: Sequence[str], reading: Reading) -> Iterator[ChannelEvent]:
    for place in places:
        names: dict[str, str] = {}
        for row in rows(place, "cel", _layout(reading.columns), ("eventtime",), reading):
            if not names:
                names = _names(row, place)
            try:
                event = _event(row, names, place, reading.zone)
            except EvidenceError as problem:
                reading.broken.one(problem)
                continue
            reading.broken.none()
            if event is not None:
                yield event


def _layout(columns: Sequence[str]) -> Layout:
    known = [columns] if columns else [_SAMPLE, _SAMPLE_FIELDS]

    def layout(fields: Sequence[str]) -> Sequence[str] | None:
        return next((names for names in known if len(names) == len(fields)), None)

    return layout


def _names(row: Row, place: str) -> dict[str, str]:
    """What this place calls what is of use."""
    found = {
        ours: next((name for name in theirs if name in row), "") for ours, theirs in _NAMES.items()
    }
    missing = [_NAMES[ours][0] for ours in _NEEDED if not found[ours]]
    if missing:
        raise EvidenceError(
            f"has no {', '.join(missing)}",
            where=place.partition("#")[0].rpartition("@")[2],
            remedy=HOW_TO_LOG,
        )
    return found


def _event(
    row: Row, names: dict[str, str], place: str, zone: timezone | None
) -> ChannelEvent | None:
    kind = str(row.get(names["kind"]))
    kind = _NUMBERED.get(kind, kind)
    if kind not in _OF_USE:
        return None

    def text(ours: str) -> str:
        value = row.get(names[ours])
        return "" if value is None else str(value)

    try:
        at = moment(row.get(names["at"]), zone, text("unique_id"))
    except (ValueError, OverflowError) as problem:
        raise EvidenceError(
            f"no time: {row.get(names['at'])!r}",
            where=place.partition("#")[0].rpartition("@")[2],
            remedy="leave `dateformat` of cel.conf out, or name the columns in their order",
        ) from problem
    extra = _extra(row.get(names["extra"])) if kind.startswith("BRIDGE_") else {}
    return ChannelEvent(
        kind=kind,
        at=at,
        channel=text("channel"),
        unique_id=text("unique_id"),
        linked_id=text("linked_id"),
        extension=text("extension"),
        context=text("context"),
        dialled=text("dialled"),
        application=text("application"),
        data=text("data"),
        bridge=str(extra.get("bridge_id", "")),
        technology=str(extra.get("bridge_technology", "")),
    )


def _extra(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    try:
        found = json.loads(value or "{}")
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
