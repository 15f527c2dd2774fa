"""The report as a page: one file that asks the network for nothing and runs no script, so that it
opens from a mail and prints well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

import jinja2
from markupsafe import Markup

from .figures import Figures
from .plots import (
    COLOURS,
    Plot,
    by_time,
    countries_plot,
    cut_plot,
    days_plot,
    waits_plot,
)
from .waiting import STEP
from .words import Words, shown

#: Causes that stand right under the headline, and rows of a table before it says "and more".
_FEW, _MANY = 3, 40

#: In the order of reading: the good news first.
_READ = ("disclosed", "partial", "not_disclosed", "abandoned", "not_required")


def page(figures: Figures, words: Words, made_at: datetime) -> str:
    """The page in the language of ``words``; ``made_at`` is the moment to put on it."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    step, times = by_time(figures.days)
    return (
        environment.from_string(template)
        .render(
            words=words,
            figures=figures,
            total=figures.total,
            headline=_headline(figures, words),
            outcomes=[outcome for outcome in _READ if getattr(figures.total, outcome)],
            colours=COLOURS,
            plain=shown,
            made_at=words.moment(made_at),
            period=_period(figures, words),
            untold=[trouble for trouble in figures.troubles if trouble.tally.not_disclosed][:_FEW],
            few=_FEW,
            many=_MANY,
            step=step,
            times=times,
            time="LLLL y" if step == "month" else "EEE d MMMM y" if step == "day" else "d MMMM y",
            tiles=_tiles(figures, words),
            announced=[group for group in figures.countries if group.tally.calls > group.answered],
            tables=[
                ("site", "sites", figures.sites),
                ("queue", "queues", figures.queues),
                ("profile", "profiles", figures.profiles),
            ],
            waited_step=STEP,
            zip=zip,
            days=_drawn(days_plot(figures, words)),
            countries=_drawn(countries_plot(figures.countries, figures.abroad, words)),
            waits=_drawn(waits_plot(figures, words)),
            cut=_drawn(cut_plot(figures.cut, words)),
        )
        .lstrip()
    )


@dataclass(frozen=True, slots=True)
class _Headline:
    """The number that everybody looks for, with its words; ``good`` where there is nothing."""

    number: str
    text: str
    good: bool


@dataclass(frozen=True, slots=True)
class _Tile:
    """A country among those where calls were answered; ``weight`` from 0 to 1 is its shade."""

    code: str
    name: str
    calls: str
    share: str
    weight: float
    home: bool


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A plot, ready for the page."""

    wide: Markup
    narrow: Markup
    legend: tuple[tuple[str, str], ...]


def _headline(figures: Figures, words: Words) -> _Headline:
    total = figures.total
    untold = total.not_disclosed
    if not total.calls:
        text = words("headline.no_calls")
    elif not total.asked:
        text = words("headline.none_asked")
    elif not untold:
        text = words("headline.all_told")
    else:
        text = words.counted("headline.not_told", untold)
    return _Headline(words.number(untold), text, not untold)


def _period(figures: Figures, words: Words) -> str:
    """What was asked for; where that is open, what there is."""
    days = [day.name for day in figures.days]
    first, last = (
        figures.since or next(iter(days), None),
        figures.until or next(reversed(days), None),
    )
    return words.days(first, last) if first and last else words("no_period")


def _tiles(figures: Figures, words: Words) -> list[_Tile]:
    answered = [group for group in figures.countries if group.answered]
    total = sum(group.answered for group in answered)
    found = [group for group in answered if group.name and "," not in group.name]
    return [
        _Tile(
            code=shown(group.name or ""),
            name=words.answered_in(group.name),
            calls=words.number(group.answered),
            share=words.share(group.answered, total),
            weight=round(group.answered / found[0].answered, 3),
            home=group.name == figures.abroad.domestic,
        )
        for group in found
    ]


def _drawn(plot: Plot | None) -> _Drawn | None:
    """What ``plots`` has drawn is markup of our own, with every text in it escaped."""
    if plot is None:
        return None
    return _Drawn(Markup(plot.wide), Markup(plot.narrow), plot.legend)  # noqa: S704
