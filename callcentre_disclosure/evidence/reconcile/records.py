"""The evidence, as far as a comparison needs it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.sites import Basis


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


class Window:
    """The records of the last hours, of those that come in the order of time."""

    def __init__(self, documents: Iterable[Mapping[str, Any]], *, longest_call: timedelta) -> None:
        self._coming: Iterator[Mapping[str, Any]] = iter(documents)
        self._next: Record | None = None
        self._longest = longest_call
        self._kept: deque[Record] = deque()
        self._by_id: defaultdict[str, list[Record]] = defaultdict(list)
        self._used: set[str] = set()
        self.read = 0
        """How many records there were."""
        self.unused = 0
        """Of how many of them no call was asked for, among those that are no longer here."""
        self._advance()

    def up_to(self, moment: datetime) -> None:
        """Take in the records up to a moment, and let go of those that are too old to matter."""
        while self._next is not None and self._next.at <= moment:
            self._kept.append(self._next)
            for key in {self._next.call, self._next.unique_id}:
                self._by_id[key].append(self._next)
            self._advance()
        while self._kept and self._kept[0].at < moment - self._longest:
            self._drop()

    def of(self, ids: Iterable[str]) -> list[Record]:
        """The records of a call, in the order of time."""
        found = {one.id: one for key in ids for one in self._by_id.get(key, ())}
        self._used.update(found)
        return sorted(found.values(), key=lambda one: one.at)

    def close(self) -> None:
        """Take in what is left, and let go of everything."""
        while self._next is not None:
            self._kept.append(self._next)
            self._advance()
        while self._kept:
            self._drop()

    def _advance(self) -> None:
        document = next(self._coming, None)
        self._next = None if document is None else record(document)
        self.read += document is not None

    def _drop(self) -> None:
        gone = self._kept.popleft()
        if gone.id in self._used:
            self._used.discard(gone.id)
        else:
            self.unused += 1
        for key in {gone.call, gone.unique_id}:
            left = [one for one in self._by_id.get(key, ()) if one is not gone]
            if left:
                self._by_id[key] = left
            else:
                self._by_id.pop(key, None)
