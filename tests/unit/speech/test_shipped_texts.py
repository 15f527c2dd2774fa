"""The sentences and countries that come with the package."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.disclosure.announcement import Wording, announcement
from callcentre_disclosure.disclosure.call import Stage

LANGUAGES = ("fr", "en", "it", "es", "de")


def document(language: str) -> dict[str, Any]:
    text = (shipped("prompts") / "texts" / f"{language}.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def wording(language: str) -> Wording:
    return Wording(**document(language))


@pytest.mark.parametrize("language", LANGUAGES)
class TestEveryLanguage:
    def test_has_words_for_the_same_countries(self, language: str) -> None:
        assert set(wording(language).places) == set(countries())

    def test_every_code_and_place_is_text(self, language: str) -> None:
        for code, place in document(language)["places"].items():
            assert isinstance(code, str), f"{code!r}: put it in quotes"
            assert re.fullmatch("[A-Z]{2}", code)
            assert isinstance(place, str)
            assert place == place.strip()

    def test_each_country_has_its_own_name(self, language: str) -> None:
        places = wording(language).places
        assert len(set(places.values())) == len(places)

    def test_the_country_is_not_the_last_word(self, language: str) -> None:
        words = wording(language)
        for template in (words.possible, words.answered):
            assert template.count("{places}") == 1
            assert re.search(r"\{places\},? \w+ \w+", template)
        assert "{" not in words.generic

    def test_says_its_language(self, language: str) -> None:
        assert document(language)["language"] == language


@pytest.mark.parametrize(
    ("language", "code", "place"),
    [
        ("fr", "MA", "au Maroc"),
        ("fr", "TN", "en Tunisie"),
        ("fr", "MG", "à Madagascar"),
        ("fr", "MU", "à l'île Maurice"),
        ("fr", "PH", "aux Philippines"),
        ("fr", "HT", "en Haïti"),
        ("fr", "CY", "à Chypre"),
        ("fr", "MT", "à Malte"),
        ("fr", "CI", "en Côte d'Ivoire"),
        ("fr", "MX", "au Mexique"),
        ("fr", "US", "aux États-Unis"),
        ("fr", "NL", "aux Pays-Bas"),
        ("fr", "NO", "en Norvège"),
        ("en", "PH", "in the Philippines"),
        ("en", "GB", "in the United Kingdom"),
        ("en", "CI", "in Ivory Coast"),
        ("en", "NO", "in Norway"),
    ],
)
def test_a_country_as_people_say_it(language: str, code: str, place: str) -> None:
    assert wording(language).places[code] == place


def test_several_countries_in_a_sentence() -> None:
    said = announcement(wording("fr"), Stage.POSSIBLE, ("MA", "TN", "MG"))
    assert said is not None
    assert said.text == (
        "Votre appel pourra être traité au Maroc, en Tunisie ou à Madagascar, merci de patienter."
    )
