from __future__ import annotations

import random
from array import array
from pathlib import Path

import pytest

from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.testing.g711 import PCMA, PCMU, SAMPLE_RATE, Codec
from callcentre_disclosure.testing.recording import Recording, find, find_tone
from callcentre_disclosure.testing.sounds import pause, sentence, tone

pytest.importorskip("numpy")

START = sentence("votre appel est traité depuis le")
MOROCCO = sentence("votre appel est traité depuis le Maroc")
TUNISIA = sentence("votre appel est traité depuis le Tunisie")


def heard(*sounds: array[int], codec: Codec = PCMU) -> Recording:
    """What a caller's recording holds of sounds in a row, through the telephone network."""
    samples = array("h")
    for sound in sounds:
        samples.extend(codec.decode(codec.encode(sound)))
    return Recording(samples)


def test_wav_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    Recording(MOROCCO).save(path)
    assert Recording.load(path).samples == MOROCCO
    assert Recording.load(path).duration == len(MOROCCO) / SAMPLE_RATE


@pytest.mark.parametrize(("extension", "law"), [("ulaw", PCMU), ("alaw", PCMA)])
def test_what_asterisk_finds_under_a_name_is_read(
    tmp_path: Path, extension: str, law: Codec
) -> None:
    (tmp_path / f"sound.{extension}").write_bytes(law.encode(MOROCCO))
    assert Recording.load(tmp_path / "sound") == Recording(law.decode(law.encode(MOROCCO)))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.wav"
    path.write_bytes(b"RIFF")
    with pytest.raises(SoundError, match=r"no\.wav: cannot be read"):
        Recording.load(path)
    with pytest.raises(SoundError, match="nothing to recognise"):
        find(Recording(MOROCCO), Recording(pause(1.0)))


@pytest.mark.parametrize("codec", [PCMU, PCMA], ids=lambda codec: codec.name)
def test_finds_the_whole_sound_where_it_is(codec: Codec) -> None:
    recording = heard(pause(0.7), MOROCCO, tone(1000, 0.5), codec=codec)
    match = find(recording, Recording(MOROCCO))
    assert match is not None
    assert match.complete
    assert match.score > 0.99
    assert match.start == pytest.approx(0.7, abs=0.01)
    assert match.end == pytest.approx(0.7 + len(MOROCCO) / SAMPLE_RATE, abs=0.01)
    assert match.heard == match.length


