"""What an engine is asked to say is a language it knows, in letters it reads."""

from __future__ import annotations

import pytest

from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech.engines.wording import (
    foreign_letters,
    known_language,
    refuse,
    respelt,
    sayable,
)


@pytest.mark.parametrize(
    ("language", "found"),
    [
        ("fr", "fr"),
        ("fr-CA", "fr"),
        ("FR", "fr"),
        ("en-gb", "en-GB"),
        ("en-AU", "en"),
        ("zh-hant-TW", "zh-Hant"),
        ("zh-TW", "zh"),
    ],
)
def test_the_nearest_tag_that_holds_the_language(language: str, found: str) -> None:
    assert known_language(language, ["fr", "en", "en-GB", "zh", "zh-Hant"], "X") == found


@pytest.mark.parametrize("language", ["", "-", "f", "fra", "fr_CA", "-fr"])
def test_a_tag_that_is_none_is_refused(language: str) -> None:
    with pytest.raises(SoundError, match=r"X does not speak .*it speaks fr, en: choose one"):
        known_language(language, ["fr", "en"], "X")


def test_accents_are_composed_and_lines_may_break() -> None:
    assert sayable("e\u0301te\u0301\nl’a\u0300", "X") == "été\nl’à"


@pytest.mark.parametrize("control", ["\0", "\x01", "\x1b", "\x7f", "\x9f"])
def test_control_characters_are_refused(control: str) -> None:
    with pytest.raises(SoundError, match=rf"X would leave out U\+00{ord(control):02X} of"):
        sayable(f"a{control}b", "X")


def test_letters_of_other_alphabets_are_foreign() -> None:
    assert foreign_letters("L’île de Þórshöfn (œuf), 12 € за ł") == {"з", "а"}


def test_what_is_refused_is_named_in_order() -> None:
    refuse("abc", "xyz", "X")
    with pytest.raises(SoundError, match="X would leave out b c of 'abc'"):
        refuse("abc", "cb", "X")


def test_words_are_respelt_whole() -> None:
    spellings = {"Danemark": "Danemarque", "Éthiopie": "Étiopie", "Saint-X": "Sainte"}
    text = "l'Éthiopie, Danemark, Danemarks, Saint-X; (Danemark)"
    assert respelt(text, spellings) == "l'Étiopie, Danemarque, Danemarks, Sainte; (Danemarque)"
    assert respelt(text, {}) == text
