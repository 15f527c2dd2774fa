"""What the telephones of the benchmarks recognise, and what they take for a fault."""

from __future__ import annotations

import pytest

from benchmarks.ears import OTHER, Ear, Frame, spoken
from benchmarks.judging import described, too_early
from callcentre_disclosure.testing.g711 import PCMU
from callcentre_disclosure.testing.rtp import FRAME
from callcentre_disclosure.testing.sounds import pause, tone

MAROC, TUNISIE = "fr/answered-ma", "fr/answered-tn"
TELLS = {"201": MAROC, "301": TUNISIE, "1000 Hz": MAROC, "1400 Hz": TUNISIE}
LENGTH = 5


@pytest.fixture(scope="module")
def ear() -> Ear:
    ear = Ear()
    for name in (MAROC, TUNISIE):
        ear.learn(name, spoken(name, LENGTH))
    ear.learn_voice("201", 1000, 0)
    ear.learn_voice("301", 1400, 1)
    return ear


def heard(*parts: tuple[str, range]) -> list[tuple[float, Frame]]:
    frames = [Frame(name, number) for name, numbers in parts for number in numbers]
    return [(100.0 + 0.02 * index, frame) for index, frame in enumerate(frames)]


def said(name: str, numbers: range = range(LENGTH)) -> tuple[str, range]:
    return name, numbers


def test_every_packet_of_a_sound_is_known_by_itself(ear: Ear) -> None:
    payload = PCMU.encode(spoken(MAROC, LENGTH))
    packets = [payload[start : start + FRAME] for start in range(0, len(payload), FRAME)]
    assert [ear.heard(packet) for packet in packets] == [Frame(MAROC, n) for n in range(LENGTH)]


def test_asterisk_changes_nothing_of_a_sound() -> None:
    samples = spoken(MAROC, LENGTH)
    assert PCMU.decode(PCMU.encode(samples)) == samples
    assert 0 not in samples  # which has two bytes


def test_each_agent_has_a_voice_of_their_own() -> None:
    ear = Ear()
    voices = {str(number): ear.learn_voice(str(number), 1000, number) for number in range(400)}
    assert {name: ear.heard(voice) for name, voice in voices.items()} == {
        name: Frame(name) for name in voices
    }


def test_a_voice_is_known_by_its_tone_where_its_packet_was_changed(ear: Ear) -> None:
    assert ear.heard(PCMU.encode(sample // 2 for sample in tone(1400, 0.02))) == Frame("1400 Hz")


def test_what_else_is_heard(ear: Ear) -> None:
    assert ear.heard(PCMU.encode(pause(0.02))) is None
    assert ear.heard(PCMU.encode(tone(440, 0.02))) == Frame(OTHER)


@pytest.mark.parametrize(
    "parts",
    [
        [said(MAROC), said("201", range(3))],
        [said("other", range(2)), said(TUNISIE), said("other", range(1)), said("301", range(3))],
        [said(MAROC), said(TUNISIE), said("201", range(2)), said("301", range(2))],
        [said(MAROC, range(3)), said(MAROC), said("201", range(1))],
        [said(MAROC, range(3))],
        [],
    ],
)
def test_who_was_told_before(ear: Ear, parts: list[tuple[str, range]]) -> None:
    assert too_early(heard(*parts), TELLS, ear) is None


@pytest.mark.parametrize(
    "parts",
    [
        [said("201", range(1)), said(MAROC)],
        [said(TUNISIE), said("201", range(1))],
        [said(MAROC, range(1, 5)), said("201", range(1))],
        [said(MAROC, range(4)), said("201", range(1))],
        [said(MAROC, range(4)), said(MAROC, range(4)), said("1000 Hz", range(1))],
        [said(MAROC, range(2)), said(MAROC, range(3, 5)), said("201", range(1))],
        [said(MAROC), said("201", range(2)), said("301", range(1))],
    ],
)
def test_who_was_not(ear: Ear, parts: list[tuple[str, range]]) -> None:
    assert too_early(heard(*parts), TELLS, ear) is not None


def test_a_packet_that_the_telephone_lost_is_nobodys_fault(ear: Ear) -> None:
    parts = said(MAROC, range(2)), said(MAROC, range(3, 5)), said("201", range(1))
    assert too_early(heard(*parts), TELLS, ear, lost=1) is None


def test_described() -> None:
    assert described(heard(said(MAROC, range(3)), said("201", range(2))), 99.9) == (
        "fr/answered-ma*3@100-140 201*2@160-180"
    )
