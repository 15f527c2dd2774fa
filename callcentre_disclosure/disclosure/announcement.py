"""The plan: which sentence a caller hears, in which language, from which sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from .call import Stage
from .grammar import joined


@dataclass(frozen=True, slots=True)
class Wording:
    """One language: its sentences, and each country as it stands in them ("au Maroc").

    A template is a sentence with ``{places}``; ``generic`` names no country.
    """

    language: str
    conjunction: str
    possible: str
    answered: str
    generic: str
    places: Mapping[str, str]


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

    ``missing`` names the sound (or the country without words) that stood in the way.
    """

    countries: tuple[str, ...]
    prompt: Prompt | None
    missing: str = ""


def announcement(wording: Wording, stage: Stage, countries: tuple[str, ...]) -> Announcement | None:
    """The sentence for some countries; None where the language has no words for one of them.

    Once an agent has answered there is one country. Where it could not be told from several, the
    sentence is that of the first stage, which claims no more than is known.
    """
    places = [wording.places.get(code) for code in countries]
    if not places or None in places:
        return None
    exact = stage is Stage.ANSWERED and len(places) == 1
    kind, template = ("answered", wording.answered) if exact else ("possible", wording.possible)
    phrase = joined([place for place in places if place], wording.conjunction)
    return _named(wording.language, f"{kind}-{'-'.join(countries)}", template, phrase)


def generic_announcement(wording: Wording) -> Announcement:
    """The sentence that names no country."""
    return _named(wording.language, "generic", wording.generic, "")


def _named(language: str, kind: str, template: str, places: str) -> Announcement:
    text = template.replace("{places}", places)
    digest = sha256(text.encode()).hexdigest()[:8]
    return Announcement(language, text, f"{language}/{kind.lower()}-{digest}")
