from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.config.wordings import available_languages, wording
from callcentre_disclosure.errors import ConfigurationError

from .conftest import FRENCH, Write


@pytest.mark.parametrize("language", available_languages())
def test_the_shipped_sentences_can_be_used(language: str) -> None:
    assert wording(language).language == language


def test_your_own_sentences_are_read_instead_of_the_shipped_ones(write: Write) -> None:
    folder = write(FRENCH, "texts/fr.yaml").parent

    assert wording("fr", folder).inbound.generic == "Appel traité ailleurs."
    assert wording("en", folder) == wording("en")
    assert set(available_languages(folder)) >= {"fr", "en"}


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("conjunction: ou\n", "", "there is no conjunction"),
        ("traité {places}", "traité {place}", "inbound.possible: the placeholders are wrong"),
        ("{places} en", "{places} {origins} en", "inbound.answered: the placeholders are wrong"),
        ("{origins} en", "{origins", "outbound.answered: the placeholders are wrong"),
        ("d'ailleurs", "{places}", "outbound.generic: the placeholders are wrong; write no"),
        (
            "Ici {company}",
            "Ici Alpha",
            "outbound.company: the placeholders are wrong",
        ),
        ("enregistré", "{places}", "segments.recording: the placeholders are wrong"),
        ("tapez {key}", "tapez 1", "choice: the placeholders are wrong; write {key} and {places}"),
        ("conseiller {places}, t", "conseiller, t", "choice: the placeholders are wrong"),
        ("tapez {key}", "tapez {key} {key}", "choice: the placeholders are wrong"),
        ("tapez {key}", "tapez {key", "choice: the placeholders are wrong"),
        ("Appel impossible", "{places}", "refused: the placeholders are wrong; write no braces"),
        ("  EU:", "  UE:", "regions: there is no EU; add its two forms under EU"),
        (", origin: de l'Union", "", "regions.EU: there is no origin"),
        ("language: fr", "language: en", "'en' is not 'fr'"),
        ("MA: {pl", "MAR: {pl", "countries.MAR: 'MAR' is no country code"),
        (", origin: du Maroc", "", "countries.MA: there is no origin"),
        ("countries:", "country:", "country: this key is not known; did you mean countries?"),
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
