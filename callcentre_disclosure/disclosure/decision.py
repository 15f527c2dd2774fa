"""Everything that is decided about a call before a sound is played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .announcement import (
    Announcement,
    AnnouncementPlan,
    Prompt,
    Wording,
    announcement,
    choice_announcement,
    company_announcement,
    generic_announcement,
    refused_announcement,
    segment_announcement,
)
from .call import CallFacts, Direction, Stage
from .directory import Directory
from .profile import Duty, Profile, duty
from .resolution import language_of, profile_of, resolve, route_of
from .route import FailurePolicy, Media, Route
from .sites import Basis, DisclosedCountries, SiteResolution, disclosed_countries


@dataclass(frozen=True, slots=True)
class Fallback:
    """What is said instead where the countries cannot be told; it names these, or none."""

    announcement: Announcement
    prompt: Prompt | None
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """Another agent, whom the caller may have by a key. ``prompt`` is None without a sound."""

    announcement: Announcement
    prompt: Prompt | None
    key: str
    seconds: float
    queue: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What a call is told, and why.

    ``duty`` is what the profile asks for now, ``media`` how the caller hears it, ``fallbacks`` what
    is said, one after the other until one is heard, where the countries cannot be told, ``refusal``
    the sound that ends a call. ``unknown`` is what the door was told and the configuration does not
    know; it is not ``exact`` where that is the agent who answered.
    """

    route: Route
    profile: Profile
    language: str
    resolution: SiteResolution
    duty: Duty
    media: Media
    text: bool
    plan: AnnouncementPlan
    fallbacks: tuple[Fallback, ...]
    refusal: Prompt | None
    offer: Offer | None
    unknown: str
    exact: bool

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
    profile = profile_of(call, route, directory)
    language = language_of(call, route, directory)
    wording = directory.wordings.get(language)
    assert wording is not None, f"no wording for the configured language {language}"
    resolution = resolve(call, route, directory)
    exact = call.agent is None or resolution.basis in (Basis.AGENT, Basis.SITE)
    # Who answers although nobody knows them need not be where a site is open.
    countries = disclosed_countries(resolution, at if exact else None)
    asked = duty(profile, call, countries.codes, directory.domestic_country)
    return Decision(
        route=route,
        profile=profile,
        language=language,
        resolution=resolution,
        duty=asked,
        media=_media(call, route, directory),
        text=route.text or call.text,
        plan=plan(wording, route, profile, call, countries, directory, exact=exact),
        fallbacks=tuple(fallbacks(wording, route.on_failure, call.direction, directory)),
        refusal=prompt_for(refused_announcement(wording), directory),
        offer=_offer(wording, route, profile, call, asked, countries, directory),
        unknown=_unknown(call, resolution, directory),
        exact=exact,
    )


def _media(call: CallFacts, route: Route, directory: Directory) -> Media:
    """Before the answer only where the route wants it, and the trunk lets its callers hear it."""
    trunk = directory.trunks.get(call.trunk) if call.trunk else None
    is_early = route.media is Media.EARLY and not call.is_up
    return (
        Media.EARLY
        if is_early and (trunk is None or trunk.media is Media.EARLY)
        else Media.ANSWERED
    )


def fallbacks(
    wording: Wording, policy: FailurePolicy, direction: Direction, directory: Directory
) -> list[Fallback]:
    """What a failure policy has to say before a call goes on, the best first."""
    found = []
    everywhere = directory.every_country
    if policy is FailurePolicy.ALL:
        every = announcement(wording, direction, Stage.POSSIBLE, everywhere)
        if every:
            found.append(Fallback(every, prompt_for(every, directory), everywhere))
    if policy in (FailurePolicy.ALL, FailurePolicy.GENERIC):
        generic = generic_announcement(wording, direction)
        found.append(Fallback(generic, prompt_for(generic, directory), ()))
    return found


def _offer(
    wording: Wording,
    route: Route,
    profile: Profile,
    call: CallFacts,
    asked: Duty,
    countries: DisclosedCountries,
    directory: Directory,
) -> Offer | None:
    """Another agent, where the profile wants one offered and the route has a queue for it.

    Nothing is offered to who has chosen already, nor twice for the same announcement.
    """
    choice, domestic = profile.choice, directory.domestic_country
    if choice is None or route.choice is None or call.chosen_at is not None:
        return None
    if call.stage not in choice.stages or not choice.is_due(countries.codes, domestic):
        return None
    told = call.told
    if not asked.asked and (not told or not told.countries or told.stage in choice.stages):
        return None
    said = choice_announcement(wording, choice, domestic)
    if said is None:
        return None
    return Offer(said, prompt_for(said, directory), choice.key, choice.seconds, route.choice)


def _unknown(call: CallFacts, resolution: SiteResolution, directory: Directory) -> str:
    """What was told in vain, so that something less exact stands in for it."""
    if call.route and directory.routes.get(call.route) is None:
        return f"route {call.route} is not in the configuration"
    if call.profile and directory.profiles.get(call.profile) is None:
        return f"profile {call.profile} is not in the configuration"
    if resolution.basis is Basis.AGENT:
        return ""
    if call.agent:
        return f"agent {call.agent} is not in the configuration"
    if call.site and resolution.basis is not Basis.SITE:
        return f"site {call.site} is not in the configuration"
    if call.queue and resolution.basis is not Basis.SITE and not directory.queues.get(call.queue):
        return f"queue {call.queue} is not in the configuration"
    return ""


def plan(
    wording: Wording,
    route: Route,
    profile: Profile,
    call: CallFacts,
    countries: DisclosedCountries,
    directory: Directory,
    *,
    exact: bool = True,
) -> AnnouncementPlan:
    """Find the sounds of an announcement.

    The company's name and what the route and the profile add are said once in a call: where it is
    received, before an agent is sought.
    """
    codes, domestic = countries.codes, directory.domestic_country if exact else None
    stage = call.stage if exact else Stage.POSSIBLE
    sentence = announcement(wording, call.direction, stage, codes, domestic)
    if sentence is None:
        unworded = ", ".join(code for code in codes if code not in wording.countries)
        prompt, missing = None, f"words for {unworded} in {wording.language}"
    else:
        prompt = prompt_for(sentence, directory)
        missing = "" if prompt else f"sound {sentence.sound_name}"
    is_first = call.stage is Stage.POSSIBLE or call.direction is Direction.OUTBOUND
    if call.told is not None or not is_first:
        return AnnouncementPlan(codes, prompt, missing)
    before, silent = _prompts(openings(wording, route, call.direction), directory)
    after, mute = _prompts(additions(wording, (*profile.segments, *route.segments)), directory)
    return AnnouncementPlan(codes, prompt, missing, before, after, silent + mute)


def openings(wording: Wording, route: Route, direction: Direction) -> list[Announcement]:
    """What the calls of a route begin with."""
    company = route.company
    return [company_announcement(wording, direction, company)] if company else []


def additions(wording: Wording, segments: Sequence[str]) -> list[Announcement]:
    """What calls are told as well, each once."""
    found = (segment_announcement(wording, segment) for segment in dict.fromkeys(segments))
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
