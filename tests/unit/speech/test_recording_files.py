"""Whatever people record is read, and what cannot be read says why."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import recording_files
from callcentre_disclosure.speech.recording_files import read
from tests.unit.speech.people import RATE, save, voice


def ffmpeg(*arguments: str | Path) -> None:
    program = import_module("imageio_ffmpeg").get_ffmpeg_exe()
    subprocess.run([program, "-loglevel", "error", *arguments], check=True)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """How alike two sounds are, wherever the other begins: 1 is the same."""
    size = 1 << (len(one) + len(other)).bit_length()
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(product.max() / (np.linalg.norm(one) * np.linalg.norm(other)))


@pytest.mark.parametrize("extension", ["wav", "aiff", "flac", "ogg", "mp3"])
def test_what_soundfile_reads(tmp_path: Path, extension: str) -> None:
    recording = read(save(tmp_path / f"a.{extension}", voice()))
    assert recording.rate == RATE
    assert not recording.cut
    assert likeness(recording.samples, voice()) > 0.98


@pytest.mark.parametrize("extension", ["m4a", "aac", "wma"])
def test_what_it_cannot_read_is_decoded_by_ffmpeg(tmp_path: Path, extension: str) -> None:
    wav, file = save(tmp_path / "a.wav", voice()), tmp_path / f"a.{extension}"
    ffmpeg("-i", wav, file)
    recording = read(file)
    assert recording.rate == RATE
    assert likeness(recording.samples, voice()) > 0.98


def test_ffmpeg_is_found_on_the_path_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.m4a"
    ffmpeg("-i", save(tmp_path / "a.wav", voice()), file)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ffmpeg").symlink_to(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert read(file).rate == RATE


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("pydub", "and pydub, which reads m4a and others, is not installed; pip install"),
        ("imageio_ffmpeg", "and ffmpeg, which reads m4a and others, is not installed; apt install"),
    ],
)
def test_without_pydub_or_ffmpeg_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, told: str
) -> None:
    file = tmp_path / "a.m4a"
    ffmpeg("-i", save(tmp_path / "a.wav", voice()), file)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SoundError, match="is no WAV, AIFF, FLAC, Ogg or MP3, ") as problem:
        read(file)
    assert told in str(problem.value)


@pytest.mark.parametrize("extension", ["wav", "aiff", "ogg", "mp3"])
def test_a_cut_file_is_told(tmp_path: Path, extension: str) -> None:
    file = save(tmp_path / f"a.{extension}", voice())
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    assert read(file).cut


def test_a_header_written_before_the_sound_is_no_cut(tmp_path: Path) -> None:
    """As ffmpeg writes to a pipe: it cannot go back to fill in the sizes."""
    file = save(tmp_path / "a.wav", voice())
    data = bytearray(file.read_bytes())
    place = data.index(b"data") + 4
    data[4:8] = data[place : place + 4] = b"\xff" * 4
    file.write_bytes(data)
    assert not read(file).cut


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.wav", b"", "has no bytes"),
        ("a.wav", b"not a sound at all", "holds no sound that can be read"),
        ("a.mp3", b"\0" * 500, "holds no sound that can be read"),
        ("a.m4a", b"\0\0\0\x20ftypM4A cut within its first box", "holds no sound"),
    ],
)
def test_what_is_no_sound(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SoundError, match=told):
        read(tmp_path / name)


def test_a_damaged_flac(tmp_path: Path) -> None:
    file = save(tmp_path / "a.flac", voice())
    file.write_bytes(file.read_bytes()[:20000])
    with pytest.raises(SoundError, match="is damaged, or cut"):
        read(file)


def test_a_file_without_samples(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="holds no sound"):
        read(save(tmp_path / "a.wav", np.zeros(0)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="cannot be read: No such file"):
        read(tmp_path / "none.wav")


def test_an_hour_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_files, "LONGEST", 2.0)
    with pytest.raises(SoundError, match=r"lasts . s, and an announcement less than 2 s"):
        read(save(tmp_path / "a.wav", voice()))


@pytest.mark.parametrize(
    "other",
    [lambda samples: -samples, lambda samples: samples * 0, lambda samples: samples * 0.1],
    ids=["the wrong way round", "silent", "far away"],
)
def test_the_louder_of_two_channels_is_taken(tmp_path: Path, other: object) -> None:
    assert callable(other)
    both = np.stack([other(voice()), voice()], axis=1)
    samples = read(save(tmp_path / "a.wav", both)).samples
    assert np.abs(samples).max() == pytest.approx(np.abs(voice()).max(), rel=0.01)


def test_a_voice_message(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.opus", voice(), RATE, format="OGG", subtype="OPUS")
    assert not read(tmp_path / "a.opus").cut


def test_a_telephone_recording(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", voice()[::2], 8000, subtype="ALAW")
    assert read(tmp_path / "a.wav").rate == 8000


def test_a_studio_may_go_beyond_full_scale(tmp_path: Path) -> None:
    loud = voice() * 20
    assert np.abs(loud).max() > 1
    soundfile.write(tmp_path / "a.wav", loud, RATE, subtype="FLOAT")
    samples = read(tmp_path / "a.wav").samples
    assert np.abs(samples).max() == 1.0
    assert likeness(samples, loud) > 0.9999


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(8000, np.nan), RATE, subtype="FLOAT")
    with pytest.raises(SoundError, match="holds samples that are no numbers"):
        read(tmp_path / "a.wav")
