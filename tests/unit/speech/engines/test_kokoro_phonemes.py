"""Every country is read in its language, in sounds that Kokoro knows."""

from __future__ import annotations

import sys
import unicodedata
from importlib import import_module

import pytest

from callcentre_disclosure.config.wordings import wording
from callcentre_disclosure.speech.engines.kokoro import VOICES
from callcentre_disclosure.speech.engines.kokoro_phonemes import phonemes

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="kokoro-onnx 0.6.1 is for Python below 3.14"
)


@pytest.mark.parametrize(
    ("espeak", "text", "sounds"),
    [
        ("fr-fr", "au Maroc, merci.", "o maʁˈɔk, mɛʁsˈi."),
        ("fr-fr", "aux États-Unis", "oz etˈazynˈi"),
        ("fr-fr", "l’île Maurice", "lˈil moʁˈis"),
        ("fr-fr", "au Danemark", "o danmˈaʁk"),
        ("fr-fr", "du Danemark", "dy danmˈaʁk"),
        ("fr-fr", "en Éthiopie", "ɑ̃n etjopˈi"),
        ("fr-fr", "à Saint-Barthélemy", "a sˈɛ̃baʁtelemˈi"),
        ("it", "in Germania", "in ʤermˈania"),
        ("it", "in Francia", "in frˈanʧa"),
        ("it", "in Croazia", "in kroˈaʦia"),
        ("es", "en Chile", "en ʧˈile"),
        ("en-gb", "in Georgia", "ɪn ʤˈɔːʤə"),
        ("en-us", "in Chad", "ɪn ʧˈæd"),
        ("fr-fr", "", ""),
    ],
)
def test_a_text_is_read(espeak: str, text: str, sounds: str) -> None:
    assert phonemes(text, espeak) == sounds


def test_a_foreign_word_comes_without_its_language() -> None:
    assert phonemes("le week-end", "fr-fr") == "lə wˈiːkˈɛnd"


@pytest.mark.parametrize("tag", VOICES)
def test_every_country_is_read_in_sounds_that_it_knows(tag: str) -> None:
    known = import_module("kokoro_onnx.config").DEFAULT_VOCAB
    countries = wording(tag.partition("-")[0]).countries.values()
    phrases = [phrase for forms in countries for phrase in (forms.place, forms.origin)]
    sounds = set(phonemes("\n".join(phrases), VOICES[tag].espeak)) - {"\n"}
    unknown = {sound for sound in sounds if sound not in known}
    assert all(unicodedata.combining(sound) for sound in unknown)  # these it can do without
    assert not sounds & set("()[]")
