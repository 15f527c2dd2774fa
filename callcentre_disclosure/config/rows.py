"""How the things that a call looks up are written as JSON, and read again."""

from __future__ import annotations

from typing import Any

from callcentre_disclosure.disclosure.announcement import CountryForms, Sentences, Sound, Wording
from callcentre_disclosure.disclosure.hours import OpeningHours, UtcOffsets
from callcentre_disclosure.disclosure.route import FailurePolicy, Route
from callcentre_disclosure.disclosure.sites import Agent, Site

Row = Any  # what json.dumps takes and json.loads gives


def site_row(site: Site) -> Row:
    hours = site.hours
    clock = [hours.zone.since, hours.zone.minutes, hours.spans] if hours else None
    return [site.id, site.name, site.country, clock, site.home_countries]


def site(row: Row) -> Site:
    name, label, country, clock, home_countries = row
    hours = None
    if clock is not None:
        since, minutes, spans = clock
        zone = UtcOffsets(tuple(since), tuple(minutes))
        hours = OpeningHours(zone, tuple((start, end) for start, end in spans))
    return Site(name, label, country, hours, tuple(home_countries))


def agent_row(agent: Agent) -> Row:
    return [agent.interface, agent.country, agent.site]


def agent(row: Row) -> Agent:
    return Agent(*row)


def route_row(route: Route) -> Row:
    return [
        route.id,
        route.on_failure.value,
        route.sites,
        route.language,
        route.company,
        route.segments,
    ]


def route(row: Row) -> Route:
    name, on_failure, sites, language, company, segments = row
    policy = FailurePolicy(on_failure)
    return Route(name, policy, tuple(sites), language, company, tuple(segments))


def wording_row(wording: Wording) -> Row:
    return [
        wording.language,
        wording.conjunction,
        _sentences_row(wording.inbound),
        _sentences_row(wording.outbound),
        dict(wording.segments),
        {code: [forms.place, forms.origin] for code, forms in wording.countries.items()},
    ]


def wording(row: Row) -> Wording:
    language, conjunction, inbound, outbound, segments, countries = row
    return Wording(
        language,
        conjunction,
        Sentences(*inbound),
        Sentences(*outbound),
        segments,
        {code: CountryForms(*forms) for code, forms in countries.items()},
    )


def _sentences_row(said: Sentences) -> Row:
    return [said.company, said.possible, said.answered, said.domestic, said.generic]


def sound_row(sound: Sound) -> Row:
    return [sound.path, sound.sha256, sound.seconds, sound.source]


def sound(row: Row) -> Sound:
    return Sound(*row)
