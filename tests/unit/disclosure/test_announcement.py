from __future__ import annotations

from dataclasses import replace

import pytest

from callcentre_disclosure.disclosure.announcement import (
    Announcement,
    Wording,
    announcement,
    company_announcement,
    generic_announcement,
    segment_announcement,
)
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.grammar import joined
from tests.conftest import ENGLISH, FRENCH


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([], ""),
        (["au Maroc"], "au Maroc"),
        (["au Maroc", "en Tunisie"], "au Maroc ou en Tunisie"),
        (["au Maroc", "en Tunisie", "à Madagascar"], "au Maroc, en Tunisie ou à Madagascar"),
    ],
)
def test_places_are_joined_as_people_say_them(places: list[str], said: str) -> None:
    assert joined(places, "ou") == said


def said(wording: Wording, *facts: object, domestic: str | None = None) -> Announcement:
    direction, stage, countries = facts
    assert isinstance(direction, Direction)
    assert isinstance(stage, Stage)
    assert isinstance(countries, tuple)
    found = announcement(wording, direction, stage, countries, domestic)
    assert found is not None
    return found


def test_one_country_after_the_answer_is_said_exactly() -> None:
    sentence = said(FRENCH, Direction.INBOUND, Stage.ANSWERED, ("MG",))
    assert sentence.text == "Votre conseiller, situé à Madagascar, va vous répondre."
    assert sentence.sound_name.startswith("fr/answered-mg-")


def test_several_countries_after_the_answer_stay_possible() -> None:
    sentence = said(ENGLISH, Direction.INBOUND, Stage.ANSWERED, ("MA", "TN"))
    assert sentence.text == "Your call may be handled in Morocco or in Tunisia, please hold."
    assert sentence.sound_name.startswith("en/possible-ma-tn-")


def test_who_is_called_hears_where_the_call_comes_from() -> None:
    sentence = said(FRENCH, Direction.OUTBOUND, Stage.POSSIBLE, ("MA", "TN", "MG"))
    assert sentence.text == (
        "Cet appel peut provenir du Maroc, de Tunisie ou de Madagascar, merci de patienter."
    )
    assert sentence.sound_name.startswith("fr/outbound-possible-ma-tn-mg-")


@pytest.mark.parametrize(
    ("stage", "countries", "kind"),
    [
        (Stage.POSSIBLE, ("FR",), "domestic-fr"),
        (Stage.POSSIBLE, ("FR", "MA"), "possible-fr-ma"),
        (Stage.POSSIBLE, ("MA",), "possible-ma"),
        (Stage.ANSWERED, ("FR",), "answered-fr"),
    ],
)
def test_the_callers_own_country_is_said_for_certain_where_it_is_the_only_one(
    stage: Stage, countries: tuple[str, ...], kind: str
) -> None:
    sentence = said(FRENCH, Direction.INBOUND, stage, countries, domestic="FR")
    assert sentence.sound_name.startswith(f"fr/{kind}-")
    assert ("sera traité" in sentence.text) is (kind == "domestic-fr")


def test_what_has_no_words_is_not_said() -> None:
    assert announcement(FRENCH, Direction.INBOUND, Stage.POSSIBLE, ("MA", "XK")) is None
    assert announcement(FRENCH, Direction.INBOUND, Stage.POSSIBLE, (), None) is None
    assert segment_announcement(FRENCH, "tariff") is None


def test_every_company_has_a_sound_of_its_own() -> None:
    alpha = company_announcement(FRENCH, Direction.INBOUND, "Alpha")
    beta = company_announcement(FRENCH, Direction.INBOUND, "Beta")
    calling = company_announcement(FRENCH, Direction.OUTBOUND, "Alpha")
    assert [alpha.text, calling.text] == ["Bienvenue chez Alpha.", "Bonjour, Alpha vous appelle."]
    assert len({alpha.sound_name, beta.sound_name, calling.sound_name}) == 3


def test_a_reworded_sentence_has_another_sound() -> None:
    calmly = replace(FRENCH.inbound, generic="Votre appel part ailleurs.")
    before = generic_announcement(FRENCH, Direction.INBOUND)
    after = generic_announcement(replace(FRENCH, inbound=calmly), Direction.INBOUND)
    assert before.sound_name != after.sound_name
