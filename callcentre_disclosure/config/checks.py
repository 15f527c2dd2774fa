"""What one piece of a configuration cannot know of itself: whether the pieces fit together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from callcentre_disclosure.disclosure.announcement import Wording
from callcentre_disclosure.disclosure.call import interface_of
from callcentre_disclosure.disclosure.numbers import Numbering, written_forms
from callcentre_disclosure.disclosure.profile import Region
from callcentre_disclosure.errors import Finding

from . import countries
from .binding import Bound, Place
from .model import (
    AgentEntry,
    AriEntry,
    NumberingEntry,
    ProfileEntry,
    RouteEntry,
    SiteEntry,
    SoundsEntry,
    TextsEntry,
    Treatment,
)
from .near import did_you_mean
from .profiles import profile
from .reading import is_there

#: What Asterisk would take for the end of a path, or for an expression, somewhere on its way there.
_NO_PATH = re.compile(r'[\x00-\x1f\x7f,;|&"\\$(){}\[\]]')
#: A queue whose agents callers may choose is an extension, too.
_EXTENSION = re.compile(r"(?![ehitT]$)[^_/][^/]*")
#: What makes the interface of an agent a pattern.
WILDCARDS = frozenset("*?[")


def numbering_of(entry: NumberingEntry | None) -> Numbering | None:
    """The numbering plan as the core takes it."""
    if entry is None:
        return None
    return Numbering(entry.country_code, entry.trunk_prefix or "", entry.international_prefix)


def check(
    bound: Bound, parts: Mapping[str, Any], wordings: Mapping[str, tuple[Wording, str]]
) -> Iterator[Finding]:
    """Everything that does not fit. ``parts`` are those of a ``Configuration`` that could be had,
    ``wordings`` come with the names of their files."""
    yield from _references(bound)
    yield from _segments(bound, parts.get("segments", {}), wordings)
    yield from _unsayable(bound, wordings)
    yield from _records(bound)
    yield from _numbers_of_two_routes(bound.records, numbering_of(parts.get("numbering")))
    agents = {interface_of(interface) for interface in parts["agents"]}
    patterns = [agent for agent in agents if not WILDCARDS.isdisjoint(agent)]
    for made, place in bound.records:
        if isinstance(made, Treatment):
            yield from _choice(made, place, parts)
        if isinstance(made, (Treatment, SiteEntry)):
            yield from _dialled(made.dial, place, agents, patterns)


def _references(bound: Bound) -> Iterator[Finding]:
    for kind, text, place in bound.texts:
        known = bound.keys.get(kind.refers_to, set())
        if kind.refers_to and text not in known:
            noun = kind.refers_to.removesuffix("s")
            yield place.finding(f"there is no {noun} {text!r}", did_you_mean(text, known))


def _unsayable(bound: Bound, wordings: Mapping[str, tuple[Wording, str]]) -> Iterator[Finding]:
    said = set()
    for kind, code, place in bound.texts:
        if kind.name == "country" and code not in said:
            said.add(code)
            for language, (wording, file) in wordings.items():
                if code not in wording.countries:
                    name = countries.countries()[code].english
                    problem = f"the sentences in {language!r} have no words for {code} ({name})"
                    yield place.finding(problem, f"add {code} to the countries of {file}")


def _segments(
    bound: Bound,
    own: Mapping[str, Mapping[str, str]],
    wordings: Mapping[str, tuple[Wording, str]],
) -> Iterator[Finding]:
    """Optional sentences that a language does not have, each where it is written or, else, used."""
    places: dict[str, Place] = {}
    for kind, name, place in bound.texts:
        if kind.name == "segment-id" or (kind.name == "segment" and name not in own):
            places.setdefault(name, place)
    for name, place in places.items():
        for language, (wording, _) in wordings.items():
            if name not in wording.segments and language not in own.get(name, {}):
                missing = f"segments.{name}.{language}"
                known = {*own, *wording.segments} - {name}
                remedy = f"write it under {missing}" if name in own else did_you_mean(name, known)
                yield place.finding(f"there is no sentence {name!r} in {language!r}", remedy)


def _records(bound: Bound) -> Iterator[Finding]:
    # What is there and wrong has its own finding.
    wrong = {(finding.file, finding.line, finding.key) for finding in bound.findings}
    keys = {finding.key for finding in bound.findings}
    for made, place in bound.records:
        if isinstance(made, SiteEntry) and made.hours and not made.timezone:
            yield place.finding("there are hours but no timezone", "add `timezone:`")
        elif isinstance(made, AgentEntry) and not (made.site or made.country):
            if (place.file, place.line, f"{place.key}.country") in wrong:
                continue
            yield place.finding("there is neither a site nor a country", "add one of them")
        elif isinstance(made, Treatment) and made.sites and made.queue:
            yield place.finding("there are both sites and a queue", "keep one of them")
        elif isinstance(made, Treatment) and made.dial and made.queue:
            yield place.finding("there are both a queue and agents to dial", "keep one of them")
        elif isinstance(made, AriEntry) and not made.listen and f"{place.key}.listen" not in keys:
            for name, asterisk in made.asterisks.items():
                if not asterisk.url and f"{place.key}.asterisks.{name}.url" not in keys:
                    problem = f"{name} is to connect to us, but nothing listens"
                    yield place.finding(problem, "add its `url:`, or `listen:` for all of them")
        elif isinstance(made, SoundsEntry) and made.asks_for("command") and not made.command:
            yield place.finding("the engine is command but there is none", "add `command:`")
        if isinstance(made, SoundsEntry):
            yield from _unplayable(made, place)
        if isinstance(made, TextsEntry) and made.folder and not is_there(made.folder):
            yield place.finding(f"there is no folder {made.folder}", "make it, or mend its path")
        if isinstance(made, RouteEntry) and place.key == "routes.default":
            yield place.finding("every other call has this route", "choose another id")


def _unplayable(sounds: SoundsEntry, place: Place) -> Iterator[Finding]:
    folders: dict[str, Path | None] = {"folder": sounds.folder, "installed": sounds.installed}
    for name, folder in folders.items():
        if strange := _NO_PATH.search(str(folder or "")):
            problem = f"Asterisk plays nothing from a path with {strange[0]!r} in it: {folder}"
            yield replace(place, key=f"{place.key}.{name}").finding(problem, "choose another one")


def _choice(treatment: Treatment, place: Place, parts: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether a route has what its profile needs: a queue for callers who choose, whose agents are
    where the profile wants them, and a domestic country."""
    entry: ProfileEntry | None = parts["profiles"].get(treatment.profile)
    rule = profile(treatment.profile or "", entry) if entry else None
    choice = rule.choice if rule else None
    if treatment.choice and not _EXTENSION.fullmatch(treatment.choice):
        problem = f"in a dialplan {treatment.choice} is no extension like any other"
        yield place.finding(problem, "choose a queue with another name")
    domestic = parts.get("domestic_country")
    if rule and choice is None and treatment.choice:
        yield place.finding(f"{rule.id} offers no choice", "remove `choice:`")
    elif rule is None and treatment.profile is None and treatment.choice:
        yield place.finding("no profile offers this choice", "name one under `profile:`")
    elif rule and choice and not treatment.choice:
        problem = f"{rule.id} offers callers another agent, but there is no queue for them"
        yield place.finding(problem, "name one under `choice:`")
    needs = rule and (not rule.announce_domestic or (choice and choice.region is Region.DOMESTIC))
    if rule and needs and not domestic:
        problem = f"{rule.id} needs to know the country of the callers"
        yield place.finding(problem, "add `domestic_country:`")
    elif rule and choice and treatment.choice in parts.get("queues", {}):
        sites = parts.get("sites", {})
        for site in parts["queues"][treatment.choice].sites:
            if site in sites and not choice.includes((sites[site].country,), domestic):
                where = f"{site} ({sites[site].country})"
                problem = f"{treatment.choice} is answered in {where}, not {choice.region.value}"
                yield place.finding(problem, "choose a queue of agents there")


def _dialled(
    dial: Iterable[str], place: Place, agents: Collection[str], patterns: Iterable[str]
) -> Iterator[Finding]:
    for interface in (one for group in dial for one in group.split("&")):
        name = interface_of(interface)
        if name not in agents and not any(fnmatchcase(name, agent) for agent in patterns):
            yield place.finding(f"{interface} is none of the agents", did_you_mean(name, agents))


def _numbers_of_two_routes(
    records: Iterable[tuple[Any, Place]], numbering: Numbering | None
) -> Iterator[Finding]:
    owners: dict[str, Place] = {}
    for made, place in records:
        if isinstance(made, RouteEntry):
            for number in made.numbers:
                forms = written_forms(number, numbering)
                owner = next((owners[form] for form in forms if form in owners), place)
                if owner is not place:
                    problem = f"{number!r} is a number of {owner.key} too (line {owner.line})"
                    yield place.finding(problem, "keep it in one of the two")
                owners.update(dict.fromkeys(forms, place))
