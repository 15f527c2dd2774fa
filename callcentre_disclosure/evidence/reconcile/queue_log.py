"""The log of the queues: which member was given which caller, to the second.

``CONNECT`` is written once the announcement is over, also where the caller has hung up in it; the
call that ``COMPLETECALLER`` then tells of lasted 0 s. Who is called without a queue, or gets a
caller by a transfer, is not in it. Not every call has an end: where an agent hands a caller over
by an application (``ATTENDEDTRANSFER|APP|Bridge``), Asterisk 16 and 22 write the unique id of the
consultation instead of the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from callcentre_disclosure.errors import EvidenceError

from .calls import SILENT, Call, Connection, Party
from .rows import Reading, lines, moment

_TALKED = ("COMPLETEAGENT", "COMPLETECALLER", "TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER")
_A_SECOND = timedelta(seconds=1)


def calls(places: Sequence[str], reading: Reading) -> Iterator[Call]:
    """The connections of some files, each as a call of its own; the oldest file comes first.

    Raises ``EvidenceError``.
    """
    talking: dict[str, Connection] = {}
    for place in places:
        for number, line in enumerate(lines(place), 1):
            fields = line.rstrip("\r\n").split("|")
            try:
                at, kind = moment(fields[0], timezone.utc), fields[4]
            except (ValueError, OverflowError, IndexError):
                what = "a line that is none of the log of the queues"
                reading.broken.one(EvidenceError(what, where=f"{place}:{number}"))
                continue
            reading.broken.none()
            if kind != "CONNECT" and kind not in _TALKED:
                continue
            yield from _silent(talking, at - SILENT)
            caller, member = fields[1], fields[3]
            if kind == "CONNECT":
                if earlier := talking.pop(caller, None):
                    yield _call(caller, earlier, at)
                agent = Party(member, fields[6] if len(fields) > 6 else "")
                talking[caller] = Connection(
                    Party("", caller), agent, at, None, resolution=_A_SECOND
                )
            elif connection := talking.pop(caller, None):
                lasted = fields[6:7] if kind.startswith("COMPLETE") else []
                if lasted != ["0"]:
                    yield _call(caller, connection, at)
    for caller, connection in talking.items():
        yield _call(caller, connection, None)


def _silent(talking: dict[str, Connection], since: datetime) -> Iterator[Call]:
    """The connections, oldest first, of which nothing was written any more."""
    while talking:
        caller, connection = next(iter(talking.items()))
        assert connection.since is not None
        if connection.since >= since:
            return
        yield _call(caller, talking.pop(caller), None)


def _call(caller: str, connection: Connection, until: datetime | None) -> Call:
    assert connection.since is not None
    return Call(
        id=caller,
        ids=frozenset((caller,)),
        ended=until or connection.since,
        connections=(replace(connection, until=until),),
    )
