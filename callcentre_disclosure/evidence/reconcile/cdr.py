"""Call Detail Records: who was dialled and answered, to the second.

A record does not tell when two parties were connected. Its ``answer`` is that of the channel, and
an announcement answers the call before anybody is sought; and who hung up while an agent waited
for the announcement to end has an ``ANSWERED`` record with that agent. So of calls that are known
by CDR alone it can be judged what they were told, and not whether it was before the connection.

As ``cdr_csv`` and ``cdr_custom`` write it (the sample mapping, the sample fields of Asterisk 22, or
JSON), ``cdr_sqlite3_custom`` (the sample columns), ``cdr_pgsql`` and ``cdr_adaptive_odbc``.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta, timezone

from callcentre_disclosure.errors import EvidenceError

from .calls import Call, Connection, Party
from .rows import NAME_OR_LOG, Layout, Reading, Row, columns_of, moment, rows

_CSV = columns_of(
    "accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end "
    "duration billsec disposition amaflags"
)
_NEWER = ["peeraccount", "linkedid", "sequence"]
_SAMPLE = columns_of(
    "clid src dst dcontext channel dstchannel lastapp lastdata start answer end duration billsec "
    "disposition amaflags accountcode uniqueid userfield sequence"
)
_SAMPLE_FIELDS = columns_of(
    "clid literal src dst dcontext channel dstchannel lastapp lastdata start answer end duration "
    "billsec disposition amaflags accountcode uniqueid userfield sequence ds_type"
)
_UNIQUE_ID = re.compile(r"(?:.*-)?\d{9,}\.\d+")
_DISPOSITIONS = ("ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "CANCEL")
_A_SECOND = timedelta(seconds=1)
#: Records of a call, and of the two halves of a Local channel, are written soon after one another.
_HELD_BACK = 2_000


def calls(places: Sequence[str], reading: Reading) -> Iterator[Call]:
    """The connections of some places, each as a call of its own; of several files the oldest comes
    first. Raises ``EvidenceError``."""
    times = ("calldate", "start", "sequence")
    halves: OrderedDict[str, str] = OrderedDict()  # of Local channels: who was dialled behind it
    held: OrderedDict[tuple[str, ...], Call] = OrderedDict()
    for place in places:
        for row in rows(place, "cdr", _layout(reading.columns), times, reading):
            try:
                call = _call(row, place, reading.zone)
            except EvidenceError as problem:
                reading.broken.one(problem)
                continue
            reading.broken.none()
            if call is None:
                continue
            (connection,) = call.connections
            near, _, half = connection.first.channel.partition(";")
            if half == "2":
                halves[near] = connection.second.channel
                if len(halves) > 2 * _HELD_BACK:
                    halves.popitem(last=False)
                continue
            key = (connection.first.unique_id, connection.first.channel, connection.second.channel)
            held[key] = _joined(held[key], call) if key in held else call
            if len(held) > _HELD_BACK:
                yield _through(held.popitem(last=False)[1], halves)
    while held:
        yield _through(held.popitem(last=False)[1], halves)


def _joined(one: Call, other: Call) -> Call:
    """Two records of the same two parties: Dial, or Queue, and then Bridge."""
    last = max(one, other, key=lambda call: call.ended)
    return replace(
        last,
        numbers=tuple(dict.fromkeys(one.numbers + other.numbers)),
        route=one.route or other.route,
    )


def _through(call: Call, halves: Mapping[str, str]) -> Call:
    """Who was dialled behind a Local channel is who was talked to."""
    (connection,) = call.connections
    second = connection.second
    seen: list[str] = []
    while (local := second.channel.partition(";")[0]) in halves and local not in seen:
        seen.append(local)
        second = Party(halves[local], "", (*second.known_by, second.channel))
    return replace(call, connections=(replace(connection, second=second),))


def _call(row: Row, place: str, zone: timezone | None) -> Call | None:
    try:
        if str(row["disposition"]) not in ("ANSWERED", "8"):
            return None
        first, second = str(row["channel"]), str(row["dstchannel"] or "")
        if not second or float(row["billsec"] or 0) == 0:
            return None  # nobody was dialled, or talked to for a second
        unique_id, linked_id = str(row["uniqueid"] or ""), str(row.get("linkedid") or "")
        start = row.get("start") or row["calldate"]
        began = moment(start, zone, unique_id)
        # Of each the fraction of a second was cut off.
        if ended := row.get("end"):
            until = moment(ended, zone, unique_id) + _A_SECOND
        else:
            until = began + timedelta(seconds=float(row["duration"] or 0)) + 2 * _A_SECOND
    except (KeyError, ValueError, TypeError, OverflowError) as problem:
        raise EvidenceError(
            f"a record without {problem}"
            if isinstance(problem, KeyError)
            else f"no time: {problem}",
            where=place.partition("#")[0].rpartition("@")[2],
            remedy=NAME_OR_LOG,
        ) from problem
    context = str(row.get("dcontext") or "")
    extension = str(row.get("dst") or "")
    return Call(
        id=linked_id or unique_id,
        ids=frozenset(filter(None, (unique_id, linked_id))),
        ended=until,
        connections=(Connection(Party(first, unique_id), Party(second), None, until),),
        channels=frozenset((first, second)),
        numbers=(extension,) if extension else (),
        route=extension if context.startswith("disclosure-calls-") else None,
    )


def _layout(columns: Sequence[str]) -> Layout:
    def layout(fields: Sequence[str]) -> Sequence[str] | None:
        if columns:
            return columns if len(columns) == len(fields) else None
        if len(fields) == len(_SAMPLE) and fields[13] in _DISPOSITIONS:
            return _SAMPLE
        if len(fields) <= 14 or fields[14] not in _DISPOSITIONS:
            return None
        if len(fields) == len(_SAMPLE_FIELDS) and _UNIQUE_ID.fullmatch(fields[17]):
            return _SAMPLE_FIELDS
        return _csv(fields)

    return layout


def _csv(fields: Sequence[str]) -> Sequence[str] | None:
    """cdr_csv: what ``loguniqueid``, ``loguserfield`` and ``newcdrcolumns`` add."""
    more = list(fields[len(_CSV) :])
    names: list[str] = []
    if more and _UNIQUE_ID.fullmatch(more[0]):
        names.append("uniqueid")
    newer = len(more) - len(names) >= len(_NEWER)
    rest = len(more) - len(names) - (len(_NEWER) if newer else 0)
    names += ["userfield"][:rest]
    names += _NEWER if newer else []
    if "uniqueid" not in names and "linkedid" not in names:
        raise EvidenceError("records have no uniqueid", remedy="set loguniqueid=yes in cdr.conf")
    return [*_CSV, *names] if len(names) == len(more) else None
