"""The evidence, as far as a comparison needs it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.sites import Basis
from callcentre_disclosure.evidence.document import utc
from callcentre_disclosure.evidence.reading import UNREADABLE, Store, changed, ids_of, of_calls

from .calls import LONGEST_CALL, Call


@dataclass(frozen=True, slots=True)
class Record:
    """One announcement, or that none was required: what ``document`` says of it."""

    id: str
    call: str
    unique_id: str
    channel: str
    at: datetime
    told_at: datetime | None
    direction: Direction
    stage: Stage
    outcome: DisclosureOutcome
    countries: tuple[str, ...]
    announced: tuple[str, ...]
    told_before: str
    agent: str
    member: str
    by_agent: bool
    profile: str
    because: str
    cause: str
    door: str

    @property
    def was_due(self) -> bool:
        return self.outcome is not DisclosureOutcome.NOT_REQUIRED

    @property
    def silences(self) -> bool:
        """Whether nobody else could be heard meanwhile, connected or not: what ARI plays to a
        channel in a bridge takes the place of what comes from there."""
        return self.door == "ari"


def record(document: Mapping[str, Any]) -> Record:
    """What matters of a document of the ledger."""
    told_at = document["told_at"]
    return Record(
        id=document["id"],
        call=document["call"],
        unique_id=document["unique_id"],
        channel=document["channel"],
        at=datetime.fromisoformat(document["received_at"]),
        told_at=datetime.fromisoformat(told_at) if told_at else None,
        direction=Direction(document["direction"]),
        stage=Stage(document["stage"]),
        outcome=DisclosureOutcome(document["outcome"]),
        countries=tuple(document["countries"]),
        announced=tuple(document["announced"]),
        told_before=document["told_before"] or "",
        agent=document["agent"] or "",
        member=document["member"] or "",
        by_agent=document["basis"] == Basis.AGENT.value,
        profile=document["profile"] or "",
        because=document["because"],
        cause=document["cause"],
        door=document["door"],
    )


class Records:
    """Those of a ledger, looked up by the ids of calls."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, calls: Sequence[Call]) -> Callable[[Call], list[Record]]:
        """Look up those of some calls together; what is returned tells those of one of them, in
        the order of time. Raises ``EvidenceError``."""
        by_id: defaultdict[str, dict[str, Record]] = defaultdict(dict)
        ids = {id_ for call in calls for id_ in call.ids}
        with closing(of_calls(self._store, ids)) as kept:
            for entry, document in kept:
                try:
                    found = record(document)
                except UNREADABLE as problem:
                    raise changed(entry) from problem
                for id_ in (found.call, found.unique_id):
                    by_id[id_][found.id] = found

        def of_one(call: Call) -> list[Record]:
            own = {id_: one for key in call.ids if key in by_id for id_, one in by_id[key].items()}
            near = (one for one in own.values() if abs(one.at - call.ended) <= LONGEST_CALL)
            return sorted(near, key=lambda one: one.at)

        return of_one

    def count(
        self, calls: AbstractSet[str], since: datetime | None, before: datetime | None
    ) -> tuple[int, int]:
        """How many there are of some time, and how many of them are of other calls than those with
        these ids. Raises ``EvidenceError``."""
        some, others = 0, 0
        times = (utc(moment) if moment else None for moment in (since, before))
        for ids in ids_of(self._store, *times):
            some += 1
            others += calls.isdisjoint(ids)
        return some, others
