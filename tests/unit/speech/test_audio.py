"""What a caller hears of a signal, and how loud."""

from __future__ import annotations

import subprocess
import sys
from math import exp, log10

import numpy as np
import pytest

from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.audio import Samples


def tone(hertz: float, seconds: float = 1.0, rate: int = 16000, loudness: float = 0.5) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    wave_form: Samples = loudness * np.sin(2 * np.pi * hertz * time)
    return wave_form


def babble(seconds: float = 4.0, rate: int = 8000) -> Samples:
    """Noise in syllables with a pause in the middle: to a level meter, speech."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(56).normal(0.0, 0.1, len(time))
    syllables = np.sin(2 * np.pi * 2 * time) ** 2
    syllables[len(time) // 3 : len(time) // 2] = 0.0
    speech: Samples = noise * syllables
    return speech


def strength(samples: Samples, hertz: float, rate: int = 8000) -> float:
    """Amplitude of one frequency in dBFS, away from the ends."""
    middle = samples[len(samples) // 8 : -len(samples) // 8] * 1.0
    window = np.hanning(len(middle))
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / rate)
    return 20 * log10(2 * abs(np.dot(middle * window, turning)) / window.sum() + 1e-12)


def p56(samples: Samples, rate: int) -> float:
    """ITU-T P.56 method B word by word, one sample after the other."""
    g = exp(-1 / (rate * 0.03))
    hangover = round(rate * 0.2)
    thresholds = [2.0**-bits for bits in range(15, 0, -1)]
    active, hanging = [0] * 15, [hangover] * 15
    p = q = square = 0.0
    for x in samples.tolist():
        square += x * x
        p = g * p + (1 - g) * abs(x)
        q = g * q + (1 - g) * p
        for j, threshold in enumerate(thresholds):
            if q >= threshold:
                active[j] += 1
                hanging[j] = 0
            elif hanging[j] < hangover:
                active[j] += 1
                hanging[j] += 1
    levels = [10 * log10(square / count) if count else None for count in active]
    below: tuple[float, float] = (0.0, 0.0)
    for level, threshold in zip(levels, thresholds, strict=True):
        assert level is not None
        distance = level - 20 * log10(threshold)
        if distance <= 15.9:
            share = (below[1] - 15.9) / (below[1] - distance)
            return below[0] + share * (level - below[0])
        below = level, distance
    raise AssertionError("no threshold fits")


class TestLevel:
    def test_a_full_scale_sine_is_3_db_below_overload(self) -> None:
        assert audio.level(tone(1000, 5, 8000, 1.0)) == pytest.approx(-3.01, abs=0.1)

    def test_pauses_do_not_count(self) -> None:
        speech = tone(1000, 2, 8000, 0.1)
        with_pause = np.concatenate([speech, np.zeros(40000), speech])
        assert audio.level(with_pause) == pytest.approx(-23.01, abs=0.6)  # 0.2 s hang over

    @pytest.mark.parametrize("gain", [-40.0, -26.0, -12.5, 0.0])
    @pytest.mark.parametrize("rate", [8000, 16000])
    def test_agrees_with_the_recommendation_taken_literally(self, gain: float, rate: int) -> None:
        speech = babble(2.0, rate) * 10 ** (gain / 20)
        assert audio.level(speech, rate) == pytest.approx(p56(speech, rate), abs=1e-6)

    def test_is_above_the_average_of_a_signal_with_pauses(self) -> None:
        speech = babble()
        average = 10 * log10(float(np.mean(speech**2)))
        assert average + 0.5 < audio.level(speech) < average + 6

    @pytest.mark.parametrize(
        "signal", [np.zeros(0), np.zeros(8000), np.full(8000, 1e-6), np.full(8000, 1e-4)]
    )
    def test_silence_has_none(self, signal: Samples) -> None:
        with pytest.raises(SoundError, match="no speech"):
            audio.level(signal)

    def test_a_click_has_none(self) -> None:
        click = np.zeros(8000)
        click[4000] = 1.0
        with pytest.raises(SoundError, match="no speech"):
            audio.level(click)


class TestToTelephone:
    @pytest.mark.parametrize("gain", [-40, -20, 0, 10])
    def test_any_loudness_becomes_the_same(self, gain: int) -> None:
        heard = audio.to_telephone(babble() * 10 ** (gain / 20), 8000)
        assert audio.level(heard) == pytest.approx(audio.LEVEL, abs=0.2)
        assert audio.peak(heard) <= audio.PEAK

    def test_high_peaks_are_limited_and_the_level_kept(self) -> None:
        speech = babble() * 0.1
        speech[2000::800] *= 40.0
        assert audio.peak(speech) - audio.level(speech) > audio.PEAK - audio.LEVEL
        heard = audio.to_telephone(speech, 8000)
        assert audio.peak(heard) <= audio.PEAK
        assert audio.level(heard) == pytest.approx(audio.LEVEL, abs=0.2)

    @pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 44100, 48000])
    def test_any_rate_keeps_the_pitch_and_the_duration(self, rate: int) -> None:
        heard = audio.to_telephone(tone(1000, 2.0, rate), rate)
        assert len(heard) / 8000 == pytest.approx(2.0 + 2 * audio.MARGIN, abs=0.04)
        assert strength(heard, 1000) > strength(heard, 1500) + 50

    def test_what_a_telephone_cannot_carry_does_not_fold_back(self) -> None:
        heard = audio.to_telephone(tone(1000, rate=22050) + tone(6000, rate=22050), 22050)
        assert strength(heard, 2000) < strength(heard, 1000) - 60

    def test_a_tone_above_the_telephone_is_silence(self) -> None:
        with pytest.raises(SoundError, match="no speech"):
            audio.to_telephone(tone(6000), 16000)

    @pytest.mark.parametrize("hum", [0, 50, 100, 150])
    def test_hum_and_offset_are_gone(self, hum: int) -> None:
        noise = np.full(16000, 0.5) if hum == 0 else tone(hum)
        heard = audio.to_telephone(tone(1000) + noise, 16000)
        assert strength(heard, hum) < strength(heard, 1000) - 40

    @pytest.mark.parametrize("hertz", [400, 3300])
    def test_the_telephone_band_stays(self, hertz: int) -> None:
        heard = audio.to_telephone(tone(1000) + tone(hertz), 16000)
        assert strength(heard, hertz) == pytest.approx(strength(heard, 1000), abs=0.5)

    @pytest.mark.parametrize("silence", [0.0, 0.02, 0.05, 1.0])
    def test_50_ms_are_left_before_and_after(self, silence: float) -> None:
        quiet = np.random.default_rng(1).normal(0, 1e-4, round(16000 * silence))
        heard = audio.to_telephone(np.concatenate([quiet, tone(1000, 0.5), quiet]), 16000)
        loud = np.flatnonzero(np.abs(heard) > 0.02)
        assert loud[0] / 8000 == pytest.approx(audio.MARGIN, abs=0.02)
        assert (len(heard) - loud[-1]) / 8000 == pytest.approx(audio.MARGIN, abs=0.02)

    def test_ends_in_silence_without_a_click(self) -> None:
        heard = audio.to_telephone(babble(), 8000)
        assert max(abs(heard[0]), abs(heard[-1])) < 1e-9

    def test_two_channels_become_one(self) -> None:
        heard = audio.to_telephone(np.stack([tone(1000), tone(700)], axis=1), 16000)
        assert heard.ndim == 1
        assert strength(heard, 700) == pytest.approx(strength(heard, 1000), abs=0.5)

    @pytest.mark.parametrize(
        "signal", [np.zeros(0), np.zeros(16000), np.full(16000, 0.3), np.full(16000, np.nan)]
    )
    def test_no_speech_is_an_error(self, signal: Samples) -> None:
        with pytest.raises(SoundError, match="no speech"):
            audio.to_telephone(signal, 16000)

    def test_single_clicks_stay_below_the_level_rather_than_above_the_peak(self) -> None:
        clicks = np.zeros(16000)
        clicks[4000::40] = 1.0
        assert audio.peak(audio.to_telephone(clicks, 8000)) <= audio.PEAK


def room(seconds: float, loudness: float, rate: int = 16000, colour: float = 0.0) -> Samples:
    """The noise of a room: white, or fainter towards high frequencies by a power of them."""
    count = round(seconds * rate)
    spectrum = np.fft.rfft(np.random.default_rng(50).normal(size=count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** colour
    noise: Samples = np.fft.irfft(spectrum, count)
    heard = audio.high_passed(noise, rate)
    return noise * loudness / float(np.sqrt(np.mean(heard**2)))


class TestRecordings:
    """A person in a room: what is trimmed is the room, not the person."""

    @pytest.mark.parametrize("below", [30, 40, 50, 60])
    @pytest.mark.parametrize("colour", [0.0, 0.5], ids=["white", "pink"])
    @pytest.mark.parametrize("around", [1.0, 3.0])
    def test_noise_at_the_ends_is_no_speech(
        self, below: float, colour: float, around: float
    ) -> None:
        silence = np.zeros(round(around * 16000))
        spoken = np.concatenate([silence, babble(3.0, 16000), silence])
        loudest = max(np.mean(frame**2) for frame in np.split(spoken, len(spoken) // 80)) ** 0.5
        noise = room(len(spoken) / 16000, loudest * 10 ** (-below / 20), colour=colour)
        heard = audio.to_telephone(spoken + noise, 16000)
        assert 2.5 < len(heard) / 8000 < 3.3

    @pytest.mark.parametrize("wait", [0.4, 0.8])
    def test_a_faint_click_long_after_the_last_word_is_none(self, wait: float) -> None:
        """Pico makes one 0.7 s after « Marocco. »: the bridge would wait for it."""
        click = np.zeros(round(wait * 16000))
        click[-40:] = tone(1000, 0.0025, loudness=0.01)
        heard = audio.to_telephone(np.concatenate([tone(1000, 1.0), click]), 16000)
        assert len(heard) / 8000 == pytest.approx(1.0 + 2 * audio.MARGIN, abs=0.02)

    def test_a_faint_last_consonant_is_kept(self) -> None:
        """« Maroc »: the k comes 0.1 s after the vowel, and 35 dB below it."""
        silence, last = np.zeros(1600), tone(2000, 0.02, loudness=0.5 * 10 ** (-35 / 20))
        spoken = np.concatenate([tone(1000, 1.0), silence, last])
        heard = audio.to_telephone(spoken, 16000)
        assert len(heard) / 8000 == pytest.approx(1.12 + 2 * audio.MARGIN, abs=0.02)


class TestVersions:
    @pytest.mark.parametrize("level", [-36.0, -26.0, -22.0, -16.0])
    def test_each_is_at_the_level_below_the_peak_and_as_long_as_the_other(
        self, level: float
    ) -> None:
        spoken = audio.versions(babble(3.0, 24000), 24000, {8000, 16000}, level)
        for rate, samples in spoken.items():
            assert audio.level(samples, rate) == pytest.approx(level, abs=0.5)
            assert audio.peak(samples) <= audio.PEAK
        assert 2 * len(spoken[8000]) == len(spoken[16000])

    def test_only_the_wide_one_carries_what_a_telephone_does_not(self) -> None:
        spoken = audio.versions(tone(1000) + tone(6000), 16000, {8000, 16000})
        assert strength(spoken[16000], 6000, 16000) > strength(spoken[16000], 1000, 16000) - 1
        assert strength(spoken[8000], 2000) < strength(spoken[8000], 1000) - 60

    def test_one_alone_is_what_reaches_the_telephone(self) -> None:
        alone = audio.versions(babble(), 8000, [16000])[16000]
        assert np.array_equal(alone, audio.to_telephone(babble(), 8000, out_rate=16000))

    @pytest.mark.parametrize("rate", [8000, 16000])
    def test_hum_is_gone_at_any_rate(self, rate: int) -> None:
        heard = audio.to_telephone(tone(1000) + tone(100), 16000, out_rate=rate)
        assert strength(heard, 100, rate) < strength(heard, 1000, rate) - 40

    @pytest.mark.parametrize("rate", [8000, 16000])
    def test_50_ms_are_left_at_any_rate(self, rate: int) -> None:
        heard = audio.to_telephone(np.pad(tone(1000, 0.5), 16000), 16000, out_rate=rate)
        loud = np.flatnonzero(np.abs(heard) > 0.02)
        assert loud[0] / rate == pytest.approx(audio.MARGIN, abs=0.02)
        assert (len(heard) - loud[-1]) / rate == pytest.approx(audio.MARGIN, abs=0.02)


@pytest.mark.parametrize("package", ["numpy", "soxr"])
def test_without_the_extra_the_error_says_what_to_install(package: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from callcentre_disclosure.errors import SoundError\n"
        "try:\n    from callcentre_disclosure.speech import audio\n"
        "except SoundError as error:\n    sys.stdout.write(error.explain())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert told == f"{package} is not installed; pip install 'callcentre-disclosure[speech]'"
