"""Everything that is decided about a call before a sound is played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .announcement import (
    Announcement,
    AnnouncementPlan,
    Prompt,
    Wording,
    announcement,
    generic_announcement,
)
from .call import CallFacts, Stage
from .directory import Directory
from .resolution import language_of, resolve, route_of
from .route import Route
from .sites import Basis, DisclosedCountries, SiteResolution, disclosed_countries


@dataclass(frozen=True, slots=True)
class Decision:
    """What a call is told, and why.

    ``generic`` is the sentence that names no country, ``generic_prompt`` its sound where it has
    one; ``unknown`` what the door was told and the configuration does not know.
    """

    route: Route
    language: str
    resolution: SiteResolution
    plan: AnnouncementPlan
    generic: Announcement
    generic_prompt: Prompt | None
    unknown: str

    @property
    def obstacle(self) -> str:
        """Why the countries cannot be told, or not exactly; empty where they can."""
        if self.plan.prompt is not None:
            return self.unknown
        if self.resolution.basis is Basis.UNRESOLVED:
            return self.unknown or "no site resolved"
        return f"missing: {self.plan.missing}"


def decide(call: CallFacts, directory: Directory, at: datetime) -> Decision:
    """Decide on a call that asks to be announced at an aware moment."""
    route = route_of(call, directory)
    language = language_of(call, route, directory)
    wording = directory.wordings.get(language)
    assert wording is not None, f"no wording for the configured language {language}"
    resolution = resolve(call, route, directory)
    countries = disclosed_countries(resolution, at)
    generic = generic_announcement(wording)
    return Decision(
        route=route,
        language=language,
        resolution=resolution,
        plan=plan(wording, call.stage, countries, directory),
        generic=generic,
        generic_prompt=prompt_for(generic, directory),
        unknown=_unknown(call, resolution),
    )


def _unknown(call: CallFacts, resolution: SiteResolution) -> str:
    """The nearer fact that was told in vain, and that a less exact one stands in for."""
    if resolution.basis is Basis.AGENT:
        return ""
    if call.agent:
        return f"agent {call.agent} is not in the configuration"
    if call.site and resolution.basis is not Basis.SITE:
        return f"site {call.site} is not in the configuration"
    return ""


def plan(
    wording: Wording, stage: Stage, countries: DisclosedCountries, directory: Directory
) -> AnnouncementPlan:
    """Find the sound that tells a caller these countries."""
    sentence = announcement(wording, stage, countries.codes)
    if sentence is None:
        unsaid = ", ".join(code for code in countries.codes if code not in wording.places)
        return AnnouncementPlan(countries.codes, None, f"words for {unsaid} in {wording.language}")
    prompt = prompt_for(sentence, directory)
    missing = "" if prompt else f"sound {sentence.sound_name}"
    return AnnouncementPlan(countries.codes, prompt, missing)


def prompt_for(sentence: Announcement, directory: Directory) -> Prompt | None:
    """The sentence with its sound, where that has been built."""
    sound = directory.sounds.get(sentence.sound_name)
    return Prompt(sentence, sound) if sound else None
