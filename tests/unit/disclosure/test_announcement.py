from __future__ import annotations

from dataclasses import replace

import pytest

from callcentre_disclosure.disclosure.announcement import announcement, generic_announcement
from callcentre_disclosure.disclosure.call import Stage
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


def test_one_country_after_the_answer_is_said_exactly() -> None:
    said = announcement(FRENCH, Stage.ANSWERED, ("MG",))
    assert said is not None
    assert said.text == "Votre conseiller, situé à Madagascar, va vous répondre."
    assert said.sound_name.startswith("fr/answered-mg-")


def test_several_countries_after_the_answer_stay_possible() -> None:
    said = announcement(ENGLISH, Stage.ANSWERED, ("MA", "TN"))
    assert said is not None
    assert said.text == "Your call may be handled in Morocco or in Tunisia, please hold."
    assert said.sound_name.startswith("en/possible-ma-tn-")


def test_what_has_no_words_is_not_said() -> None:
    assert announcement(FRENCH, Stage.POSSIBLE, ("MA", "XK")) is None
    assert announcement(FRENCH, Stage.POSSIBLE, ()) is None


def test_a_reworded_sentence_has_another_sound() -> None:
    reworded = replace(FRENCH, generic="Votre appel part ailleurs.")
    before, after = generic_announcement(FRENCH), generic_announcement(reworded)
    assert before.sound_name != after.sound_name
