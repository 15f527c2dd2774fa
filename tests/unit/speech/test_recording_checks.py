"""Each flaw is found, and what a decent office gives is not refused."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.audio import Samples
from callcentre_disclosure.speech.recording_checks import Examined, examine
from callcentre_disclosure.speech.recording_files import Recording
from tests.unit.speech.people import MOROCCO, RATE, noisy, voice


def examined(samples: Samples, *, rate: int = RATE, cut: bool = False) -> Examined:
    return examine(Recording(samples, rate, cut), MOROCCO.text)


def problems(samples: Samples, *, cut: bool = False) -> list[str]:
    return [flaw.problem for flaw in examined(samples, cut=cut).flaws]


def words(samples: Samples) -> Samples:
    """Without the silence before and after."""
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1]]


def vowel(samples: Samples) -> int:
    """The middle of the loudest 60 ms."""
    frame = RATE * 6 // 100
    power = (samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).sum(axis=1)
    return int(power.argmax()) * frame + frame // 2


def peaks_at(samples: Samples, decibels: float) -> Samples:
    scaled: Samples = samples * 10 ** (decibels / 20) / np.abs(samples).max()
    return scaled


def clipped(samples: Samples, decibels: float) -> Samples:
    return np.clip(peaks_at(samples, decibels), -1.0, 1.0)


def as_mp3(samples: Samples) -> Samples:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="MP3")
    file.seek(0)
    decoded: Samples
    decoded, _ = soundfile.read(file)
    return decoded


def reverberant(samples: Samples) -> Samples:
    """In an office: the echo is 5 dB below the voice and fades in 0.4 s."""
    echo = np.random.default_rng(4).normal(size=round(0.4 * RATE)) * 10 ** (
        -3 * np.linspace(0, 1, round(0.4 * RATE))
    )
    echo *= 10 ** (-5 / 20) / np.sqrt(np.sum(echo**2))
    size = 1 << (len(samples) + len(echo)).bit_length()
    spectrum = np.fft.rfft(samples, size) * (1 + np.fft.rfft(echo, size))
    heard: Samples = np.fft.irfft(spectrum, size)[: len(samples)]
    return heard


@pytest.mark.parametrize(
    "made",
    [
        lambda samples: samples,
        words,
        lambda samples: noisy(samples, 25),
        lambda samples: noisy(samples, 21),
        lambda samples: noisy(reverberant(samples), 30),
        lambda samples: peaks_at(samples, 0),
        lambda samples: samples * 0.1,
        lambda samples: samples + 0.2,
        lambda samples: clipped(samples, 0.5),
        lambda samples: as_mp3(peaks_at(samples, 0)),
        lambda samples: np.rint(samples * 127) / 127,
    ],
    ids=[
        "as it is",
        "cut close",
        "25 dB above the noise",
        "21 dB above the noise",
        "in an echoing office",
        "at full scale",
        "faint",
        "with an offset",
        "a hair too loud",
        "MP3",
        "8 bits",
    ],
)
def test_what_a_decent_office_gives_is_fit(made: Callable[[Samples], Samples]) -> None:
    assert problems(made(voice())) == []


@pytest.mark.parametrize("speed", [0.75, 1.2])
def test_slow_and_fast_speakers_are_fit(speed: float) -> None:
    assert problems(voice(MOROCCO, speed)) == []


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_any_rate(rate: int) -> None:
    found = examined(audio.resampled(voice(), RATE, rate), rate=rate)
    assert found.flaws == ()
    assert found.seconds == pytest.approx(examined(voice()).seconds, abs=0.05)


@pytest.mark.parametrize("decibels", [10, 15, 25, 30])
def test_noise_is_measured_to_a_decibel(decibels: int) -> None:
    found = examined(noisy(voice(), decibels))
    assert found.signal_to_noise == pytest.approx(decibels, abs=1)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda samples: samples * 0.02, "is too faint (-63 dBov)"),
        (lambda samples: clipped(samples, 3), "is clipped: "),
        (lambda samples: 0.3 * clipped(samples, 3), "is clipped: "),
        (lambda samples: as_mp3(clipped(samples, 6)), "is clipped: "),
        (lambda samples: noisy(samples, 18), "is noisy: 1"),
        (lambda samples: words(samples)[: len(words(samples)) * 2 // 5], "lasts only 1."),
        (lambda samples: np.tile(samples, 2), "lasts 8."),
        (lambda samples: np.zeros(len(samples)), "nobody speaks in it"),
        (lambda samples: np.full(len(samples), 0.3), "nobody speaks in it"),
        (lambda samples: samples[: vowel(samples)], "ends in the middle of a word"),
        (
            lambda samples: samples[vowel(samples) :],
            "begins in the middle of a word",
        ),
    ],
    ids=[
        "faint",
        "clipped",
        "clipped and turned down",
        "clipped, as MP3",
        "noise",
        "cut short",
        "said twice",
        "silence",
        "offset",
        "stopped too early",
        "started too late",
    ],
)
def test_a_flaw_is_told(made: Callable[[Samples], Samples], problem: str) -> None:
    assert [told for told in problems(made(voice())) if told.startswith(problem)]


def test_a_place_is_told_in_seconds() -> None:
    samples = np.insert(voice(), RATE * 2, np.zeros(RATE * 2))
    told = " ".join(problems(samples))
    assert re.search(r"is silent from (1\.[89]|2\.0) s to 4\.\d s", told)


def test_a_pause_in_a_noisy_room() -> None:
    samples = noisy(np.insert(voice(), RATE * 2, np.zeros(RATE * 2)), 25)
    assert any(problem.startswith("is silent from ") for problem in problems(samples))


def test_a_knock_is_told_with_its_place_and_hides_nothing_else() -> None:
    samples = voice() * 0.1
    samples[RATE * 3] += 1.0
    samples[RATE * 3 + 1] -= 1.0
    (problem,) = problems(samples)
    assert problem == "has a knock or a click at 3.0 s, louder than any voice"


def test_a_file_that_announces_more_than_it_has() -> None:
    assert problems(voice(), cut=True) == ["is cut: the file announces more than there is"]


def test_all_flaws_are_told_at_once() -> None:
    samples = clipped(noisy(words(voice())[: RATE * 6 // 5], 10), 6)
    told = [problem.split(":")[0] for problem in problems(samples)]
    assert told[:2] == ["is clipped", "is noisy"]
    assert any(problem.startswith("lasts only") for problem in told)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Cet appel coûte 0,15 €/min.", 4.5),
        ("قد تتم معالجة مكالمتك في المغرب، يرجى الانتظار.", 4.5),
        ("お電話はモロッコで対応させていただく場合がございます。", 5.0),
    ],
    ids=["figures", "Arabic", "Japanese"],
)
def test_the_length_of_other_scripts_and_figures(text: str, seconds: float) -> None:
    speech = np.tile(words(voice()), 3)[: round(seconds * RATE)]
    told = examine(Recording(np.pad(speech, RATE // 4), RATE), text).flaws
    assert not [flaw for flaw in told if "lasts" in flaw.problem]


@pytest.mark.parametrize("count", [1, 10, 100, 500, 3000])
@pytest.mark.parametrize("loudness", [1e-5, 1e-4, 1e-3, 1.0])
def test_a_scrap_of_sound_is_never_fit(count: int, loudness: float) -> None:
    noise = np.random.default_rng(count).normal(size=count) * loudness
    assert problems(np.clip(noise, -1, 1))