def test_volume_does_not_matter() -> None:
    quieter = array("h", [sample // 8 for sample in MOROCCO])
    match = find(heard(pause(0.2), quieter), Recording(MOROCCO))
    assert match is not None
    assert match.complete


def test_two_sentences_with_the_same_start_are_told_apart() -> None:
    recording = heard(pause(0.3), MOROCCO)
    match = find(recording, Recording(TUNISIA))
    assert match is not None
    assert not match.complete
    assert match.heard == pytest.approx(len(START) / SAMPLE_RATE, abs=0.2)
    ((start, stop),) = match.missing
    assert start == pytest.approx(len(START) / SAMPLE_RATE, abs=0.2)
    assert stop == pytest.approx(len(TUNISIA) / SAMPLE_RATE, abs=0.05)


def test_one_other_word_in_the_middle_is_noticed() -> None:
    other = sentence("votre appel sera traité depuis le Maroc")
    match = find(heard(pause(0.3), other), Recording(MOROCCO))
    assert match is None or not match.complete


@pytest.mark.parametrize("seconds", [0.4, 1.0, 1.6])
def test_a_cut_sound_says_how_much_was_heard(seconds: float) -> None:
    cut = MOROCCO[: round(seconds * SAMPLE_RATE)]
    match = find(heard(pause(0.5), cut, pause(2.0)), Recording(MOROCCO))
    assert match is not None
    assert not match.complete
    assert match.heard == pytest.approx(seconds, abs=0.2)
    assert match.end == pytest.approx(0.5 + seconds, abs=0.2)


def test_a_sound_without_its_beginning_is_not_complete() -> None:
    match = find(heard(MOROCCO[4000:], pause(1.0)), Recording(MOROCCO))
    assert match is not None
    assert not match.complete
    assert match.missing[0][0] < 0.1
    assert match.start == pytest.approx(0.0, abs=0.15)


def test_the_end_that_the_hangup_took_is_missed() -> None:
    match = find(heard(pause(0.5), MOROCCO[:-4000]), Recording(MOROCCO))
    assert match is not None
    assert not match.complete


def test_another_sound_is_not_found() -> None:
    other = sentence("merci de patienter quelques instants")
    assert find(heard(pause(0.5), other), Recording(MOROCCO)) is None
    assert find(Recording(array("h")), Recording(MOROCCO)) is None


def test_the_complete_one_of_several_and_the_next_one() -> None:
    recording = heard(TUNISIA, pause(0.5), MOROCCO, pause(0.5), MOROCCO)
    match = find(recording, Recording(MOROCCO))
    assert match is not None
    assert match.complete
    again = find(recording, Recording(MOROCCO), after=len(TUNISIA + MOROCCO) / SAMPLE_RATE + 0.5)
    assert again is not None
    assert again.complete
    assert again.start > match.start + 1


def test_lost_packets_do_not_matter() -> None:
    broken = MOROCCO[:8000] + pause(0.02) + MOROCCO[8160:12000] + pause(0.02) + MOROCCO[12160:]
    match = find(heard(pause(0.3), broken), Recording(MOROCCO))
    assert match is not None
    assert match.complete


@pytest.mark.parametrize("stops", [[(0.12, 0.11)], [(0.38, 0.12)], [(2.7, 0.36)], [(1, 0.1)] * 2])
def test_a_sound_that_stood_still_is_whole(stops: list[tuple[float, float]]) -> None:
    """As on a machine that had something else to do for a moment: nothing of it lacks."""
    parts, begin = [pause(0.3)], 0
    for number, (after, seconds) in enumerate(stops, 1):
        end = round(after * number * 50) * 160
        parts += [MOROCCO[begin:end], pause(seconds)]
        begin = end
    match = find(heard(*parts, MOROCCO[begin:], pause(0.2)), Recording(MOROCCO))
    assert match is not None
    assert match.complete
    length = len(MOROCCO) / SAMPLE_RATE + sum(seconds for _, seconds in stops)
    assert (match.start, match.end) == pytest.approx((0.3, 0.3 + length), abs=0.02)


@pytest.mark.parametrize(
    ("between", "rest"),
    [
        pytest.param(pause(0.2), MOROCCO[8640:], id="80 ms lack"),
        pytest.param(pause(0.2), MOROCCO[8000:-4000], id="its end lacks"),
        pytest.param(tone(1000, 0.2), MOROCCO[8000:], id="somebody speaks"),
        pytest.param(pause(0.8), MOROCCO[8000:], id="it is long"),
    ],
)
def test_a_sound_that_was_broken_off_is_not(between: array[int], rest: array[int]) -> None:
    recording = heard(pause(0.3), MOROCCO[:8000], between, rest, pause(0.5))
    match = find(recording, Recording(MOROCCO))
    assert match is not None
    assert not match.complete


def test_a_tone_and_when() -> None:
    recording = heard(pause(0.5), MOROCCO, tone(1000, 0.6), pause(0.3), tone(1000, 0.2))
    length = len(MOROCCO) / SAMPLE_RATE
    (first, second) = find_tone(recording, 1000)
    assert first == pytest.approx((0.5 + length, 1.1 + length), abs=0.03)
    assert second == pytest.approx((1.4 + length, 1.6 + length), abs=0.03)
    assert find_tone(recording, 600) == []


def test_noise_is_no_tone() -> None:
    noise = random.Random(1)
    hiss = array("h", [noise.randrange(-3000, 3000) for _ in range(SAMPLE_RATE)])
    assert find_tone(heard(hiss), 1000) == []
