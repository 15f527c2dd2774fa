"""All the calls of a source held against the evidence, in one pass over both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .calls import LONGEST_CALL, Call
from .judging import TOLERANCE, Fair, Finding, is_conversation, judge
from .people import People
from .records import Window

#: A record is written when an announcement is over, and found by when it began; clocks differ.
_MARGIN = timedelta(seconds=60)


@dataclass(slots=True)
class Counts:
    """What was compared. A call is counted once, by the worst that is true of it.

    ``calls`` are those in which a consumer was connected with a person: ``told``, ``exempt`` by the
    rule, or ``leaks``. ``internal`` are calls among agents, ``unreached`` those of consumers who
    reached nobody. ``records`` are those of the evidence, ``unmatched`` those of them of which the
    source knows no call.
    """

    calls: int = 0
    told: int = 0
    exempt: int = 0
    leaks: int = 0
    internal: int = 0
    unreached: int = 0
    records: int = 0
    unmatched: int = 0


class Comparison:
    """One source against the evidence. ``counts`` are whole when ``findings`` has come to its end.

    Calls must come roughly in the order in which they ended, ``documents`` in that of
    ``received_at``, from ``LONGEST_CALL`` before ``since`` on. Connections count that were made, or
    where that is not known ended, from ``since`` on and before ``before``. Calls of which an id is
    ``known`` from a better source are passed over; ``seen`` are the ids of the others.
    """

    def __init__(
        self,
        people: People,
        *,
        since: datetime | None = None,
        before: datetime | None = None,
        tolerance: timedelta = TOLERANCE,
        known: AbstractSet[str] = frozenset(),
    ) -> None:
        self._people = people
        self._known = known
        self._since = since
        self._before = before
        self._tolerance = tolerance
        self.counts = Counts()
        self.seen: set[str] = set()

    def findings(
        self, calls: Iterable[Call], documents: Iterable[Mapping[str, Any]]
    ) -> Iterator[Finding]:
        """What is wrong, call by call."""
        window = Window(documents, longest_call=LONGEST_CALL)
        for call in calls:
            window.up_to(call.ended + _MARGIN)
            yield from self._call(call, window)
        window.close()
        self.counts.records, self.counts.unmatched = window.read, window.unused

    def _call(self, call: Call, window: Window) -> Iterator[Finding]:
        records = window.of(call.ids)
        if not call.ids.isdisjoint(self._known):
            return
        self.seen |= call.ids
        if not self._is_wanted(call.ended) and not call.connections:
            return
        talked, verdicts = False, []
        for connection in call.connections:
            moment = connection.since or connection.until or call.ended
            if not is_conversation(connection) or not self._is_wanted(moment):
                continue
            talked = True
            roles = self._people.roles(connection)
            if roles is not None:
                verdicts.append(
                    judge(call, connection, roles, records, self._people, self._tolerance)
                )
        if talked or (self._is_wanted(call.ended) and self._has_consumer(call)):
            yield from self._count(verdicts, talked=talked)

    def _count(self, verdicts: list[Finding | Fair], *, talked: bool) -> Iterator[Finding]:
        counts = self.counts
        reached = [verdict for verdict in verdicts if verdict is not Fair.NOBODY]
        if not reached:
            counts.internal += talked and not verdicts
            counts.unreached += not talked or bool(verdicts)
            return
        counts.calls += 1
        found = [verdict for verdict in reached if isinstance(verdict, Finding)]
        if found:
            counts.leaks += 1
        elif Fair.TOLD in reached:
            counts.told += 1
        else:
            counts.exempt += 1
        yield from found

    def _has_consumer(self, call: Call) -> bool:
        """Whether anybody but agents was in it."""
        return any(
            not one.startswith("Local/") and not self._people.is_agent(one) for one in call.channels
        )

    def _is_wanted(self, moment: datetime) -> bool:
        return not (self._since and moment < self._since) and not (
            self._before and moment >= self._before
        )
