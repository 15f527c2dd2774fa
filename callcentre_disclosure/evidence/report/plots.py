"""The plots of a report, as SVG that stands in the page.

They are described in Vega-Lite and drawn by ``vl_convert``, without a browser and without the
network. Each is drawn twice, for a desk (or paper) and for a telephone, because text in a picture
that is made smaller cannot be read. Screen readers are given what a plot says as its name; the
numbers are in a table next to it. The colours are those of Okabe and Ito, which differ for
everybody, and differ in lightness too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from itertools import groupby
from typing import Any

import vl_convert

from .figures import PARTS, Abroad, Cut, Figures, Group, Tally
from .waiting import ILLICO_SECONDS, LONGEST, SPAIN_SECONDS, STEP
from .words import Words

Spec = dict[str, Any]

#: In the order in which they are stacked, from the bottom.
OUTCOMES = ("not_disclosed", "partial", "abandoned", "disclosed", "not_required")
COLOURS: Mapping[str, str] = {
    "disclosed": "#5fa8d3",
    "partial": "#e69f00",
    "not_disclosed": "#c8400a",
    "abandoned": "#8a9099",
    "not_required": "#d5d9de",
    "home": "#0b6b62",
    "abroad": "#5fa8d3",
    "everywhere": "#5fa8d3",
    "unknown": "#8a9099",
}
_INK, _SOFT, _LINE = "#1c2024", "#5a626b", "#dfe2e6"
_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif"
#: Days in a plot of days; a longer time is plotted by weeks, then by months.
_DAYS, _WEEKS = 62, 62
#: Countries that have a bar of their own.
_COUNTRIES = 12
#: What stays free between the bars of a histogram, as a part of its step.
_GAP = 0.07
#: The width of what is plotted, in the pixels of a desk's and of a telephone's screen.
_DESK, _TELEPHONE = 770, 264
_VEGA_LITE = "5.20"
#: Room for text that a screen's font makes wider than it was measured, in pixels.
_PADDING = {"left": 6, "right": 26, "top": 1, "bottom": 1}
_COUNT: Spec = {
    "field": "calls",
    "aggregate": "sum",
    "type": "quantitative",
    "title": None,
    "axis": {"tickCount": 4, "format": ",.0f", "tickMinStep": 1, "domain": False, "ticks": False},
}
_CONFIG: Spec = {
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": _SOFT,
        "titleColor": _SOFT,
        "titleFontWeight": "normal",
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titlePadding": 8,
        "domainColor": _LINE,
        "tickColor": _LINE,
        "gridColor": _LINE,
    },
    "text": {"fontSize": 13},
    "title": {
        "anchor": "start",
        "frame": "group",
        "color": _SOFT,
        "fontSize": 13,
        "fontWeight": "normal",
        "offset": 10,
    },
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture for each width; ``says`` is what it shows, in a sentence, and ``legend`` what its
    colours mean: (name, colour)."""

    wide: str
    narrow: str
    says: str
    legend: tuple[tuple[str, str], ...] = ()


def by_time(days: Sequence[Group]) -> tuple[str, Sequence[Group]]:
    """The days, or their weeks or months where there are too many; with what they are."""
    if len(days) <= _DAYS:
        return "day", days
    if len(days) <= 7 * _WEEKS:
        return "week", _together(days, lambda day: day - timedelta(days=day.weekday()))
    return "month", _together(days, lambda day: day.replace(day=1))


