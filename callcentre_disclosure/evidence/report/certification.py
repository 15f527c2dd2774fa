"""A year's calls under one rule, for those who must certify that they kept it.

The Keep Call Centers in America Act (S. 2495, 2025, a bill) asks businesses to certify to the
Federal Trade Commission every year whether callers were told where the agent is, and were given
one at home when they asked. What the ledger knows of that is here, month by month and country by
country; that AI takes part, which the bill asks about too, it does not know.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from .figures import Call, Query, Tally, by_outcome, calls, seen_from
from .waiting import Kept, parity

#: The rule that the bill is in the shipped profiles.
PROFILE = "us-s2495"


@dataclass(frozen=True, slots=True)
class Certified:
    """Calls of a month (``2026-01``), of a country, or of all the year.

    ``home`` and ``abroad`` are those an agent answered, seen from the domestic country; of the
    ``unknown`` ones it is not known which. ``chosen`` are those who asked for another agent and got
    one.
    """

    name: str
    tally: Tally
    home: int
    abroad: int
    unknown: int
    chosen: int


@dataclass(frozen=True, slots=True)
class Certification:
    """The table of a year. ``parity`` compares the wait after a choice with the domestic one."""

    year: int
    profile: str
    domestic: str | None
    total: Certified
    months: tuple[Certified, ...]
    countries: tuple[Certified, ...]
    parity: Kept

    @property
    def kept(self) -> bool:
        """Whether every caller was told, or hung up first."""
        return not (self.total.tally.not_disclosed or self.total.tally.partial)


def certification(query: Query, year: int, profile: str, domestic: str | None) -> Certification:
    """Count the calls of a year whose rule was ``profile``."""
    counted: Counter[_Kind] = Counter()
    after_choice, at_home = array("d"), array("d")
    for call in calls(query, date(year, 1, 1), date(year, 12, 31)):
        if call.profile != profile:
            continue
        counted[_kind(call)] += 1
        if call.waited_since_choice is not None:
            after_choice.append(call.waited_since_choice)
        elif call.waited is not None and call.first_countries == domestic:
            at_home.append(call.waited)
    return Certification(
        year,
        profile,
        domestic,
        _certified(str(year), counted.items(), domestic),
        _by(counted, lambda kind: kind.month, domestic),
        tuple(
            sorted(
                _by(counted, lambda kind: kind.countries, domestic),
                key=lambda line: (-line.tally.calls, line.name),
            )
        ),
        parity([sorted(after_choice)], [sorted(at_home)]),
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    month: str
    outcome: str
    answered: bool
    countries: str
    chosen: bool


def _kind(call: Call) -> _Kind:
    chosen = call.waited_since_choice is not None
    return _Kind(call.day[:7], call.outcome, call.answered, call.countries, chosen)


def _by(
    counted: Counter[_Kind], of: Callable[[_Kind], str], domestic: str | None
) -> tuple[Certified, ...]:
    found: dict[str, list[tuple[_Kind, int]]] = defaultdict(list)
    for kind, number in counted.items():
        found[of(kind)].append((kind, number))
    return tuple(_certified(name, found[name], domestic) for name in sorted(found))


def _certified(name: str, counted: Iterable[tuple[_Kind, int]], domestic: str | None) -> Certified:
    outcomes: Counter[str] = Counter()
    where: Counter[str] = Counter()
    chosen = 0
    for kind, number in counted:
        outcomes[kind.outcome] += number
        chosen += number * kind.chosen
        if kind.answered:
            where[seen_from(domestic, kind.countries)] += number
    unknown = where["either"] + where["unresolved"]
    return Certified(name, by_outcome(outcomes), where["home"], where["abroad"], unknown, chosen)
