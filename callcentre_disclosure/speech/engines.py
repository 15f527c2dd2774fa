"""Engines: a text goes in, speech comes out.

An engine runs when sounds are built, never during a call. ``build`` may hand one to other
processes, so an engine can be pickled; a frozen dataclass that loads its voice when it first
speaks is one.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Protocol

from callcentre_disclosure.errors import SoundError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

INSTALL = "pip install 'callcentre-disclosure[speech]'"


@dataclass(frozen=True, slots=True)
class Speech:
    """What an engine said: mono samples between -1 and 1, and their rate in Hz."""

    samples: npt.NDArray[np.float32]
    rate: int


class Engine(Protocol):
    """Something that speaks.

    ``name`` is what a manifest records, with the version (``py-nanotts 0.1.1``); ``languages``
    are the BCP 47 tags it speaks. Both, and ``speak``, raise ``SoundError`` where the engine is
    not installed; ``speak`` does so too for a text or language that it cannot say.
    """

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    def speak(self, text: str, language: str) -> Speech: ...


@dataclass(frozen=True, slots=True)
class NanoTts:
    """SVOX Pico through py-nanotts: offline, voices included, 16 kHz.

    It swallows final consonants; ``speed`` below 1 and a country that is not the last word mend
    that. At a ``volume`` of 1 some clips reach full scale.
    """

    speed: float = 0.85
    volume: float = 0.5

    @property
    def name(self) -> str:
        try:
            return f"py-nanotts {metadata.version('py-nanotts')}"
        except metadata.PackageNotFoundError as missing:
            raise _not_installed() from missing

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(_PICO_VOICES)

    def speak(self, text: str, language: str) -> Speech:
        voice = _pico_voice(language)
        text = unicodedata.normalize("NFC", text)
        _refuse_unspeakable(text)
        try:
            import numpy as np
            import py_nanotts
        except ImportError as missing:
            raise _not_installed() from missing
        try:
            pcm = py_nanotts.NanoTTS().speak(
                text, voice=voice, speed=self.speed, volume=self.volume
            )
        except (RuntimeError, ValueError) as problem:
            raise SoundError(
                f"py-nanotts cannot say {text!r}: {problem}", remedy="reword it, or record it"
            ) from problem
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768)
        if not samples.any():
            raise SoundError(
                f"py-nanotts said nothing for {text!r}", remedy="reword it, or record it"
            )
        return Speech(samples, 16000)


_PICO_VOICES = {
    "fr": "fr-FR",
    "en": "en-GB",
    "en-GB": "en-GB",
    "en-US": "en-US",
    "it": "it-IT",
    "es": "es-ES",
    "de": "de-DE",
}


def _pico_voice(language: str) -> str:
    """The voice for a BCP 47 tag: its own, or that of the language (``fr-CA``: fr-FR)."""
    tag = language.lower()  # tags are the same in any case
    voices = {known.lower(): voice for known, voice in _PICO_VOICES.items()}
    voice = voices.get(tag) or voices.get(tag.partition("-")[0])
    if voice is None:
        raise SoundError(
            f"py-nanotts does not speak {language!r}",
            remedy=f"it speaks {', '.join(_PICO_VOICES)}: choose one of these, "
            "another engine, or a recording",
        )
    return voice


def _refuse_unspeakable(text: str) -> None:
    """Pico skips letters of other alphabets without an error, and obeys ``<…>`` as markup."""
    foreign = {c for c in text if c.isalpha() and "LATIN" not in unicodedata.name(c, "")}
    unspeakable = sorted(foreign | {"<"} & set(text))
    if unspeakable:
        raise SoundError(
            f"py-nanotts would leave out {' '.join(unspeakable)} of {text!r}",
            remedy="write it in Latin letters, or record it",
        )


def _not_installed() -> SoundError:
    return SoundError("py-nanotts is not installed", remedy=INSTALL)
