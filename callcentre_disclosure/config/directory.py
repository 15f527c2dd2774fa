"""A configuration as a call looks things up in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from callcentre_disclosure.disclosure.announcement import Sound
from callcentre_disclosure.disclosure.call import interface_of
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.numbers import written_forms
from callcentre_disclosure.disclosure.profile import Profile
from callcentre_disclosure.disclosure.route import Route, Trunk
from callcentre_disclosure.disclosure.sites import Agent, Site

from .checks import WILDCARDS, numbering_of
from .hours import opening_hours
from .manifest import SoundFormat, read_manifest
from .model import Configuration, Treatment
from .place import LedgerPlace
from .profiles import profile
from .shipped import shipped


def directory(configuration: Configuration) -> Directory:
    """Everything a call may look up, in memory.

    Raises ``SoundError`` where a manifest of sounds cannot be read.
    """
    agents = list(_agents(configuration))
    patterns = [agent for agent in agents if not WILDCARDS.isdisjoint(agent.interface)]
    named = (agent for agent in agents if WILDCARDS.isdisjoint(agent.interface))
    return Directory(
        sites=sites(configuration),
        agents={agent.interface: agent for agent in named},
        agent_patterns=sorted(patterns, key=_generality),
        queues={name: queue.sites for name, queue in configuration.queues.items()},
        trunks={
            name: Trunk(trunk.sites, trunk.media) for name, trunk in configuration.trunks.items()
        },
        numbers=_numbers(configuration),
        routes=routes(configuration),
        profiles=profiles(configuration),
        default_route=default_route(configuration),
        languages=configuration.languages,
        wordings=configuration.wordings,
        sounds=sounds(configuration),
        domestic_country=configuration.domestic_country,
        every_country=every_country(configuration),
    )


def ledger_place(configuration: Configuration) -> LedgerPlace:
    """Where calls leave their evidence."""
    own, numbering = configuration.evidence, numbering_of(configuration.numbering)
    return LedgerPlace(str(own.file), str(own.keys), numbering)


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


def every_country(configuration: Configuration) -> tuple[str, ...]:
    """Every country that calls are answered in: those of the sites, then of agents at home."""
    places = [site.country for site in configuration.sites.values()]
    homes = [agent.country for agent in configuration.agents.values() if agent.country]
    return tuple(dict.fromkeys(places + homes))


def profiles(configuration: Configuration) -> dict[str, Profile]:
    """The rules, those of the package and your own."""
    return {name: profile(name, entry) for name, entry in configuration.profiles.items()}


def sound_folders(configuration: Configuration) -> tuple[Path, ...]:
    """Where sounds are: those of the package, those that were built, those that were installed.
    Of two that have the same name, the later one wins."""
    own = configuration.sounds
    return (shipped("prompts") / "sounds", own.folder, *((own.installed,) if own.installed else ()))


def checked_folders(configuration: Configuration) -> dict[Path, tuple[SoundFormat, ...]]:
    """The folders of which sounds are to be as the configuration asks for, the one that wins
    first, with the formats they must be there in.

    Those of the package have a format of their own, also where they were installed, and count where
    nothing else is asked for. (A call plays them all the same before it says nothing.)
    """
    wanted = configuration.sounds
    package, built, *installed = sound_folders(configuration)
    if not wanted.as_shipped:
        return dict.fromkeys((*installed, built), wanted.formats)
    return {**dict.fromkeys(installed, ()), built: wanted.formats, package: ()}


def sounds(configuration: Configuration) -> dict[str, Sound]:
    """The sounds by name, as their manifests describe them."""
    return manifest_sounds(*sound_folders(configuration), url=configuration.sounds.url)


def manifest_sounds(*folders: Path, url: str | None = None) -> dict[str, Sound]:
    """The sounds of some folders; where two have the same one, that of the later folder.

    With ``url`` Asterisk fetches them from there and keeps them in its media cache, for as long as
    the web server allows. So the address of a sound tells its content: one that was made again
    has another.
    """
    found = {}
    for folder in folders:
        for name, entry in read_manifest(folder).items():
            extension, digest = next(iter(entry.files.items()))
            path = (
                f"{url.rstrip('/')}/{name}-{digest[:8]}.{extension}" if url else str(folder / name)
            )
            found[name] = Sound(path, digest, entry.seconds, entry.engine)
    return found


def _agents(configuration: Configuration) -> Iterator[Agent]:
    for interface, entry in configuration.agents.items():
        country = entry.country or (configuration.sites[entry.site].country if entry.site else None)
        assert country is not None, f"{interface} was checked to have a site or a country"
        yield Agent(interface_of(interface), country, entry.site)


def _generality(agent: Agent) -> tuple[int, int, str]:
    """Orders patterns: the one that spells out more comes first, of equals the one without *."""
    stars = agent.interface.count("*")
    spelled = sum(character not in WILDCARDS for character in agent.interface)
    return (-spelled, stars, agent.interface)


def default_route(configuration: Configuration) -> Route:
    """The route of the calls to every number that has none."""
    return _route("default", configuration.default, configuration)


def routes(configuration: Configuration) -> dict[str, Route]:
    """The routes by the name that the configuration gives them."""
    entries = configuration.routes.items()
    return {name: _route(name, entry, configuration) for name, entry in entries}


def _numbers(configuration: Configuration) -> dict[str, str]:
    numbering = numbering_of(configuration.numbering)
    return {
        form: name
        for name, entry in configuration.routes.items()
        for number in entry.numbers
        for form in written_forms(number, numbering)
    }


def _route(name: str, treatment: Treatment, configuration: Configuration) -> Route:
    return Route(
        id=name,
        on_failure=treatment.on_failure,
        sites=configuration.sites_of(treatment),
        language=treatment.language,
        company=treatment.company,
        segments=treatment.segments,
        profile=treatment.profile,
        media=treatment.media,
        text=treatment.text,
        choice=treatment.choice,
        dial=configuration.dial_of(treatment),
    )
