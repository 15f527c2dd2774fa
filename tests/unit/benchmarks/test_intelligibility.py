"""How transcripts are judged, and what is written of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from benchmarks.intelligibility.channel import telephone
from benchmarks.intelligibility.report import PROMISES, document, misses, table, verdicts
from benchmarks.intelligibility.scoring import (
    USUAL,
    Heard,
    Said,
    compare,
    kind_and_codes,
    nearest,
    rivals,
    score,
    spoken_name,
    words,
)
from callcentre_disclosure.config.wordings import available_languages, wording

FORMS = {
    "MA": ("au Maroc", "du Maroc"),
    "ML": ("au Mali", "du Mali"),
    "EG": ("en Égypte", "d'Égypte"),
}
MOROCCO = "Votre appel pourra être traité au Maroc, merci."


def said(code: str = "MA", text: str = MOROCCO, **other: str) -> Said:
    place = {
        "source": "shipped",
        "engine": "voice 1",
        "language": "fr",
        "kind": "possible",
        **other,
    }
    names = (spoken_name(*FORMS[code], "fr"),)
    return Said(codes=(code,), text=text, names=names, rivals=rivals(text, FORMS, code), **place)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Votre appel, merci !", "votre appel merci"),
            ("à l’île Maurice", "à l île maurice"),
            ("l'Égypte", "l egypte"),
            ("l'Egypte", "l egypte"),
            ("Bosnie-Herzégovine.", "bosnie herzégovine"),
            ("15 centimes", "quinze centimes"),
            ("Cote\u0302 d'Ivoire", "cotê d ivoire"),
            ("", ""),
        ],
    )
    def test_are_what_is_said(self, text: str, expected: str) -> None:
        assert words(text, "fr") == expected.split()

    def test_numbers_are_said_in_their_language(self) -> None:
        assert words("2 minutes", "it") == ["due", "minutes"]
        assert words("2 minutes", "xx") == ["2", "minutes"]


class TestOneTranscript:
    def test_without_an_error(self) -> None:
        heard = compare(said(), "votre appel pourra être traité au Maroc. Merci!")
        assert heard.exact
        assert heard.named
        assert heard.recognised
        assert (heard.errors, heard.words) == (0, 8)

    @pytest.mark.parametrize(
        ("transcript", "errors", "named", "nearest"),
        [
            ("Votre appel pourra être traité au marreau, merci.", 1, False, ("MA",)),
            ("Votre appel pourra être traité au Mali, merci.", 1, False, ("ML",)),
            ("Votre appel pourra être traité au Maroc.", 1, True, ("MA",)),
            ("Votre appel pourra bien être traité au Maroc, merci.", 1, True, ("MA",)),
            ("", 8, False, ("ML",)),
            ("Votre appel pourra être traité au Mar, merci.", 1, False, ("MA",)),
        ],
    )
    def test_with_errors(
        self, transcript: str, errors: int, named: bool, nearest: tuple[str, ...]
    ) -> None:
        heard = compare(said(), transcript)
        assert (heard.errors, heard.named, heard.nearest) == (errors, named, nearest)
        assert heard.recognised is (nearest == ("MA",))

    def test_a_tie_is_not_recognised(self) -> None:
        assert nearest("au Ma", {"MA": "au Maxy", "ML": "au Mayx"}, "fr") == ("MA", "ML")

    def test_of_equals_the_longest_is_the_nearest(self) -> None:
        assert nearest("en fils", {"IN": "en Inde", "CH": "en Suisse"}, "fr") == ("CH",)

    def test_a_name_is_whole_words(self) -> None:
        assert not compare(said(), "votre appel pourra être traité aux Marocaines merci").named

    def test_a_sentence_without_a_country(self) -> None:
        heard = compare(Said("shipped", "voice", "fr", "generic", (), "Merci."), "Merci")
        assert (heard.named, heard.recognised) == (None, None)


def test_scores_count_all_words() -> None:
    heard = [compare(said(), MOROCCO), compare(said(), "Votre appel pourra être traité au Mali.")]
    figures = score(heard)
    assert figures.wer == pytest.approx(2 / 16)
    assert (figures.sounds, figures.exact, figures.named, figures.countries) == (2, 1, 1, 2)
    assert (figures.recognised, figures.sets) == (1, 2)
    assert score([]).wer == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fr/possible-ma-tn-0a1b2c3d", ("possible", ("MA", "TN"))),
        ("22-7/fr/outbound-answered-ma-0a1b2c3d", ("outbound-answered", ("MA",))),
        ("fr/segment-ai-0a1b2c3d", ("segment-ai", ())),
        ("fr/generic-0a1b2c3d", ("generic", ())),
        ("fr/hello", ("hello", ())),
    ],
)
def test_a_sound_is_known_by_its_name(name: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert kind_and_codes(name) == expected


def test_rivals_take_the_same_form() -> None:
    assert rivals("Il appelle du Maroc.", FORMS, "MA")["EG"] == "Il appelle d'Égypte."
    assert rivals("Il appelle.", FORMS, "MA") == {}


@pytest.mark.parametrize("language", available_languages())
def test_every_usual_country_has_a_name_of_its_own(language: str) -> None:
    countries = wording(language).countries
    names = {spoken_name(countries[c].place, countries[c].origin, language) for c in USUAL}
    assert len(names) == len(USUAL) == 24
    assert all(names)


class TestReport:
    def kept(self) -> list[Heard]:
        found = []
        for source, engine in (("shipped", "kokoro 1"), ("built", "py-nanotts 1")):
            for kind in ("possible", "answered"):
                for code in USUAL:
                    sentence = Said(source, engine, "fr", kind, (code,), code, rivals={code: code})
                    found.append(compare(sentence, code))
        return found

    def test_promises_are_kept_at_both_stages(self) -> None:
        found = verdicts(self.kept())
        assert len(found) == len(PROMISES)
        assert all(verdict.kept for verdict in found)

    def test_what_was_not_measured_is_no_promise_kept(self) -> None:
        found = verdicts([one for one in self.kept() if one.said.source != "shipped"])
        assert [verdict.kept for verdict in found] == [False, True]

    def test_one_stage_alone_keeps_no_promise(self) -> None:
        found = verdicts([one for one in self.kept() if one.said.kind == "possible"])
        assert [verdict.kept for verdict in found] == [False, False]

    def test_one_country_less(self) -> None:
        heard = self.kept()
        first = heard[0].said
        heard[0] = compare(
            Said("shipped", "k", "fr", "possible", ("MA",), "MA", rivals={"X": "X"}), "X"
        )
        assert first.codes == ("MA",)
        assert [verdict.kept for verdict in verdicts(heard)] == [False, True]

    def test_a_miss_tells_what_was_written(self) -> None:
        wrong = compare(said(), "Votre appel | pourra être traité *au Mali*, merci.")
        text = misses([compare(said(), MOROCCO), wrong])
        assert (
            "- MA **taken for ML**: “Votre appel \\| pourra être traité \\*au Mali\\*, merci.”"
            in text
        )
        assert text.count("- MA") == 1

    def test_the_document_is_whole(self) -> None:
        text = document(self.kept(), {"ears": "1.0"}, date(2026, 11, 2))
        assert "measured on 2 November 2026." in text
        assert "ears 1.0" in text
        assert table(self.kept()) in text
        assert "{" not in text


def test_a_telephone_line_is_narrow() -> None:
    seconds = np.arange(16000) / 16000

    def through(hertz: float) -> float:
        tone = 0.3 * np.sin(2 * np.pi * hertz * seconds)
        return float(np.std(telephone(tone, 16000)) / np.std(tone))

    assert through(1000) == pytest.approx(1, abs=0.02)
    assert max(through(100), through(3800), through(6000)) < 0.02
