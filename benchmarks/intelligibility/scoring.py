"""What Whisper wrote against what was said. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from num2words import num2words
from rapidfuzz.distance import Levenshtein

_USUAL = "MA TN MG SN CI CM BJ TG MU DZ EG LB TR PT ES RO BG PL AL FR BE CH IN PH"
USUAL = tuple(_USUAL.split())
"""ISO 3166-1: where calls of the French market are usually answered."""

_NUMBER = re.compile(r"\d+")
_SOUND = re.compile(
    r"(?P<kind>(outbound-)?(possible|answered|domestic))-(?P<codes>[a-z]{2}(-[a-z]{2})*)-\w{8}"
)


@dataclass(frozen=True, slots=True)
class Said:
    """One sound: its text, what kind of sentence that is, the countries in it (ISO 3166-1) and
    their names in words. ``rivals`` are the sentences of other countries, by code, its own too."""

    source: str
    engine: str
    language: str
    kind: str
    codes: tuple[str, ...]
    text: str
    names: tuple[tuple[str, ...], ...] = ()
    rivals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """What Whisper made of a sound."""

    said: Said
    transcript: str
    errors: int
    words: int
    named: bool | None
    """Whether every country's name is in the transcript, word for word; None without a country."""
    nearest: tuple[str, ...] | None
    """The countries whose sentences are nearest to the transcript; None without rivals."""

    @property
    def exact(self) -> bool:
        return not self.errors

    @property
    def recognised(self) -> bool | None:
        """Whether the country is the nearest, alone; None without rivals."""
        return None if self.nearest is None else self.nearest == self.said.codes


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of some sounds. ``named`` and ``recognised`` are of ``countries`` and ``sets``."""

    sounds: int
    wer: float
    exact: int
    named: int
    countries: int
    recognised: int
    sets: int
    choice: int
    """Of how many countries the nearest was sought."""


def compare(said: Said, transcript: str) -> Heard:
    """The errors of a transcript: substituted, missing and additional words."""
    expected, written = words(said.text, said.language), words(transcript, said.language)
    return Heard(
        said,
        transcript,
        Levenshtein.distance(expected, written),
        len(expected),
        all(_holds(written, name) for name in said.names) if said.names else None,
        nearest(transcript, said.rivals, said.language) if said.rivals else None,
    )


def score(heard: Sequence[Heard]) -> Score:
    """Word errors count over all words, not as a mean of sentences."""
    total = sum(one.words for one in heard)
    return Score(
        sounds=len(heard),
        wer=sum(one.errors for one in heard) / total if total else 0.0,
        exact=sum(one.exact for one in heard),
        named=sum(one.named is True for one in heard),
        countries=sum(one.named is not None for one in heard),
        recognised=sum(one.recognised is True for one in heard),
        sets=sum(one.recognised is not None for one in heard),
        choice=max((len(one.said.rivals) for one in heard), default=0),
    )


def words(text: str, language: str) -> list[str]:
    """A text as it is said: no case, no punctuation, numbers in words.

    Accents stay, except on capitals (``Égypte``, ``Egypte``: both are written). Apostrophes and
    hyphens divide words: ``l'île`` is two, however the apostrophe is written.
    """
    text = "".join(_bare(c) if c.isupper() else c for c in unicodedata.normalize("NFC", text))
    text = _NUMBER.sub(lambda digits: f" {_in_words(digits[0], language)} ", text.casefold())
    return "".join(c if c.isalnum() else " " for c in text).split()


def nearest(transcript: str, sentences: Mapping[str, str], language: str) -> tuple[str, ...]:
    """The keys of the sentences with the fewest letters to change, of equals the longest, since
    the smallest part of it is wrong. Several where that is a tie."""
    written = " ".join(words(transcript, language))
    distances = {}
    for key, text in sentences.items():
        sentence = _joined(text, language)
        distances[key] = (Levenshtein.distance(written, sentence), -len(sentence))
    least = min(distances.values())
    return tuple(key for key, distance in distances.items() if distance == least)


def spoken_name(place: str, origin: str, language: str) -> tuple[str, ...]:
    """The words that ``au Maroc`` and ``du Maroc`` share at their end: the name itself."""
    one, other = words(place, language), words(origin, language)
    shared = 0
    while shared < min(len(one), len(other)) and one[-1 - shared] == other[-1 - shared]:
        shared += 1
    return tuple(one[len(one) - shared :])


def rivals(text: str, forms: Mapping[str, tuple[str, str]], own: str) -> dict[str, str]:
    """The sentence with each of some countries in the place of its own.

    ``forms`` are where and whence, by country: ``("au Maroc", "du Maroc")``. Empty for a
    sentence that holds neither of its own.
    """
    for form in (0, 1):
        said = forms[own][form]
        if said in text:
            return {code: text.replace(said, other[form]) for code, other in forms.items()}
    return {}


def kind_and_codes(sound_name: str) -> tuple[str, tuple[str, ...]]:
    """``fr/possible-ma-tn-0a1b2c3d`` → ``possible``, (``MA``, ``TN``); no countries for others."""
    stem = sound_name.rpartition("/")[2]
    if match := _SOUND.fullmatch(stem):
        return match["kind"], tuple(match["codes"].upper().split("-"))
    return stem.rpartition("-")[0] or stem, ()


def _holds(written: Sequence[str], name: Iterable[str]) -> bool:
    return f" {' '.join(name)} " in f" {' '.join(written)} "


@cache
def _joined(text: str, language: str) -> str:
    return " ".join(words(text, language))


def _bare(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0]


def _in_words(digits: str, language: str) -> str:
    try:
        return str(num2words(int(digits), lang=language))
    except NotImplementedError:
        return digits
