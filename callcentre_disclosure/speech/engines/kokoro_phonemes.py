"""A text as the phonemes that Kokoro was taught: eSpeak NG's, with a few letters of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from .installed import module
from .spellings import ESPEAK_NG
from .wording import respelt

_EXTRA = "kokoro"
_TIE = "͡"
_LETTERS: Mapping[str, str] = {
    f"d{_TIE}z": "ʣ",
    f"d{_TIE}ʒ": "ʤ",
    f"t{_TIE}s": "ʦ",
    f"t{_TIE}ʃ": "ʧ",
}


def phonemes(text: str, espeak: str) -> str:
    """The phonemes of a text in a language by eSpeak NG's name for it (``en-gb``).

    A word that eSpeak NG takes for one of another language comes without the ``(en)`` that it
    puts before it: Kokoro would read that out.
    """
    text = respelt(text, ESPEAK_NG.get(espeak.partition("-")[0], {}))
    said = "".join(_reader(espeak).phonemize([text]))
    for sound, letter in _LETTERS.items():
        said = said.replace(sound, letter)
    return said.replace(_TIE, "").replace("-", "").strip()


@cache
def _reader(espeak: str) -> Any:
    loader = module("espeakng_loader", _EXTRA)
    wrapper = module("phonemizer.backend.espeak.wrapper", _EXTRA).EspeakWrapper
    wrapper.set_library(loader.get_library_path())
    wrapper.set_data_path(loader.get_data_path())
    return module("phonemizer.backend", _EXTRA).EspeakBackend(
        espeak,
        preserve_punctuation=True,
        with_stress=True,
        tie=True,
        language_switch="remove-flags",
    )
