from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.config.wordings import available_languages, wording
from callcentre_disclosure.errors import ConfigurationError

from .conftest import FRENCH, Write


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_shipped_sentences_can_be_used(language: str) -> None:
    assert wording(language).language == language


def test_your_own_sentences_are_read_instead_of_the_shipped_ones(write: Write) -> None:
    folder = write(FRENCH, "texts/fr.yaml").parent

    assert wording("fr", folder).generic == "Appel traité ailleurs."
    assert wording("en", folder) == wording("en")
    assert set(available_languages(folder)) >= {"fr", "en"}


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("conjunction: ou\n", "", "there is no conjunction"),
        ("{places}, merci", "{place}, merci", "possible: the placeholders are wrong"),
        ("{places} en", "{places} {places} en", "answered: the placeholders are wrong"),
        ("{places} en", "{places", "answered: the placeholders are wrong"),
        ("ailleurs", "{places}", "generic: the placeholders are wrong"),
        ("language: fr", "language: en", "'en' is not 'fr'"),
        ("MA: au Maroc", "MAR: au Maroc", "places.MAR: 'MAR' is no country code"),
        ("MA: au Maroc", "MA: ", "places.MA: there is nothing here"),
        ("places:", "place:", "place: this key is not known; did you mean places?"),
    ],
)
def test_sentences_that_cannot_be_used(write: Write, old: str, new: str, finding: str) -> None:
    path = write(FRENCH.replace(old, new), "texts/fr.yaml")

    with pytest.raises(ConfigurationError, match=r"fr\.yaml:\d+: ") as caught:
        wording("fr", path.parent)
    assert finding in str(caught.value)


def test_a_language_without_sentences_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wording("xx")
    assert "write one of de, en, es, fr, it" in str(caught.value)
    assert str(shipped("prompts")) in str(caught.value)
