"""The sounds that come with the package are those of its sentences, whole and at their level."""

from __future__ import annotations

from callcentre_disclosure.config.manifest import read_manifest
from callcentre_disclosure.speech.check import check
from callcentre_disclosure.speech.loudness import LEVEL
from tools.ship_prompts import COUNTRIES, LANGUAGES, SOUNDS, sentences


def test_every_sentence_has_its_sound_and_every_sound_its_sentence() -> None:
    wanted = {sentence.sound_name: sentence for sentence in sentences()}
    assert check(wanted.values(), {SOUNDS: ()}, level=LEVEL) == []
    assert set(read_manifest(SOUNDS)) == set(wanted)
    files = {str(file.relative_to(SOUNDS)) for file in SOUNDS.glob("*/*.*")}
    assert files == {f"{name}.ulaw" for name in wanted}


def test_one_country_is_said_within_five_seconds() -> None:
    sounds = read_manifest(SOUNDS)
    seconds = {
        name: entry.seconds
        for name, entry in sounds.items()
        if name.count("-") == 2  # fr/answered-ma-0a1b2c3d
    }
    assert len(seconds) >= len(LANGUAGES) * len(COUNTRIES) * 2
    assert {name: length for name, length in seconds.items() if length > 5.0} == {}
