"""All the calls of a source held against the evidence.

The evidence is asked for the records of some calls after these were read, by their ids alone: so it
does not matter how long a call was, in which order calls come, of how many Asterisks, whether they
go on meanwhile, and what their clocks say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from .calls import Call
from .judging import TOLERANCE, Fair, Finding, is_conversation, judge
from .people import People
from .records import Record, Records

#: The records of so many calls are looked up together.
_AT_ONCE = 200


@dataclass(slots=True)
class Counts:
    """What was compared. A call is counted once, by the worst that is true of it.

    ``calls`` are those in which a consumer was connected with a person: ``told``, ``exempt`` by the
    rule, or ``leaks``. ``internal`` are calls among agents, ``unreached`` those of consumers who
    reached nobody. ``records`` are those that the evidence has of the time of interest,
    ``unmatched`` those of them of which the source knows no call.
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

    Connections count that were made, or where that is not known ended, from ``since`` on and before
    ``before``. Calls of which an id is ``known`` from a better source are passed over; ``seen`` are
    the ids of all.
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

    def findings(self, calls: Iterable[Call], evidence: Records) -> Iterator[Finding]:
        """What is wrong, call by call. Raises ``EvidenceError``."""
        coming = iter(calls)
        while some := list(islice(coming, _AT_ONCE)):
            self.seen.update(*(call.ids for call in some))
            some = [call for call in some if call.ids.isdisjoint(self._known)]
            records = evidence.of(some)
            for call in some:
                yield from self._call(call, records(call))
        self.counts.records, self.counts.unmatched = evidence.count(
            self.seen, self._since, self._before
        )

    def _call(self, call: Call, records: Sequence[Record]) -> Iterator[Finding]:
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
