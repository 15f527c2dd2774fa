"""eSpeak NG, by the library in espeakng-loader: every language, in a robot's voice."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from callcentre_disclosure.errors import EngineError, SoundError

from .installed import install, module, version
from .port import Speech
from .spellings import ESPEAK_NG
from .wording import foreign_letters, known_language, refuse, respelt, said_nothing, sayable

_EXTRA = "espeak"
_NAME = "espeak-ng"

# From speak_lib.h of eSpeak NG 1.52
_SYNCHRONOUS = 2  # espeak_Synth calls back with samples, and returns when all is said
_DONT_EXIT = 0x8000
_UTF8 = 1  # and neither SSML (0x10) nor [[phonemes]] (0x100): both are read out as they stand
_IPA = 2
_WORDS_PER_MINUTE = 1


@dataclass(frozen=True, slots=True)
class EspeakNg:
    """eSpeak NG: offline, 22.05 kHz, well over a hundred languages. GPL-3.

    ``rate`` is in words a minute (175 is eSpeak's own). Letters that a language does not have,
    which it would spell out in English, are refused.
    """

    rate: int = 150

    caution = (
        "eSpeak NG is hard to understand on a telephone, in French above all: "
        "listen before you use it, and prefer any other engine that speaks the language."
    )

    @property
    def name(self) -> str:
        loader = version("espeakng-loader", _EXTRA)
        return f"{_NAME} {_library().version} (espeakng-loader {loader})"

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(_library().voices)

    def speak(self, text: str, language: str) -> Speech:
        library = _library()
        tag = known_language(language, library.voices, _NAME)
        text = respelt(sayable(text, _NAME), ESPEAK_NG.get(tag.partition("-")[0], {}))
        import numpy as np

        with _ONE_AT_A_TIME:
            library.choose(tag)
            refuse(text, _spelt_out(library, tag, text), _NAME)
            pcm = library.say(text, self.rate)
        samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / np.float32(32768)
        if not samples.any():
            raise said_nothing(_NAME, text)
        return Speech(samples, library.sample_rate)


# Languages that are written, by some at least, in other letters than Latin ones.
# fmt: off
_OTHER_ALPHABETS = frozenset((
    "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bpy", "bs", "chr", "cmn", "cv", "el", "fa",
    "grc", "gu", "hak", "hbs", "he", "hi", "hr", "hy", "hyw", "ja", "ka", "kaa", "kk", "kn", "ko",
    "kok", "ku", "ky", "mk", "ml", "mr", "my", "ne", "nog", "or", "pa", "piqd", "ru", "sd", "shn",
    "si", "sr", "ta", "te", "th", "ti", "tk", "tt", "ug", "uk", "ur", "uz", "yue", "zh",
))
# fmt: on


def _spelt_out(library: _Library, tag: str, text: str) -> set[str]:
    """The letters of the text that are no letters of the language, which eSpeak NG names instead.

    Latin ones are read in every language (a name, an abbreviation).
    """
    if tag.partition("-")[0] not in _OTHER_ALPHABETS:
        return foreign_letters(text)
    words = [(word, foreign_letters(word)) for word in text.split()]
    named = (letters for word, letters in words if letters and library.leaves_language(word))
    return set().union(*named)


_ONE_AT_A_TIME = Lock()  # the library has one voice and one callback, whoever calls it


class _Voice(ctypes.Structure):
    """``espeak_VOICE``"""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Library:
    """The shared library of this process. It speaks in the voice that was last chosen."""

    def __init__(self, path: str, data: str) -> None:
        self._c = ctypes.CDLL(path)
        self._c.espeak_Info.restype = ctypes.c_char_p
        self._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._c.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._c.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            *[ctypes.c_uint] * 4,
            *[ctypes.c_void_p] * 2,
        )
        self.sample_rate: int = self._c.espeak_Initialize(
            _SYNCHRONOUS, 0, data.encode(), _DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise OSError(f"no eSpeak NG data in {data}")
        self.version: str = self._c.espeak_Info(None).decode()
        self.voices = self._best_voices()
        self._heard = bytearray()
        self._callback = _Callback(self._hear)  # C keeps no reference to it: we must
        self._c.espeak_SetSynthCallback(self._callback)

    def choose(self, tag: str) -> None:
        self._require(self._c.espeak_SetVoiceByName(self.voices[tag]), f"speak {tag}")

    def say(self, text: str, rate: int) -> bytes:
        self._c.espeak_SetParameter(_WORDS_PER_MINUTE, rate, 0)
        self._heard.clear()
        data = text.encode()
        self._require(
            self._c.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None),
            f"say {text!r}",
        )
        return bytes(self._heard)

    def leaves_language(self, word: str) -> bool:
        """Whether it turns to another language: ``(en)sɪɹˈɪlɪkˈaː(ar)`` for a Cyrillic а."""
        text = ctypes.c_char_p(word.encode())
        said: bytes = self._c.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, _IPA)
        return b"(" in said

    def _hear(self, samples: int | None, count: int, _events: int) -> int:
        if samples:
            self._heard += ctypes.string_at(samples, 2 * count)
        return 0  # go on

    def _best_voices(self) -> dict[str, bytes]:
        """The voice of each language: the one that gives it the lowest number, then the first."""
        best: dict[str, tuple[int, bytes]] = {}
        voices: Any = self._c.espeak_ListVoices(None)
        index = 0
        while voices[index]:
            voice = voices[index].contents
            for priority, tag in _spoken_by(voice):
                if tag not in best or priority < best[tag][0]:
                    best[tag] = priority, voice.identifier
            index += 1
        return {tag: identifier for tag, (_, identifier) in sorted(best.items())}

    @staticmethod
    def _require(status: int, what: str) -> None:
        if status:
            raise SoundError(
                f"{_NAME} cannot {what} (error {status})", remedy="reword it, or record it"
            )


def _spoken_by(voice: _Voice) -> list[tuple[int, str]]:
    """Its languages: a byte of priority and a string, and so on until a priority of 0."""
    found = []
    address = voice.languages
    while priority := ctypes.string_at(address, 1)[0]:
        tag = ctypes.string_at(address + 1)
        found.append((priority, tag.decode()))
        address += len(tag) + 2
    return found


@lru_cache(maxsize=1)
def _library() -> _Library:
    loader = module("espeakng_loader", _EXTRA)
    try:
        return _Library(loader.get_library_path(), loader.get_data_path())
    except (OSError, RuntimeError) as problem:
        raise EngineError(
            f"the library of eSpeak NG cannot be used: {problem}", remedy=install(_EXTRA)
        ) from problem
