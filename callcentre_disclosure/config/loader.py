"""Reads a configuration, and says everything that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from callcentre_disclosure.disclosure.announcement import Wording
from callcentre_disclosure.errors import ConfigurationError

from .agent_files import read_agents
from .binding import Binder, Bound, Place
from .checks import check
from .model import AgentEntry, Configuration, ConfigurationFile, ProfileEntry, TextsEntry
from .near import did_you_mean
from .profiles import shipped_profiles
from .reading import read_yaml
from .sources import Source
from .wordings import available_languages, text_file, text_files, with_segments, wording


def load(path: Path) -> Configuration:
    """The configuration of a file and of all that it refers to.

    Raises ``ConfigurationError`` with every finding, in the order of the lines.
    """
    sources = [Source.of(path.absolute())]
    root = read_yaml(path)
    bound = Bound()
    parts = Binder(path, bound).parts(root, ConfigurationFile)
    parts["agents"] = _agents(path, parts, bound, sources)
    parts["profiles"] = _profiles(parts, bound)
    wordings = _wordings(parts, bound, sources)
    segments = parts.get("segments", {})
    for finding in check(bound, parts, wordings):
        bound.find(finding)
    if bound.findings:
        raise ConfigurationError(sorted(set(bound.findings)))
    return Configuration(
        **parts,
        path=path.absolute(),
        wordings={
            language: with_segments(words, segments) for language, (words, _) in wordings.items()
        },
        sources=tuple(sources),
    )


def _agents(
    path: Path, parts: dict[str, Any], bound: Bound, sources: list[Source]
) -> dict[str, AgentEntry]:
    """The agents of the configuration and of its agent files; nobody is in two places."""
    agents: dict[str, AgentEntry] = dict(parts.get("agents", {}))
    places = {interface: Place(str(path), 0, "agents") for interface in agents}
    for file in parts.get("agent_files", ()):
        sources.append(Source.of(file))
        for row, place in read_agents(file, bound):
            first = places.setdefault(row.interface, place)
            if first is not place:
                where = f"line {first.line}" if first.line else first.key
                problem = f"{row.interface} is already in {Path(first.file).name}, {where}"
                bound.find(place.finding(problem, "remove one of the two"))
            agents[row.interface] = AgentEntry(row.site, row.country)
    return agents


def _profiles(parts: dict[str, Any], bound: Bound) -> dict[str, ProfileEntry]:
    """The rules of the package and of the configuration."""
    shipped = shipped_profiles()
    own: dict[str, ProfileEntry] = parts.get("profiles", {})
    for kind, name, place in bound.texts:
        if kind.name == "profile-id" and name in shipped:
            problem = f"{name} is a profile of the package"
            bound.findings.append(place.finding(problem, "choose another id for yours"))
    bound.keys.setdefault("profiles", set()).update(shipped)
    return {**shipped, **own}


def _wordings(
    parts: dict[str, Any], bound: Bound, sources: list[Source]
) -> dict[str, tuple[Wording, str]]:
    """The sentences of every configured language, and the file that each is from."""
    folder = parts.get("texts", TextsEntry()).folder
    wordings = {}
    for kind, language, place in list(bound.texts):
        if kind.name == "language":
            sources.extend(map(Source.of, text_files(language, folder)))
            file = text_file(language, folder)
            if file is None:
                problem = f"there are no sentences in {language!r}"
                remedy = did_you_mean(language, available_languages(folder))
                bound.findings.append(place.finding(problem, remedy))
                continue
            try:
                wordings[language] = (wording(language, folder), str(file))
            except ConfigurationError as error:
                bound.findings.extend(error.findings)
    return wordings
