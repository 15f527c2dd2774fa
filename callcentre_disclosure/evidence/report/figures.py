"""The numbers of a report, from the columns of the table ``entries``.

A call has a record for each time that it was announced: before a queue, when an agent has answered,
again after a transfer. They come in the order of an index, so that one pass makes calls of them and
counts these, and nothing is sorted or kept but the seconds that callers waited.

- The *verdict* of a call is the outcome of its last record that is not NOT_REQUIRED: what the
  channel variable DISCLOSURE_STATUS holds in the end.
- It was *answered* in the countries, at the site and in the queue of the last agent who answered.
- The caller *waited* for the first agent who answered. Calls that we made have nobody waiting.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from callcentre_disclosure.disclosure.outcome import POSITION_TOLERANCE, DisclosureOutcome
from callcentre_disclosure.errors import EvidenceError

from .causes import Cause, read_cause
from .waiting import (
    ILLICO_COUNTRY,
    NO_WAITS,
    Kept,
    Run,
    Waits,
    histogram,
    illico,
    parity,
    spain,
    waits_of,
)

#: In the order of the index ``entries_report``. Every text that is handed over takes time, so
#: those that do not matter are not: where a caller was told without trouble, by which route.
_RECORDS = """\
SELECT day, call, CASE WHEN stage = 'answered' THEN 1 ELSE 0 END,
       outcome, countries, queue, profile, site,
       CASE WHEN outcome <> 'DISCLOSED' OR cause <> '' THEN route END,
       CASE WHEN direction = 'inbound' THEN waited END,
       waited_since_choice, cause
FROM entries WHERE day BETWEEN ? AND ? ORDER BY day, call, at"""

#: How far the sentences came that were begun and not finished.
_CUT = """\
SELECT outcome, played, seconds, COUNT(*)
FROM entries
WHERE day BETWEEN ? AND ? AND outcome IN (?, ?) AND seconds > 0 AND played < seconds - ?
GROUP BY outcome, played, seconds"""

_BEGUN = "SELECT COUNT(*) FROM entries WHERE day BETWEEN ? AND ? AND played > 0"

#: Into so many parts a sentence is cut, to tell where it ended.
PARTS = 10

_FIRST_DAY, _LAST_DAY = "", "9999-12-31"
_DISCLOSED = DisclosureOutcome.DISCLOSED.value
_PARTIAL = DisclosureOutcome.PARTIAL.value
_NOT_DISCLOSED = DisclosureOutcome.NOT_DISCLOSED.value
_ABANDONED = DisclosureOutcome.ABANDONED.value
_NOT_REQUIRED = DisclosureOutcome.NOT_REQUIRED.value


class Query(Protocol):
    """Runs SQL with ``?`` for its parameters and gives the rows one after another."""

    def __call__(self, sql: str, parameters: Sequence[Any], /) -> Iterable[Sequence[Any]]: ...


class Call(NamedTuple):
    """One call, from all of its records; most names as the table has them."""

    day: str
    outcome: str
    answered: bool
    countries: str
    queue: str | None
    site: str | None
    profile: str | None
    first_countries: str  #: of the first agent who answered, for whom the caller ``waited``
    waited: float | None
    waited_since_choice: float | None
    route: str | None  #: of the record with the verdict, None where all was well
    fault_site: str | None  #: of the record with the verdict, None where it was not known yet
    cause: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls by verdict."""

    disclosed: int = 0
    partial: int = 0
    not_disclosed: int = 0
    abandoned: int = 0
    not_required: int = 0

    @property
    def calls(self) -> int:
        return self.asked + self.not_required

    @property
    def asked(self) -> int:
        """Calls whose callers had to be told."""
        return self.disclosed + self.partial + self.not_disclosed + self.abandoned


@dataclass(frozen=True, slots=True)
class Group:
    """The calls of a day, a country, a site, a queue or a profile.

    ``name`` is as the table has it, None where it is not known; ``answered`` counts those for which
    an agent answered, ``waits`` are those of calls received.
    """

    name: str | None
    tally: Tally
    answered: int = 0
    waits: Waits = NO_WAITS


