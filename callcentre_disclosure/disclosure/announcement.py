"""The plan: which sentence a caller hears, in which language, from which sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from .call import Direction, Stage
from .grammar import joined
from .profile import Choice, Region


@dataclass(frozen=True, slots=True)
class Sentences:
    """What is said on the calls of one direction, as templates.

    ``possible``, ``answered`` and ``domestic`` hold ``{places}`` ("au Maroc") or ``{origins}``
    ("du Maroc"), ``company`` holds ``{company}``; ``generic`` names no country.
    """

    company: str
    possible: str
    answered: str
    domestic: str
    generic: str


@dataclass(frozen=True, slots=True)
class CountryForms:
    """One country as a language says where somebody is, and where somebody speaks from."""

    place: str
    origin: str


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. ``choice`` offers, with ``{places}`` and ``{key}``, an agent of one of the
    ``regions``, or of the callers' own country; ``refused`` ends a call that is not connected.
    ``segments`` are sentences that a route may add, by name."""

    language: str
    conjunction: str
    inbound: Sentences
    outbound: Sentences
    choice: str
    refused: str
    segments: Mapping[str, str]
    regions: Mapping[str, CountryForms]
    countries: Mapping[str, CountryForms]

    def sentences(self, direction: Direction) -> Sentences:
        """What is said on calls received, or on calls made."""
        return self.inbound if direction is Direction.INBOUND else self.outbound


@dataclass(frozen=True, slots=True)
class Announcement:
    """One sentence, and the name its sound goes by: ``fr/possible-ma-tn-0a1b2c3d``.

    The name carries a hash of the text, so that a sentence that was reworded never plays the
    sound of the old one.
    """

    language: str
    text: str
    sound_name: str


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound that was built and checked; ``path`` as Asterisk takes it, without extension.

    ``seconds`` is its duration at 8 kHz, ``source`` the engine that made it.
    """

    path: str
    sha256: str
    seconds: float
    source: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """An announcement with the sound that says it."""

    announcement: Announcement
    sound: Sound


@dataclass(frozen=True, slots=True)
class AnnouncementPlan:
    """What to play for the countries of a call. ``prompt`` is None where it cannot be said.

    ``missing`` names the sound (or the country without words) that stood in the way. ``before``
    is the company's name, ``after`` what the route adds; ``unsaid`` names those without a sound.
    """

    countries: tuple[str, ...]
    prompt: Prompt | None
    missing: str = ""
    before: tuple[Prompt, ...] = ()
    after: tuple[Prompt, ...] = ()
    unsaid: tuple[str, ...] = ()


def announcement(
    wording: Wording,
    direction: Direction,
    stage: Stage,
    countries: tuple[str, ...],
    domestic_country: str | None = None,
) -> Announcement | None:
    """The sentence for some countries; None where the language has no words for one of them.

    Once an agent has answered there is one country. Where it could not be told from several, the
    sentence is that of the first stage, which claims no more than is known. Where every site that
    may answer is in the ``domestic_country``, the sentence says so for certain.
    """
    forms = [form for code in countries if (form := wording.countries.get(code))]
    if not forms or len(forms) < len(countries):
        return None
    sentences = wording.sentences(direction)
    if stage is Stage.ANSWERED and len(countries) == 1:
        kind, template = "answered", sentences.answered
    elif countries == (domestic_country,):
        kind, template = "domestic", sentences.domestic
    else:
        kind, template = "possible", sentences.possible
    text = template.replace(
        "{places}", joined([form.place for form in forms], wording.conjunction)
    ).replace("{origins}", joined([form.origin for form in forms], wording.conjunction))
    return _named(wording, f"{_made(direction)}{kind}-{'-'.join(countries)}", text)


def generic_announcement(wording: Wording, direction: Direction) -> Announcement:
    """The sentence that names no country."""
    return _named(wording, f"{_made(direction)}generic", wording.sentences(direction).generic)


def company_announcement(wording: Wording, direction: Direction, company: str) -> Announcement:
    """The company's name, which is said first."""
    text = wording.sentences(direction).company.replace("{company}", company)
    return _named(wording, f"{_made(direction)}company", text)


def refused_announcement(wording: Wording) -> Announcement:
    """What a caller hears who is not connected."""
    return _named(wording, "refused", wording.refused)


def choice_announcement(
    wording: Wording, choice: Choice, domestic_country: str | None
) -> Announcement | None:
    """The offer of an agent elsewhere; None where the language has no words for that region."""
    if choice.region is Region.DOMESTIC:
        forms = wording.countries.get(domestic_country or "")
    else:
        forms = wording.regions.get(choice.region.value)
    if forms is None:
        return None
    text = wording.choice.replace("{places}", forms.place).replace("{key}", choice.key)
    return _named(wording, f"choice-{choice.region.value}", text)


def segment_announcement(wording: Wording, segment: str) -> Announcement | None:
    """A sentence that a route adds; None where the language does not have it."""
    text = wording.segments.get(segment)
    return _named(wording, f"segment-{segment}", text) if text else None


def _made(direction: Direction) -> str:
    return "outbound-" if direction is Direction.OUTBOUND else ""


def _named(wording: Wording, kind: str, text: str) -> Announcement:
    digest = sha256(text.encode()).hexdigest()[:8]
    return Announcement(wording.language, text, f"{wording.language}/{kind.lower()}-{digest}")
