"""Every announcement that a configuration can ever need, so that its sound is there before it is.

The countries that are open together are not guessed from the opening hours: they are asked for,
with the very function that a call uses, at every moment of a week at which a site opens or closes,
for every combination of the clocks of its sites (summer time, Ramadan) in the coming years.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import zip_longest
from typing import TypeAlias

from callcentre_disclosure.disclosure.announcement import (
    Announcement,
    Wording,
    announcement,
    choice_announcement,
    generic_announcement,
    refused_announcement,
)
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.decision import additions, openings
from callcentre_disclosure.disclosure.hours import MINUTES_A_DAY, MINUTES_A_WEEK, OpeningHours
from callcentre_disclosure.disclosure.route import FailurePolicy, Route
from callcentre_disclosure.disclosure.sites import Basis, Site, SiteResolution, disclosed_countries

from .directory import default_route, every_country, profiles, routes, sites
from .model import Configuration

#: Lists of countries, and what needs each.
Users: TypeAlias = "dict[tuple[str, ...], dict[str, None]]"

_A_WEEK = timedelta(weeks=1)


def needed(configuration: Configuration) -> Mapping[Announcement, tuple[str, ...]]:
    """The announcements, and who needs each: ``routes.sales``, ``sites.lyon``, ``agents``."""
    users: dict[Announcement, dict[str, None]] = {}
    named = {f"routes.{name}": route for name, route in routes(configuration).items()}
    named["default"] = default_route(configuration)
    possible, answering = _possible(configuration), _answering(configuration)
    for wording in configuration.wordings.values():
        for sentence, names in _sentences(configuration, wording, named, possible, answering):
            users.setdefault(sentence, {}).update(dict.fromkeys(names))
    return {sentence: tuple(names) for sentence, names in users.items()}


def _sentences(
    configuration: Configuration,
    wording: Wording,
    named: Mapping[str, Route],
    possible: Users,
    answering: Users,
) -> Iterator[tuple[Announcement, Iterable[str]]]:
    """The sentences of one language with who needs them, some of them several times."""
    domestic = configuration.domestic_country
    named_profiles = {route.profile for route in named.values() if route.profile}
    for name, route in named.items():
        for sentence in _of_route(configuration, wording, route, named_profiles):
            yield sentence, (name,)
    for direction in Direction:
        yield generic_announcement(wording, direction), ("every route",)
        for stage, told in ((Stage.POSSIBLE, possible), (Stage.ANSWERED, answering)):
            for codes, names in told.items():
                said = announcement(wording, direction, stage, codes, domestic)
                assert said is not None, f"{codes} were checked to have words"
                yield said, names
                if stage is Stage.POSSIBLE and codes == (domestic,):
                    # An agent whom nobody knows may have answered.
                    perhaps = announcement(wording, direction, stage, codes)
                    yield from ((sentence, names) for sentence in [perhaps] if sentence)


def _of_route(
    configuration: Configuration, wording: Wording, route: Route, named_profiles: Collection[str]
) -> Iterator[Announcement]:
    """What the calls of a route may be told besides countries, some of it twice.

    The dialplan may insist on any profile that some route names.
    """
    rules = [rule for rule in profiles(configuration).values() if rule.id in named_profiles]
    yield from additions(wording, [name for rule in rules for name in rule.segments])
    for rule in rules:
        if rule.choice and route.choice:
            offer = choice_announcement(wording, rule.choice, configuration.domestic_country)
            yield from filter(None, [offer])
    if route.on_failure is FailurePolicy.REFUSE:
        yield refused_announcement(wording)
    for direction in Direction:
        yield from openings(wording, route, direction) + additions(wording, route.segments)
        if route.on_failure is FailurePolicy.ALL:
            codes = every_country(configuration)
            every = announcement(wording, direction, Stage.POSSIBLE, codes)
            yield from filter(None, [every])


def open_countries(candidates: Sequence[Site]) -> tuple[tuple[str, ...], ...]:
    """Every list of countries that these sites may ever be announced by."""
    resolution = SiteResolution(Basis.DNID, tuple(candidates))
    hours = [site.hours for site in candidates if site.hours]
    everywhere = (country for site in candidates for country in site.countries)
    told = {tuple(dict.fromkeys(everywhere)): None}  # none is open
    for moment in _turns(hours):
        told[disclosed_countries(resolution, moment).codes] = None
    return tuple(told)


def _possible(configuration: Configuration) -> Users:
    """Countries that may be announced before an agent answers, and what needs them."""
    known = sites(configuration)
    askers: dict[tuple[str, ...], list[str]] = {}
    for name, ids in _site_lists(configuration):
        if ids:
            askers.setdefault(ids, []).append(name)
    told: Users = {}
    for ids, names in askers.items():
        for codes in open_countries([known[site] for site in ids]):
            told.setdefault(codes, {}).update(dict.fromkeys(names))
    return told


def _answering(configuration: Configuration) -> Users:
    """Countries of whoever may have answered."""
    told: Users = {}
    for name, site in configuration.sites.items():
        told.setdefault((site.country,), {})[f"sites.{name}"] = None
    for agent in configuration.agents.values():
        if agent.country:
            told.setdefault((agent.country,), {})["agents"] = None
    return told


def _site_lists(configuration: Configuration) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, route in configuration.routes.items():
        yield f"routes.{name}", configuration.sites_of(route)
    yield "default", configuration.sites_of(configuration.default)
    for name, queue in configuration.queues.items():
        yield f"queues.{name}", queue.sites
    for name, trunk in configuration.trunks.items():
        yield f"trunks.{name}", trunk.sites
    for name in configuration.sites:
        yield f"sites.{name}", (name,)


def _turns(hours: Sequence[OpeningHours]) -> Iterator[datetime]:
    """Moments, one of every state in which these hours can ever be together."""
    since = sorted({moment for site in hours for moment in site.zone.since})
    seen = set()
    for start, end in zip_longest(since, since[1:]):
        begin = datetime.fromtimestamp(start, timezone.utc)
        clocks = tuple(site.zone.at(begin) for site in hours)
        if clocks not in seen:
            if end is None or end - start >= _A_WEEK.total_seconds():
                seen.add(clocks)  # a shorter time does not show the whole week
            yield begin
            yield from _turns_of_a_week(begin, hours, clocks)


def _turns_of_a_week(
    begin: datetime, hours: Sequence[OpeningHours], clocks: Sequence[int]
) -> Iterator[datetime]:
    first = begin.weekday() * MINUTES_A_DAY + begin.hour * 60 + begin.minute
    for site, offset in zip(hours, clocks, strict=True):
        for minute in {minute for span in site.spans for minute in span}:
            yield begin + timedelta(minutes=(minute - offset - first) % MINUTES_A_WEEK)