@dataclass(frozen=True, slots=True)
class Abroad:
    """Answered calls by where the agent was, seen from the domestic country.

    ``either`` counts those of which only several possible countries are known, home among them.
    Without a domestic country nothing is home.
    """

    domestic: str | None
    home: int = 0
    abroad: int = 0
    either: int = 0
    unresolved: int = 0

    @property
    def share(self) -> float | None:
        """The part abroad of all whose country is known, from 0 to 1."""
        known = self.home + self.abroad
        return self.abroad / known if known and self.domestic else None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A cause, the calls it touched, from which day to which, and where most: (name, calls)."""

    cause: Cause
    tally: Tally
    first: str
    last: str
    routes: tuple[tuple[str, int], ...]
    sites: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """Sentences that did not come to their end, by the tenth of it in which they ended."""

    begun: int = 0
    hung_up: tuple[int, ...] = (0,) * PARTS
    interrupted: tuple[int, ...] = (0,) * PARTS


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole report. ``since`` and ``until`` are the period asked for, as ISO days, or None;
    ``waits_by_place`` are histograms of waits for agents at ``home``, ``abroad`` and where it is
    ``unknown``, of as many of these as there are, or ``everywhere`` where nothing is home."""

    since: str | None
    until: str | None
    total: Tally
    troubles: tuple[Trouble, ...]
    days: tuple[Group, ...]
    countries: tuple[Group, ...]
    abroad: Abroad
    sites: tuple[Group, ...]
    queues: tuple[Group, ...]
    profiles: tuple[Group, ...]
    waits: Waits
    waits_by_place: Mapping[str, tuple[int, ...]]
    promises: tuple[Kept, ...]
    cut: Cut


def figures(query: Query, since: date | None, until: date | None, domestic: str | None) -> Figures:
    """Count what a period holds, both days included; ``domestic`` is the callers' country."""
    counted = _Counted()
    for call in calls(query, since, until):
        counted.add(call)
    groups = counted.groups
    return Figures(
        since=since.isoformat() if since else None,
        until=until.isoformat() if until else None,
        total=_tally(counted.calls),
        troubles=counted.troubles(),
        days=_without_gaps(groups(lambda key: key.day)),
        countries=_weightiest(
            groups(lambda key: key.countries, counted.waits_by(lambda place: place.countries))
        ),
        abroad=_abroad(counted.calls, domestic),
        sites=_worst(groups(lambda key: key.site)),
        queues=_worst(groups(lambda key: key.queue, counted.waits_by(lambda place: place.queue))),
        profiles=_worst(groups(lambda key: key.profile)),
        waits=waits_of(counted.waited(lambda _: True)),
        waits_by_place=counted.waits_by_place(domestic),
        promises=counted.promises(domestic),
        cut=_cut(query, since, until),
    )


def calls(query: Query, since: date | None, until: date | None) -> Iterator[Call]:
    """The calls of a period, one after another."""
    records: list[_Record] = []
    for record in map(_Record._make, query(_RECORDS, _period(since, until))):
        if records and (record.call != records[0].call or record.day != records[0].day):
            yield _call(records)
            records = []
        records.append(record)
    if records:
        yield _call(records)


class _Record(NamedTuple):
    """A row of ``_RECORDS``."""

    day: str
    call: str
    answered: int
    outcome: str
    countries: str
    queue: str | None
    profile: str | None
    site: str | None
    route: str | None
    waited: float | None
    waited_since_choice: float | None
    cause: str


def _call(records: Sequence[_Record]) -> Call:
    """One call from its records in the order of time."""
    told = place = last = records[-1]
    first = since_choice = None
    if len(records) > 1 or last.answered:
        for record in records:
            if record.outcome != _NOT_REQUIRED or told.outcome == _NOT_REQUIRED:
                told = record
            if record.answered:
                place, first = record, first or record
                if record.waited_since_choice is not None:
                    since_choice = record.waited_since_choice
    return Call(
        last.day,
        told.outcome,
        first is not None,
        place.countries,
        place.queue,
        place.site,
        told.profile,
        first.countries if first else "",
        first.waited if first else None,
        since_choice,
        told.route,
        told.site,
        told.cause,
    )