def days_plot(figures: Figures, words: Words) -> Plot | None:
    """Calls by verdict, all of them and below, on a scale of its own, what went wrong."""
    step, times = by_time(figures.days)
    if not times:
        return None
    pattern = "LLL yy" if step == "month" else "d MMM"
    labels = {time.name: words.day(time.name, pattern) for time in times if time.name}
    there = [outcome for outcome in OUTCOMES if getattr(figures.total, outcome)]
    wrong = [outcome for outcome in there if outcome in OUTCOMES[:3]]
    legend = [(words(f"outcome.{outcome}"), COLOURS[outcome]) for outcome in there]

    def bars(width: int, height: int, title: str, outcomes: Sequence[str]) -> Spec:
        return {
            "title": title,
            "width": width,
            "height": height,
            "data": {
                "values": [
                    {
                        "time": time.name,
                        "kind": words(f"outcome.{outcome}"),
                        "order": order,
                        "calls": getattr(time.tally, outcome),
                    }
                    for time in times
                    for order, outcome in enumerate(outcomes)
                ]
            },
            "mark": {"type": "bar", "aria": False},
            "encoding": {
                "x": {
                    "field": "time",
                    "type": "ordinal",
                    "title": None,
                    "axis": {
                        "labelExpr": _looked_up(labels),
                        "labelAngle": 0,
                        "labelOverlap": "greedy",
                        "labelSeparation": 12,
                        "tickSize": 0,
                        "labelPadding": 6,
                    },
                },
                "y": _COUNT,
                "color": _colour(legend),
                "order": {"field": "order", "type": "quantitative"},
            },
        }

    def spec(width: int) -> Spec:
        parts = [bars(width, 190, words("days.all"), there)]
        if wrong:
            parts.append(bars(width, 130, words("days.problems"), wrong))
        return {"vconcat": parts, "spacing": 26}

    calls = words.number(figures.total.calls)
    worst = max(times, key=lambda time: time.tally.not_disclosed)
    if worst.name and worst.tally.not_disclosed:
        says = words(
            "days.description",
            calls=calls,
            not_told=words.number(figures.total.not_disclosed),
            worst=f"{labels[worst.name]}, {words.number(worst.tally.not_disclosed)}",
        )
    else:
        says = words("days.description_none", calls=calls)
    return _plot(spec, says, words, legend)


def countries_plot(groups: Sequence[Group], abroad: Abroad, words: Words) -> Plot | None:
    """Answered calls by country, home in a colour of its own; each name stands over its bar, where
    it has room."""
    found = [group for group in groups if group.answered][:_COUNTRIES]
    if not found:
        return None
    total = sum(group.answered for group in groups)
    rows = [
        {
            "place": place,
            "country": words.answered_in(group.name),
            "calls": group.answered,
            "label": f"{words.number(group.answered)}  ·  {words.share(group.answered, total)}",
            "colour": COLOURS[_where(group, abroad)],
        }
        for place, group in enumerate(found)
    ]
    y = {"field": "place", "type": "ordinal", "axis": None}

    def spec(width: int) -> Spec:
        calls = {"field": "calls", "type": "quantitative", "axis": None, "scale": {"nice": False}}
        colour = {"field": "colour", "type": "nominal", "scale": None}
        over = {"type": "text", "dy": -8, "aria": False}
        return {
            "width": width,
            "height": {"step": 44},
            "data": {"values": rows},
            "encoding": {"y": y},
            "layer": [
                {
                    "mark": {"type": "bar", "aria": False, "height": 12, "yOffset": 8},
                    "encoding": {"x": calls, "color": colour},
                },
                {
                    "mark": {**over, "align": "left", "color": _INK, "limit": width - 130},
                    "encoding": {"x": {"value": 0}, "text": {"field": "country"}},
                },
                {
                    "mark": {**over, "align": "right", "color": _SOFT},
                    "encoding": {"x": {"value": width}, "text": {"field": "label"}},
                },
            ],
        }

    most = f"{rows[0]['country']}, {rows[0]['label']}"
    return _plot(spec, words("countries.description", most=most), words)


def waits_plot(figures: Figures, words: Words) -> Plot | None:
    """How many calls waited how long, home and abroad apart where there is a home."""
    if not figures.waits.calls:
        return None
    kinds = figures.waits_by_place
    names = {kind: words(f"waiting.{kind}") for kind in kinds}
    rows = [
        {
            "from": number * STEP,
            "to": (number + 1 - _GAP) * STEP,
            "order": order,
            "kind": names[kind],
            "calls": calls,
        }
        for order, (kind, steps) in enumerate(kinds.items())
        for number, calls in enumerate(steps)
    ]
    marks = [{"at": at, "label": words.seconds(at)} for at in (ILLICO_SECONDS, SPAIN_SECONDS)]
    legend = [(name, COLOURS[kind]) for kind, name in names.items()]

    def spec(width: int) -> Spec:
        ends = {str(LONGEST): words("waiting.longer", limit=LONGEST)}
        return {
            "width": width,
            "height": 190,
            "layer": [
                {
                    "data": {"values": rows},
                    "mark": {"type": "bar", "aria": False},
                    "encoding": {
                        "x": {
                            "field": "from",
                            "type": "quantitative",
                            "title": words("waiting.seconds_waited"),
                            "scale": {"domain": [0, LONGEST + STEP], "nice": False},
                            "axis": {
                                "grid": False,
                                "values": list(range(0, LONGEST + 1, 60)),
                                "labelExpr": _looked_up(ends, "datum.label"),
                                "labelFlush": False,
                            },
                        },
                        "x2": {"field": "to"},
                        "y": _COUNT,
                        "color": _colour(legend),
                        "order": {"field": "order", "type": "quantitative"},
                    },
                },
                {
                    "data": {"values": marks},
                    "mark": {"type": "rule", "color": _INK, "strokeDash": [4, 3], "aria": False},
                    "encoding": {"x": {"field": "at", "type": "quantitative"}},
                },
                {
                    "data": {"values": marks},
                    "mark": {
                        "type": "text",
                        "align": "left",
                        "baseline": "top",
                        "dx": 5,
                        "color": _INK,
                        "aria": False,
                    },
                    "encoding": {
                        "x": {"field": "at", "type": "quantitative"},
                        "y": {"value": 0},
                        "text": {"field": "label"},
                    },
                },
            ],
        }

    says = words(
        "waiting.description",
        step=STEP,
        median=words.seconds(figures.waits.median),
        p95=words.seconds(figures.waits.p95),
    )
    return _plot(spec, says, words, legend if len(kinds) > 1 else ())


