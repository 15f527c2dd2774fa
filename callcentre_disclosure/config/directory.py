"""A configuration as a call looks things up in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from callcentre_disclosure.disclosure.announcement import Sound
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.numbers import written_forms
from callcentre_disclosure.disclosure.route import Route
from callcentre_disclosure.disclosure.sites import Agent, Site

from .checks import numbering_of
from .hours import opening_hours
from .manifest import read_manifest
from .model import Configuration, Treatment
from .shipped import shipped

_WILDCARDS = frozenset("*?[")


def directory(configuration: Configuration) -> Directory:
    """Everything a call may look up, in memory.

    Raises ``SoundError`` where a manifest of sounds cannot be read.
    """
    agents = list(_agents(configuration))
    patterns = [agent for agent in agents if not _WILDCARDS.isdisjoint(agent.interface)]
    named = (agent for agent in agents if _WILDCARDS.isdisjoint(agent.interface))
    return Directory(
        sites=sites(configuration),
        agents={agent.interface: agent for agent in named},
        agent_patterns=sorted(patterns, key=_generality),
        queues={name: queue.sites for name, queue in configuration.queues.items()},
        trunks={name: trunk.sites for name, trunk in configuration.trunks.items()},
        routes=_routes(configuration),
        default_route=_route("default", configuration.default, configuration),
        languages=configuration.languages,
        wordings=configuration.wordings,
        sounds=sounds(configuration),
    )


def sites(configuration: Configuration) -> dict[str, Site]:
    """The sites by id, with their hours and the countries of their agents at home."""
    homes: dict[str, dict[str, None]] = {site: {} for site in configuration.sites}
    for agent in configuration.agents.values():
        if (
            agent.site
            and agent.country
            and agent.country != configuration.sites[agent.site].country
        ):
            homes[agent.site][agent.country] = None
    return {
        site: Site(
            site,
            entry.name or site,
            entry.country,
            opening_hours(entry.timezone, entry.hours) if entry.timezone and entry.hours else None,
            tuple(homes[site]),
        )
        for site, entry in configuration.sites.items()
    }


def sound_folders(configuration: Configuration) -> tuple[Path, ...]:
    """Where sounds are: those of the package, then those that were built, which win."""
    return (shipped("prompts") / "sounds", configuration.sounds.folder)


def sounds(configuration: Configuration) -> dict[str, Sound]:
    """The sounds by name, as their manifests describe them."""
    return manifest_sounds(*sound_folders(configuration))


def manifest_sounds(*folders: Path) -> dict[str, Sound]:
    """The sounds of some folders; where two have the same one, that of the later folder."""
    return {
        name: Sound(str(folder / name), entry.sha256, entry.seconds, entry.engine)
        for folder in folders
        for name, entry in read_manifest(folder).items()
    }


def _agents(configuration: Configuration) -> Iterator[Agent]:
    for interface, entry in configuration.agents.items():
        country = entry.country or (configuration.sites[entry.site].country if entry.site else None)
        assert country is not None, f"{interface} was checked to have a site or a country"
        yield Agent(interface, country, entry.site)


def _generality(agent: Agent) -> tuple[int, int, str]:
    """Orders patterns: the one that spells out more comes first, of equals the one without *."""
    stars = agent.interface.count("*")
    spelled = sum(character not in _WILDCARDS for character in agent.interface)
    return (-spelled, stars, agent.interface)


def _routes(configuration: Configuration) -> dict[str, Route]:
    numbering = numbering_of(configuration.numbering)
    routes = {}
    for name, entry in configuration.routes.items():
        route = _route(name, entry, configuration)
        for number in entry.numbers:
            routes.update(dict.fromkeys(written_forms(number, numbering), route))
    return routes


def _route(name: str, treatment: Treatment, configuration: Configuration) -> Route:
    possible = configuration.sites_of(treatment)
    return Route(name, treatment.on_failure, possible, treatment.language)