class _Key(NamedTuple):
    """What calls are counted by: how a ``Call`` begins."""

    day: str
    outcome: str
    answered: bool
    countries: str
    queue: str | None
    site: str | None
    profile: str | None


class _Place(NamedTuple):
    """What waits are kept by."""

    countries: str
    queue: str | None
    chosen: bool


class _Counted:
    """What one pass over the calls leaves."""

    def __init__(self) -> None:
        # Plain tuples, which are made much faster than named ones.
        self._calls: Counter[tuple[object, ...]] = Counter()
        self._waits: dict[tuple[str, str | None, bool], array[float]] = defaultdict(
            lambda: array("d")
        )
        self._since_choice = array("d")
        self._troubles: dict[Cause, _Trouble] = defaultdict(_Trouble)

    def add(self, call: Call) -> None:
        self._calls[call[: len(_Key._fields)]] += 1
        if call.waited is not None:
            since_choice = call.waited_since_choice
            place = (call.first_countries, call.queue, since_choice is not None)
            self._waits[place].append(call.waited)
            if since_choice is not None:
                self._since_choice.append(since_choice)
        if call.outcome in _TO_MEND or (call.cause and call.outcome == _DISCLOSED):
            self._troubles[read_cause(call.cause)].add(call)

    @property
    def calls(self) -> dict[_Key, int]:
        return {_Key._make(key): calls for key, calls in self._calls.items()}

    def groups(
        self, of: Callable[[_Key], str | None], waits: Mapping[str | None, Waits] | None = None
    ) -> list[Group]:
        found: dict[str | None, Counter[_Key]] = defaultdict(Counter)
        for key, calls in self.calls.items():
            found[of(key)][key] += calls
        waits = waits or {}
        return [
            Group(name, _tally(counts), _answered(counts), waits.get(name, NO_WAITS))
            for name, counts in found.items()
        ]

    def waited(self, where: Callable[[_Place], bool]) -> Iterator[Run]:
        """The waits for agents of some places."""
        return (run for place, run in self._runs if where(place))

    def waits_by(self, of: Callable[[_Place], str | None]) -> dict[str | None, Waits]:
        together: dict[str | None, list[Run]] = defaultdict(list)
        for place, run in self._runs:
            together[of(place)].append(run)
        return {name: waits_of(runs) for name, runs in together.items()}

    def waits_by_place(self, domestic: str | None) -> dict[str, tuple[int, ...]]:
        if domestic is None:
            runs = list(self.waited(lambda _: True))
            return {"everywhere": histogram(runs)} if runs else {}
        found: dict[str, list[Run]] = {"home": [], "abroad": [], "unknown": []}
        for place, run in self._runs:
            where = seen_from(domestic, place.countries)
            found[where if where in found else "unknown"].append(run)
        return {where: histogram(runs) for where, runs in found.items() if runs}

    @cached_property
    def _runs(self) -> list[tuple[_Place, Run]]:
        return [(_Place(*place), sorted(seconds)) for place, seconds in self._waits.items()]

    def promises(self, domestic: str | None) -> tuple[Kept, ...]:
        everybody = sum(map(len, self._waits.values()))
        return (
            illico(everybody, self.waited(lambda place: place.countries == ILLICO_COUNTRY)),
            spain(self.waited(lambda _: True)),
            parity(
                [sorted(self._since_choice)],
                self.waited(lambda place: place.countries == domestic and not place.chosen),
            ),
        )

    def troubles(self) -> tuple[Trouble, ...]:
        """First what kept most callers from being told."""
        found = [trouble.of(cause) for cause, trouble in self._troubles.items()]
        return tuple(
            sorted(
                found,
                key=lambda trouble: (
                    -trouble.tally.not_disclosed,
                    -trouble.tally.partial,
                    -trouble.tally.calls,
                    trouble.cause.kind,
                    trouble.cause.subject,
                ),
            )
        )