def cut_plot(cut: Cut, words: Words) -> Plot | None:
    """Where sentences ended that did not come to their end."""
    kinds = {"hung_up": (cut.hung_up, "abandoned"), "interrupted": (cut.interrupted, "partial")}
    if not any(any(parts) for parts, _ in kinds.values()):
        return None
    legend = [(words(f"cut.{kind}"), COLOURS[like]) for kind, (_, like) in kinds.items()]
    rows = [
        {
            "from": number / PARTS,
            "to": (number + 1 - _GAP) / PARTS,
            "order": order,
            "kind": words(f"cut.{kind}"),
            "calls": calls,
        }
        for order, (kind, (parts, _)) in enumerate(kinds.items())
        for number, calls in enumerate(parts)
    ]

    def spec(width: int) -> Spec:
        return {
            "width": width,
            "height": 160,
            "data": {"values": rows},
            "mark": {"type": "bar", "aria": False},
            "encoding": {
                "x": {
                    "field": "from",
                    "type": "quantitative",
                    "title": words("cut.axis"),
                    "scale": {"domain": [0, 1], "nice": False},
                    "axis": {"grid": False, "format": "%", "tickCount": 5},
                },
                "x2": {"field": "to"},
                "y": _COUNT,
                "color": _colour(legend),
                "order": {"field": "order", "type": "quantitative"},
            },
        }

    together = [a + b for a, b in zip(cut.hung_up, cut.interrupted, strict=True)]
    most = together.index(max(together))
    part = f"{words.share(most, PARTS) if most else '0'} – {words.share(most + 1, PARTS)}"
    return _plot(spec, words("cut.description", most=part), words, legend)


def _together(days: Iterable[Group], start: Callable[[date], date]) -> list[Group]:
    def first(group: Group) -> str:
        return str(start(date.fromisoformat(group.name or "")))

    found = []
    for day, groups in groupby(days, first):
        several = list(groups)
        tally = _sum([group.tally for group in several])
        found.append(Group(day, tally, sum(group.answered for group in several)))
    return found


def _sum(tallies: Sequence[Tally]) -> Tally:
    return Tally(
        **{outcome: sum(getattr(tally, outcome) for tally in tallies) for outcome in OUTCOMES}
    )


def _where(group: Group, abroad: Abroad) -> str:
    if not group.name or "," in group.name:
        return "unknown"
    return "home" if group.name == abroad.domestic else "abroad"


def _colour(legend: Sequence[tuple[str, str]]) -> Spec:
    names, colours = zip(*legend, strict=True)
    scale = {"domain": names, "range": colours}
    return {"field": "kind", "type": "nominal", "scale": scale, "legend": None}


def _looked_up(texts: Mapping[str, str], otherwise: str = "''") -> str:
    """A Vega expression: what stands for the value of a tick."""
    return f"({json.dumps(texts)})[datum.value] || {otherwise}"


def _plot(
    spec: Callable[[int], Spec], says: str, words: Words, legend: Sequence[tuple[str, str]] = ()
) -> Plot:
    wide, narrow = (_drawn(spec(width), says, words) for width in (_DESK, _TELEPHONE))
    return Plot(wide, narrow, says, tuple(legend))


def _drawn(spec: Spec, says: str, words: Words) -> str:
    svg = vl_convert.vegalite_to_svg(
        {**spec, "config": _CONFIG, "background": None, "padding": _PADDING},
        vl_version=_VEGA_LITE,
        format_locale=words.tag,
        allowed_base_urls=[],
    )
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(says)}" ', 1)
