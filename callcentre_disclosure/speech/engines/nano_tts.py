"""SVOX Pico, by py-nanotts: the engine that comes with the ``speech`` extra."""

from __future__ import annotations

from dataclasses import dataclass

from callcentre_disclosure.errors import SoundError

from .installed import module, version
from .port import Speech
from .spellings import PICO
from .wording import foreign_letters, known_language, refuse, respelt, said_nothing, sayable

_EXTRA = "speech"
_NAME = "py-nanotts"
_RATE = 16000  # Hz
_VOICES = {
    "fr": "fr-FR",
    "en": "en-GB",
    "en-GB": "en-GB",
    "en-US": "en-US",
    "it": "it-IT",
    "es": "es-ES",
    "de": "de-DE",
}


@dataclass(frozen=True, slots=True)
class NanoTts:
    """SVOX Pico through py-nanotts: offline, voices included, 16 kHz.

    It swallows final consonants; ``speed`` below 1 and a country that is not the last word mend
    that. At a ``volume`` of 1 some clips reach full scale. It skips letters of other alphabets
    without an error and obeys ``<…>`` as markup: both are refused.
    """

    speed: float = 0.85
    volume: float = 0.5

    @property
    def name(self) -> str:
        return f"{_NAME} {version(_NAME, _EXTRA)}"

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(_VOICES)

    def speak(self, text: str, language: str) -> Speech:
        tag = known_language(language, _VOICES, _NAME)
        text = sayable(text, _NAME)
        refuse(text, foreign_letters(text) | {"<"}, _NAME)
        said = respelt(text, PICO.get(tag, {}))
        py_nanotts = module("py_nanotts", _EXTRA)
        import numpy as np

        try:
            pcm = py_nanotts.NanoTTS().speak(
                said, voice=_VOICES[tag], speed=self.speed, volume=self.volume
            )
        except (RuntimeError, ValueError) as problem:
            raise SoundError(
                f"{_NAME} cannot say {text!r}: {problem}", remedy="reword it, or record it"
            ) from problem
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32768)
        if not samples.any():
            raise said_nothing(_NAME, text)
        return Speech(samples, _RATE)
