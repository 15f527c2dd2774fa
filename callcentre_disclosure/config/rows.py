"""How the things that a call looks up are written as JSON, and read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callcentre_disclosure.disclosure.announcement import CountryForms, Sentences, Sound, Wording
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.hours import OpeningHours, UtcOffsets
from callcentre_disclosure.disclosure.numbers import Numbering
from callcentre_disclosure.disclosure.profile import Again, Choice, Profile, Region
from callcentre_disclosure.disclosure.route import FailurePolicy, Media, Route, Trunk
from callcentre_disclosure.disclosure.sites import Agent, Site

from .place import LedgerPlace

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
        route.profile,
        route.media.value,
        route.text,
        route.choice,
        route.dial,
    ]


def route(row: Row) -> Route:
    name, on_failure, sites, language, company, segments, profile, media, text, choice, dial = row
    return Route(
        name,
        FailurePolicy(on_failure),
        tuple(sites),
        language,
        company,
        tuple(segments),
        profile,
        Media(media),
        text,
        choice,
        tuple(dial),
    )


def trunk_row(trunk: Trunk) -> Row:
    return [trunk.sites, trunk.media.value]


def trunk(row: Row) -> Trunk:
    sites, media = row
    return Trunk(tuple(sites), Media(media))


def profile_row(profile: Profile) -> Row:
    choice = profile.choice
    return [
        profile.id,
        profile.version,
        profile.title,
        [stage.value for stage in profile.stages],
        [direction.value for direction in profile.directions],
        profile.announce_domestic,
        profile.repeat_exact,
        profile.again.value,
        profile.deadline,
        [choice.region.value, [stage.value for stage in choice.stages], choice.key, choice.seconds]
        if choice
        else None,
        profile.segments,
        profile.keep_days,
    ]


def profile(row: Row) -> Profile:
    name, version, title, stages, directions, domestic, repeat, again, deadline, choice, *rest = row
    added, keep_days = rest
    offered = None
    if choice is not None:
        region, offers, key, seconds = choice
        offered = Choice(Region(region), tuple(map(Stage, offers)), key, seconds)
    return Profile(
        id=name,
        version=version,
        title=title,
        stages=tuple(map(Stage, stages)),
        directions=tuple(map(Direction, directions)),
        announce_domestic=domestic,
        repeat_exact=repeat,
        again=Again(again),
        deadline=deadline,
        choice=offered,
        segments=tuple(added),
        keep_days=keep_days,
    )


def wording_row(wording: Wording) -> Row:
    return [
        wording.language,
        wording.conjunction,
        _sentences_row(wording.inbound),
        _sentences_row(wording.outbound),
        wording.choice,
        wording.refused,
        dict(wording.segments),
        _forms_row(wording.regions),
        _forms_row(wording.countries),
    ]


def wording(row: Row) -> Wording:
    language, conjunction, inbound, outbound, choice, refused, segments, regions, countries = row
    return Wording(
        language,
        conjunction,
        Sentences(*inbound),
        Sentences(*outbound),
        choice,
        refused,
        segments,
        _forms(regions),
        _forms(countries),
    )


def _forms_row(forms: Mapping[str, CountryForms]) -> Row:
    return {name: [form.place, form.origin] for name, form in forms.items()}


def _forms(row: Row) -> dict[str, CountryForms]:
    return {name: CountryForms(*form) for name, form in row.items()}


def _sentences_row(said: Sentences) -> Row:
    return [said.company, said.possible, said.answered, said.domestic, said.generic]


def place_row(place: LedgerPlace) -> Row:
    plan = place.numbering
    written = [plan.country_code, plan.trunk_prefix, plan.international_prefix] if plan else None
    return [place.file, place.key_file, written]


def place(row: Row) -> LedgerPlace:
    file, key_file, written = row
    return LedgerPlace(file, key_file, Numbering(*written) if written else None)


def sound_row(sound: Sound) -> Row:
    return [sound.path, sound.sha256, sound.seconds, sound.source]


def sound(row: Row) -> Sound:
    return Sound(*row)
