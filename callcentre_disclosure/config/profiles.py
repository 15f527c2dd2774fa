"""The rules that come with the package, each in a file of ``prompts/profiles``."""

from __future__ import annotations

from callcentre_disclosure.disclosure.profile import Choice, Profile
from callcentre_disclosure.errors import ConfigurationError

from .binding import Binder, Bound
from .model import ProfileEntry
from .reading import read_yaml
from .shipped import shipped


def shipped_profiles() -> dict[str, ProfileEntry]:
    """The rules of the package by id. Raises ``ConfigurationError`` where one is damaged."""
    found = {}
    for file in sorted((shipped("prompts") / "profiles").glob("*.yaml")):
        bound = Bound()
        entry = Binder(file, bound).bind(read_yaml(file), ProfileEntry)
        if entry is None or bound.findings:
            raise ConfigurationError(sorted(bound.findings))
        found[file.stem] = entry
    return found


def profile(name: str, entry: ProfileEntry) -> Profile:
    """A rule as a call looks it up."""
    choice = entry.choice
    return Profile(
        id=name,
        version=entry.version,
        title=entry.title,
        stages=entry.stages,
        directions=entry.directions,
        announce_domestic=entry.announce_domestic,
        repeat_exact=entry.repeat_exact,
        again=entry.again,
        deadline=entry.deadline,
        choice=Choice(choice.region, choice.stages, choice.key, choice.seconds) if choice else None,
        segments=entry.segments,
        keep_days=int(entry.keep_days),
    )
