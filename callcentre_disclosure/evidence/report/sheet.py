"""The report as one tidy sheet: a number a line, and what it is a number of.

Tables and measures are called the same in every language, so that what reads a sheet need not be
changed with it; only the decimal mark of the seconds is the reader's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import IO, NamedTuple

from callcentre_disclosure.evidence.sheet import write_sheet

from .figures import PARTS, Figures, Group, Tally, Trouble
from .waiting import STEP, Kept, Waits


class Line(NamedTuple):
    """One number. ``name`` is that of the day, country, site… or empty for the whole period."""

    table: str
    name: str
    measure: str
    unit: str
    value: float


def lines(figures: Figures) -> Iterator[Line]:
    """Every number of a report."""
    yield from _tally("total", "", figures.total)
    yield from _waits("total", "", figures.waits)
    for trouble in figures.troubles:
        yield from _tally("cause", _named(trouble), trouble.tally, only_there=True)
    tables = {
        "day": figures.days,
        "country": figures.countries,
        "site": figures.sites,
        "queue": figures.queues,
        "profile": figures.profiles,
    }
    for table, groups in tables.items():
        for group in groups:
            yield from _group(table, group)
    abroad = figures.abroad
    for measure in ("home", "abroad", "either", "unresolved"):
        yield Line("abroad", abroad.domestic or "", measure, "calls", getattr(abroad, measure))
    for measure, steps in figures.waits_by_place.items():
        for number, calls in enumerate(steps):
            yield Line("waited from (s)", str(number * STEP), measure, "calls", calls)
    for kept in figures.promises:
        yield from _promise(kept)
    for measure, parts in (
        ("hung_up", figures.cut.hung_up),
        ("interrupted", figures.cut.interrupted),
    ):
        for number, calls in enumerate(parts):
            name = str(number * 100 // PARTS)
            yield Line("announcement cut from (%)", name, measure, "announcements", calls)
    yield Line("announcement", "", "begun", "announcements", figures.cut.begun)


def write(file: IO[bytes], figures: Figures, decimal: str) -> None:
    """Write them all; ``decimal`` is the mark in front of the decimals."""
    write_sheet(file, Line._fields, (_cells(line, decimal) for line in lines(figures)))


def _cells(line: Line, decimal: str) -> tuple[str, ...]:
    value = f"{line.value:.4g}" if line.unit == "share" else f"{line.value:.10g}"
    return (*line[:-1], value.replace(".", decimal))


def _group(table: str, group: Group) -> Iterator[Line]:
    name = group.name or ""
    yield from _tally(table, name, group.tally)
    yield Line(table, name, "answered", "calls", group.answered)
    yield from _waits(table, name, group.waits)


def _tally(table: str, name: str, tally: Tally, *, only_there: bool = False) -> Iterator[Line]:
    yield Line(table, name, "calls", "calls", tally.calls)
    for field in fields(Tally):
        calls = getattr(tally, field.name)
        if calls or not only_there:
            yield Line(table, name, field.name, "calls", calls)


def _waits(table: str, name: str, waits: Waits) -> Iterator[Line]:
    if waits.median is not None and waits.p95 is not None:
        yield Line(table, name, "waited", "calls", waits.calls)
        yield Line(table, name, "waited median", "s", round(waits.median, 1))
        yield Line(table, name, "waited 95th percentile", "s", round(waits.p95, 1))


def _promise(kept: Kept) -> Iterable[Line]:
    name = kept.promise.value
    yield Line("promise", name, "calls", "calls", kept.calls)
    if kept.share is not None:
        yield Line("promise", name, "as promised", "share", kept.share)
    for measure, seconds in (("after choice", kept.first), ("domestic", kept.second)):
        if seconds is not None:
            yield Line("promise", name, f"waited median {measure}", "s", round(seconds, 1))


def _named(trouble: Trouble) -> str:
    cause = trouble.cause
    return f"{cause.kind.value}: {cause.subject}" if cause.subject else cause.kind.value
