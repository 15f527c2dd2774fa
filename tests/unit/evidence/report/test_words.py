"""Words, numbers and days in the reader's way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from callcentre_disclosure.evidence.report import words as module
from callcentre_disclosure.evidence.report.causes import Cause, CauseKind
from callcentre_disclosure.evidence.report.words import LANGUAGES, Words, shown

FRENCH, ENGLISH = Words("fr"), Words("en")


def places(words: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, object]]:
    for key, value in words.items():
        if isinstance(value, dict):
            yield from places(value, f"{path}{key}.")
        else:
            text = str(value)
            yield f"{path}{key}", sorted(part.split("}")[0] for part in text.split("{")[1:])


def test_every_language_says_the_same_things() -> None:
    folder = Path(module.__file__).with_name("texts")
    said = [
        dict(places(yaml.safe_load((folder / f"{language}.yaml").read_text(encoding="utf-8"))))
        for language in LANGUAGES
    ]
    assert said[0] == said[1]


@pytest.mark.parametrize("words", [FRENCH, ENGLISH])
@pytest.mark.parametrize("kind", CauseKind)
def test_every_cause_has_words_and_a_remedy(words: Words, kind: CauseKind) -> None:
    cause = Cause(kind, "fr/answered-ma-2de14e0d")
    assert words.cause(cause)
    assert words.remedy(cause)


def test_numbers_are_written_as_people_write_them() -> None:
    assert FRENCH.number(61204) == "61\u202f204"
    assert ENGLISH.number(61204) == "61,204"
    assert FRENCH.share(1, 40) == "2,5\xa0%"
    assert ENGLISH.share(1, 40) == "2.5%"


def test_a_share_is_not_rounded_to_all_or_nothing() -> None:
    assert ENGLISH.share(1, 1_000_000) == "0.1%"
    assert ENGLISH.share(999_999, 1_000_000) == "99.9%"
    assert (ENGLISH.share(0, 3), ENGLISH.share(3, 3), ENGLISH.share(0, 0)) == ("0%", "100%", "–")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (0.0, "0 s"), (8.26, "8.3 s"), (59.7, "1 min"), (185.0, "3 min 05 s")],
)
def test_seconds_are_said_as_people_say_them(seconds: float | None, said: str) -> None:
    assert ENGLISH.seconds(seconds).replace("\u202f", " ") == said


def test_days() -> None:
    assert FRENCH.day("2026-11-01") == "1er novembre 2026"
    assert FRENCH.day("2026-11-11") == "11 novembre 2026"
    assert ENGLISH.days("2026-11-12", "2026-11-12") == "12 Nov 2026"


def test_one_caller_is_not_callers() -> None:
    assert ENGLISH.counted("headline.not_told", 1).startswith("caller was")
    assert ENGLISH.counted("headline.not_told", 0).startswith("callers were")
    assert FRENCH.counted("headline.not_told", 1).startswith("appelant n’a")


def test_countries() -> None:
    assert FRENCH.countries("MA,TN,MG") == "Maroc, Tunisie ou Madagascar"
    assert ENGLISH.countries("") == "unresolved"
    assert ENGLISH.countries("XX") == "XX"
    assert ENGLISH.answered_in("MA,TN") == "Morocco or Tunisia, not established which"


def test_a_sound_is_said_in_words() -> None:
    assert ENGLISH.sound("fr/answered-ma-2de14e0d") == "the sentence that names Morocco (French)"
    assert "no country" in ENGLISH.sound("fr/outbound-generic-4271fc83")
    assert ENGLISH.sound("tt-monkeys") == "the announcement"


def test_a_name_cannot_take_over_a_screen() -> None:
    assert shown("a\x1b[2Jb\u202ec\nd") == "a\ufffd[2Jb\ufffdc\ufffdd"
    assert len(shown("x" * 10_000)) == 100