#: The verdicts that somebody can mend. (A caller who hangs up is nobody's fault.)
_TO_MEND = (_NOT_DISCLOSED, _PARTIAL)
_FEW = 3


class _Trouble:
    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._days: set[str] = set()
        self._routes: Counter[str] = Counter()
        self._sites: Counter[str] = Counter()

    def add(self, call: Call) -> None:
        self._outcomes[call.outcome] += 1
        self._days.add(call.day)
        if call.route:
            self._routes[call.route] += 1
        if call.fault_site:
            self._sites[call.fault_site] += 1

    def of(self, cause: Cause) -> Trouble:
        return Trouble(
            cause,
            by_outcome(self._outcomes),
            min(self._days),
            max(self._days),
            tuple(self._routes.most_common(_FEW)),
            tuple(self._sites.most_common(_FEW)),
        )


def _tally(counts: Mapping[_Key, int]) -> Tally:
    outcomes: Counter[str] = Counter()
    for key, calls in counts.items():
        outcomes[key.outcome] += calls
    return by_outcome(outcomes)


def by_outcome(outcomes: Mapping[str, int]) -> Tally:
    """Calls by the values of ``DisclosureOutcome``."""
    return Tally(**{field.name: outcomes.get(field.name.upper(), 0) for field in fields(Tally)})


def _answered(counts: Mapping[_Key, int]) -> int:
    return sum(calls for key, calls in counts.items() if key.answered)


def _abroad(counts: Mapping[_Key, int], domestic: str | None) -> Abroad:
    found: Counter[str] = Counter()
    for key, calls in counts.items():
        if key.answered:
            found[seen_from(domestic, key.countries)] += calls
    return Abroad(domestic, **found)


def seen_from(domestic: str | None, countries: str) -> str:
    """Which number of ``Abroad`` a call counts in, by the countries of the agent who answered."""
    codes = countries.split(",")
    if not countries:
        return "unresolved"
    if domestic not in codes:
        return "abroad"
    return "home" if len(codes) == 1 else "either"


def _without_gaps(days: Sequence[Group]) -> tuple[Group, ...]:
    """Every day from the first to the last with calls. Raises ``EvidenceError`` where one is no
    day: nobody has looked yet whether the columns are what was written."""
    try:
        found = {date.fromisoformat(group.name): group for group in days if group.name}
    except ValueError as problem:
        raise EvidenceError(
            f"calls are filed under a day that is none: {problem}",
            remedy="run `callcentre-disclosure evidence verify`",
        ) from problem
    if not found:
        return ()
    first, last = min(found), max(found)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(found.get(day, Group(day.isoformat(), Tally())) for day in every)


def _worst(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(
        sorted(
            groups,
            key=lambda group: (-group.tally.not_disclosed, -group.tally.calls, group.name or ""),
        )
    )


def _weightiest(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(
        sorted(groups, key=lambda group: (-group.answered, -group.tally.calls, group.name or ""))
    )


def _cut(query: Query, since: date | None, until: date | None) -> Cut:
    period = _period(since, until)
    parts: dict[str, list[int]] = {_ABANDONED: [0] * PARTS, _PARTIAL: [0] * PARTS}
    for outcome, played, seconds, records in query(
        _CUT, (*period, _ABANDONED, _PARTIAL, POSITION_TOLERANCE)
    ):
        part = min(PARTS - 1, int(PARTS * played / seconds))
        parts[outcome][part] += records
    ((begun,),) = query(_BEGUN, period)
    return Cut(begun, tuple(parts[_ABANDONED]), tuple(parts[_PARTIAL]))


def _period(since: date | None, until: date | None) -> tuple[str, str]:
    return (
        since.isoformat() if since else _FIRST_DAY,
        until.isoformat() if until else _LAST_DAY,
    )
