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
    company_announcement,
    generic_announcement,
    segment_announcement,
)
from .call import CallFacts, Direction, Stage
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
    generic = generic_announcement(wording, call.direction)
    return Decision(
        route=route,
        language=language,
        resolution=resolution,
        plan=plan(wording, route, call, countries, directory),
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
    wording: Wording,
    route: Route,
    call: CallFacts,
    countries: DisclosedCountries,
    directory: Directory,
) -> AnnouncementPlan:
    """Find the sounds of an announcement.

    The company's name and what the route adds are said once in a call: where it is received,
    before an agent is sought.
    """
    codes, domestic = countries.codes, directory.domestic_country
    sentence = announcement(wording, call.direction, call.stage, codes, domestic)
    if sentence is None:
        unworded = ", ".join(code for code in codes if code not in wording.countries)
        prompt, missing = None, f"words for {unworded} in {wording.language}"
    else:
        prompt = prompt_for(sentence, directory)
        missing = "" if prompt else f"sound {sentence.sound_name}"
    if call.stage is not Stage.POSSIBLE and call.direction is Direction.INBOUND:
        return AnnouncementPlan(codes, prompt, missing)
    before, silent = _prompts(openings(wording, route, call.direction), directory)
    after, mute = _prompts(additions(wording, route), directory)
    return AnnouncementPlan(codes, prompt, missing, before, after, silent + mute)


def openings(wording: Wording, route: Route, direction: Direction) -> list[Announcement]:
    """What the calls of a route begin with."""
    company = route.company
    return [company_announcement(wording, direction, company)] if company else []


def additions(wording: Wording, route: Route) -> list[Announcement]:
    """What the calls of a route are told as well."""
    found = (segment_announcement(wording, segment) for segment in route.segments)
    return [sentence for sentence in found if sentence]


def _prompts(
    sentences: list[Announcement], directory: Directory
) -> tuple[tuple[Prompt, ...], tuple[str, ...]]:
    """Those that have a sound, and the names of those that have none."""
    found = [(sentence.sound_name, prompt_for(sentence, directory)) for sentence in sentences]
    prompts = tuple(prompt for _, prompt in found if prompt)
    return prompts, tuple(name for name, prompt in found if not prompt)


def prompt_for(sentence: Announcement, directory: Directory) -> Prompt | None:
    """The sentence with its sound, where that has been built."""
    sound = directory.sounds.get(sentence.sound_name)
    return Prompt(sentence, sound) if sound else None
