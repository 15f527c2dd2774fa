"""Kokoro-82M by kokoro-onnx: the most natural voice that runs on this machine.

Needs Python 3.10 to 3.13 (kokoro-onnx 0.6.1), 110 MB of downloads and 400 MB of memory a
process. The weights are Apache-2.0. What turns text into phonemes is not: phonemizer and the
eSpeak NG in espeakng-loader are GPL-3, which matters to those who pass the program on, not to
those who run it; the sounds are nobody's but yours.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from callcentre_disclosure.config.location import cache_folders
from callcentre_disclosure.errors import EngineError, SoundError

from .installed import install, module, version
from .kokoro_files import KOKORO, Published, assembled
from .kokoro_phonemes import phonemes
from .port import Speech
from .wording import foreign_letters, known_language, refuse, said_nothing, sayable

_EXTRA = "kokoro"
_NAME = "Kokoro"


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice, what eSpeak NG calls the language it reads, and how fast it speaks."""

    name: str
    espeak: str
    speed: float = 1.0


VOICES: Mapping[str, Voice] = {
    "fr": Voice("ff_siwis", "fr-fr", 0.9),
    "en": Voice("bf_emma", "en-gb"),
    "en-GB": Voice("bf_emma", "en-gb"),
    "en-US": Voice("af_heart", "en-us"),
    "it": Voice("if_sara", "it", 0.9),
    "es": Voice("em_alex", "es"),
}


@dataclass(frozen=True, slots=True)
class Kokoro:
    """Kokoro-82M, int8: offline once its model is put together, 24 kHz.

    The first to speak puts the model together in ``folder`` (by default ``kokoro`` in the folders
    of ``CALLCENTRE_DISCLOSURE_CACHE``), and needs npm for that, configured as the machine has it.
    It speaks on one processor: as many processes as there are processors speak as many times
    faster. A ``pace`` above 1 speaks faster than its voice does.
    """

    folder: Path | None = None
    published: Published = KOKORO
    pace: float = 1.0

    @property
    def name(self) -> str:
        return f"kokoro-onnx {version('kokoro-onnx', _EXTRA)} (Kokoro-82M int8)"

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(VOICES)

    def speak(self, text: str, language: str) -> Speech:
        tag = known_language(language, VOICES, _NAME)
        text = sayable(text, _NAME)
        refuse(text, foreign_letters(text), _NAME)
        model = _model(self.folder, self.published)
        return model.speak(text, VOICES[tag], self.pace)


class _Model:
    """The model, loaded."""

    def __init__(self, model: Path, voices: Path) -> None:
        kokoro_onnx = module("kokoro_onnx", _EXTRA)
        onnxruntime = module("onnxruntime", _EXTRA)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self._kokoro = kokoro_onnx.Kokoro.from_session(session, str(voices))

    def speak(self, text: str, voice: Voice, pace: float) -> Speech:
        speed = voice.speed * pace
        sounds = phonemes(text, voice.espeak)
        if not any(sound.isalpha() for sound in sounds):
            raise said_nothing(_NAME, text)
        try:
            samples, rate = self._kokoro.create(sounds, voice.name, speed, is_phonemes=True)
        except ValueError as problem:
            raise SoundError(
                f"{_NAME} cannot say {text!r}: {problem}", remedy="reword it, or record it"
            ) from problem
        return Speech(samples / max(1.0, abs(samples).max()), rate)


@lru_cache(maxsize=1)
def _model(folder: Path | None, published: Published) -> _Model:
    module("kokoro_onnx", _EXTRA)  # before a download that would be for nothing
    caches = [Path(cache) / "kokoro" for cache in cache_folders(os.environ)]
    found = assembled([folder] if folder else caches, published)
    try:
        return _Model(found.model, found.voices)
    except EngineError:
        raise
    except Exception as problem:  # onnxruntime has its own, each of a class of its own
        raise EngineError(
            f"Kokoro's model cannot be loaded: {problem}",
            where=str(found.folder),
            remedy=install(_EXTRA),
        ) from problem
