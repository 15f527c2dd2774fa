"""Each format carries the sound, has the size that is expected, and shows that it was cut."""

from __future__ import annotations

import io
import subprocess
import sys
import wave

import numpy as np
import pytest

from callcentre_disclosure.config.manifest import SoundFormat
from callcentre_disclosure.speech import audio, formats
from callcentre_disclosure.speech.audio import Samples
from callcentre_disclosure.speech.formats import MalformedError

WAV, GSM, SLN16, ULAW, G722 = (
    SoundFormat.WAV,
    SoundFormat.GSM,
    SoundFormat.SLN16,
    SoundFormat.ULAW,
    SoundFormat.G722,
)


def syllables(rate: int, seconds: float = 1.0) -> Samples:
    time = np.arange(round(seconds * rate)) / rate
    spoken: Samples = np.sin(2 * np.pi * 4 * time) ** 2 * np.sin(2 * np.pi * 700 * time)
    return spoken


@pytest.mark.parametrize("fmt", SoundFormat)
@pytest.mark.parametrize("seconds", [0.02, 0.5, 1.0, 1.13625])
def test_the_size_follows_from_the_duration(fmt: SoundFormat, seconds: float) -> None:
    data = formats.encoded(syllables(formats.rate(fmt), seconds), fmt)
    assert len(data) == formats.size(seconds, fmt)


@pytest.mark.parametrize("fmt", SoundFormat)
def test_what_is_encoded_is_heard(fmt: SoundFormat) -> None:
    rate = formats.rate(fmt)
    sound = audio.to_telephone(syllables(rate), rate, out_rate=rate)
    heard = formats.decoded(formats.encoded(sound, fmt), fmt)
    assert audio.level(heard, rate) == pytest.approx(audio.LEVEL, abs=0.5)
    assert audio.peak(heard) <= audio.PEAK + formats.overshoot(fmt)
    likeness = np.correlate(np.pad(heard, (0, 100)), sound).max()  # G.722 comes 22 samples late
    assert likeness > 0.98 * np.linalg.norm(sound) * np.linalg.norm(heard)


@pytest.mark.parametrize("fmt", SoundFormat)
def test_without_bytes_it_is_empty(fmt: SoundFormat) -> None:
    with pytest.raises(MalformedError) as malformed:
        formats.decoded(b"", fmt)
    assert malformed.value.kind == "empty"


@pytest.mark.parametrize(("fmt", "gone"), [(WAV, 7), (WAV, 16020), (SLN16, 1), (GSM, 20)])
def test_what_was_cut_is_truncated(fmt: SoundFormat, gone: int) -> None:
    data = formats.encoded(syllables(formats.rate(fmt)), fmt)
    with pytest.raises(MalformedError) as malformed:
        formats.decoded(data[:-gone], fmt)
    assert malformed.value.kind == "truncated"


def test_bytes_of_another_format_are_no_gsm() -> None:
    with pytest.raises(MalformedError, match="is not GSM"):
        formats.decoded(bytes(33 * 50), GSM)


def test_a_wav_is_what_asterisk_plays() -> None:
    samples = syllables(8000) / 2
    with wave.open(io.BytesIO(formats.encoded(samples, WAV))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        again = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    assert np.abs(again - samples).max() <= 0.5 / 32768


@pytest.mark.parametrize("fmt", [WAV, SLN16])
def test_too_loud_never_wraps_around(fmt: SoundFormat) -> None:
    assert formats.encoded(np.array([1.5, -1.5]), fmt)[-4:] == b"\xff\x7f\x00\x80"


@pytest.mark.parametrize(("package", "fmt"), [("soundfile", "gsm"), ("G722", "g722")])
def test_a_missing_library_says_what_to_install(package: str, fmt: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "import numpy\n"
        "from callcentre_disclosure.errors import SoundError\n"
        "from callcentre_disclosure.speech.formats import encoded, SoundFormat\n"
        f"try:\n    encoded(numpy.zeros(320), SoundFormat({fmt!r}))\n"
        "except SoundError as error:\n    sys.stdout.write(error.explain())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert told == f"{package} is not installed; pip install 'callcentre-disclosure[speech]'"
