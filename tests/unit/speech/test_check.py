"""Every defect of a sound is found, and said once."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from callcentre_disclosure.config.manifest import (
    ManifestEntry,
    SoundFormat,
    read_manifest,
    sound_file,
    write_manifest,
)
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import defects, formats
from callcentre_disclosure.speech.audio import Samples
from callcentre_disclosure.speech.check import Defect, SoundFinding, check
from callcentre_disclosure.speech.store import digest
from tests.unit.speech.tones import LEVEL, made, many, saying

WAV, SLN16, ULAW, ALAW, GSM, G722 = (
    SoundFormat.WAV,
    SoundFormat.SLN16,
    SoundFormat.ULAW,
    SoundFormat.ALAW,
    SoundFormat.GSM,
    SoundFormat.G722,
)
Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sounds"


def found(
    wanted: list[Announcement], folder: Path, *wanted_formats: SoundFormat, level: float = LEVEL
) -> list[SoundFinding]:
    return check(wanted, {folder: wanted_formats}, level=level)


def shape(rate: int, width: int, channels: int) -> Damage:
    def write(file: Path) -> None:
        with wave.open(str(file), "wb") as out:
            out.setparams((channels, width, rate, 0, "NONE", ""))
            out.writeframes(b"\1" * width * channels * rate)

    return write


def again(change: Callable[[bytes], bytes]) -> Damage:
    def write(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return write


def sounding(change: Callable[[Samples], Samples], fmt: SoundFormat = WAV) -> Damage:
    return again(lambda data: formats.encoded(change(formats.decoded(data, fmt)), fmt))


def louder(decibels: float, fmt: SoundFormat = WAV) -> Damage:
    return sounding(lambda samples: samples * 10 ** (decibels / 20), fmt)


def spiked(samples: Samples) -> Samples:
    samples[len(samples) // 2] = 0.9
    return samples


def claimed(folder: Path, name: str) -> None:
    """Have the manifest say that the files are right, whatever they are."""
    sounds = read_manifest(folder)
    files = {e: digest(sound_file(folder, name, e).read_bytes()) for e in sounds[name].files}
    write_manifest(folder, {**sounds, name: replace(sounds[name], files=files)})


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(Path.unlink, {Defect.MISSING}, id="deleted"),
        pytest.param(again(lambda _: b""), {Defect.EMPTY}, id="no bytes"),
        pytest.param(again(lambda data: data[:20]), {Defect.TRUNCATED}, id="header"),
        pytest.param(again(lambda data: data[:-7]), {Defect.TRUNCATED}, id="cut"),
        pytest.param(again(lambda _: b"ID3" + b"\0" * 99), {Defect.FORMAT}, id="mp3"),
        pytest.param(shape(16000, 2, 1), {Defect.FORMAT}, id="16 kHz"),
        pytest.param(shape(8000, 1, 1), {Defect.FORMAT}, id="8 bits"),
        pytest.param(shape(8000, 2, 2), {Defect.FORMAT}, id="stereo"),
        pytest.param(sounding(lambda _: np.zeros(0)), {Defect.EMPTY}, id="no samples"),
        pytest.param(sounding(lambda s: s[:-800]), {Defect.TRUNCATED}, id="shorter"),
        pytest.param(sounding(lambda s: 0 * s), {Defect.EMPTY, Defect.CHANGED}, id="silence"),
        pytest.param(louder(-0.2), {Defect.CHANGED}, id="other bytes"),
        pytest.param(louder(1.5), {Defect.CHANGED, Defect.LEVEL}, id="loud"),
        pytest.param(louder(-1.5), {Defect.CHANGED, Defect.LEVEL}, id="faint"),
        pytest.param(sounding(spiked), {Defect.CHANGED, Defect.PEAK}, id="peak"),
    ],
)
def test_finds_what_happened_to_a_file(folder: Path, damage: Damage, expected: set[Defect]) -> None:
    made(many(2), folder)
    file = folder / "fr/sentence-0.wav"
    damage(file)
    findings = found(many(2), folder)
    assert {finding.defect for finding in findings} == expected
    assert {finding.file for finding in findings} == {str(file)}
    assert {finding.sound_names for finding in findings} == {("fr/sentence-0",)}
    assert all(f.problem and f.remedy and str(file) in str(f) for f in findings)


@pytest.mark.parametrize("fmt", [SLN16, ULAW, ALAW, GSM, G722])
@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(lambda _: again(lambda _: b""), {Defect.EMPTY}, id="no bytes"),
        pytest.param(lambda _: again(lambda d: d[:-330]), {Defect.TRUNCATED}, id="cut"),
        pytest.param(lambda fmt: louder(2, fmt), {Defect.CHANGED, Defect.LEVEL}, id="loud"),
        pytest.param(lambda fmt: louder(-2, fmt), {Defect.CHANGED, Defect.LEVEL}, id="faint"),
    ],
)
def test_finds_it_in_a_file_without_a_header(
    folder: Path,
    fmt: SoundFormat,
    damage: Callable[[SoundFormat], Damage],
    expected: set[Defect],
) -> None:
    made(many(2), folder, WAV, fmt)
    file = sound_file(folder, "fr/sentence-0", fmt.value)
    damage(fmt)(file)
    findings = found(many(2), folder, WAV, fmt)
    assert {finding.defect for finding in findings} == expected
    assert {finding.file for finding in findings} == {str(file)}


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (louder(-6), Defect.LEVEL),
        (louder(6), Defect.LEVEL),
        (sounding(spiked), Defect.PEAK),
    ],
)
def test_finds_a_bad_sound_whose_hash_is_right(
    folder: Path, damage: Damage, expected: Defect
) -> None:
    made([saying("hello")], folder)
    damage(folder / "fr/hello.wav")
    claimed(folder, "fr/hello")
    assert [finding.defect for finding in found([saying("hello")], folder)] == [expected]


def test_clipping_is_said(folder: Path) -> None:
    made([saying("hello")], folder)
    sounding(lambda samples: np.clip(samples * 20, -1, 1))(folder / "fr/hello.wav")
    problems = " ".join(finding.problem for finding in found([saying("hello")], folder))
    assert "is clipped: it reaches 0.0 dBFS" in problems


def test_two_sounds_that_were_swapped_are_told_by_name(folder: Path) -> None:
    made(many(2), folder)
    one, other = folder / "fr/sentence-0.wav", folder / "fr/sentence-1.wav"
    bytes_of_one = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(bytes_of_one)
    assert [(f.defect, f.problem) for f in found(many(2), folder)] == [
        (Defect.CHANGED, "is the sound of fr/sentence-1"),
        (Defect.CHANGED, "is the sound of fr/sentence-0"),
    ]


def test_finds_another_text(folder: Path) -> None:
    made([saying("hello")], folder)
    (finding,) = found([saying("bye")], folder)
    assert finding.defect is Defect.TEXT


def test_the_level_is_the_one_that_was_asked_for(folder: Path) -> None:
    made([saying("hello")], folder, level=-26.0)
    assert found([saying("hello")], folder, level=-26.0) == []
    (finding,) = found([saying("hello")], folder)
    assert finding.problem == "speaks at -26.0 dBov instead of -22 ± 1 dBov"


def test_a_format_that_was_not_made_is_missing(folder: Path) -> None:
    made([saying("hello")], folder, WAV)
    (finding,) = found([saying("hello")], folder, WAV, SLN16)
    assert (finding.defect, finding.file) == (Defect.INCOMPLETE, str(folder / "fr/hello.sln16"))


@pytest.mark.parametrize("recorded", [False, True])
def test_a_recording_is_to_be_imported_again(folder: Path, recorded: bool) -> None:
    made([saying("hello")], folder)
    entry = read_manifest(folder)["fr/hello"]
    write_manifest(folder, {"fr/hello": replace(entry, recorded=recorded)})
    again(lambda data: data[:-100])(folder / "fr/hello.wav")
    (finding,) = found([saying("hello")], folder)
    assert ("import the recording again" in finding.remedy) is recorded


class TestRights:
    def test_a_file_that_only_its_owner_reads(self, folder: Path) -> None:
        made(many(2), folder)
        (folder / "fr/sentence-1.wav").chmod(0o600)
        (finding,) = found(many(2), folder)
        assert finding.defect is Defect.UNREADABLE
        assert finding.file == str(folder / "fr/sentence-1.wav")

    def test_a_file_that_cannot_be_read(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def denied(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        made([saying("hello")], folder)
        monkeypatch.setattr(Path, "read_bytes", denied)
        monkeypatch.setattr(
            "callcentre_disclosure.speech.check.read_manifest", lambda _: MANIFEST_OF_HELLO
        )
        (finding,) = found([saying("hello")], folder)
        assert finding.defect is Defect.UNREADABLE
        assert "cannot be read: Permission denied" in str(finding)

    @pytest.mark.parametrize("closed", ["", "fr"])
    def test_a_folder_that_cannot_be_entered_is_one_finding(
        self, folder: Path, closed: str
    ) -> None:
        wanted = [*many(3), saying("bye", "en/bye"), saying("hi", "en/hi")]
        made(wanted, folder)
        (folder / closed).chmod(0o700)
        (finding,) = found(wanted, folder)
        assert (finding.defect, finding.file) == (Defect.UNREADABLE, str(folder / closed))
        assert len(finding.sound_names) == (3 if closed else 5)

    def test_what_belongs_to_asterisk_need_not_be_open_to_others(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made([saying("hello")], folder)
        file = folder / "fr/hello.wav"
        file.chmod(0o640)
        assert not defects.is_open(file)
        monkeypatch.setattr(defects, "ASTERISK", file.group())
        assert defects.is_open(file)
        file.chmod(0o400)
        monkeypatch.setattr(defects, "ASTERISK", file.owner())
        assert defects.is_open(file)
        file.chmod(0o000)
        assert not defects.is_open(file)

    def test_an_owner_without_a_name_is_not_asterisk(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made([saying("hello")], folder)

        def unknown(self: Path) -> str:
            raise KeyError("uid not found: 4711")

        monkeypatch.setattr(Path, "group", unknown)
        (folder / "fr/hello.wav").chmod(0o640)
        assert not defects.is_open(folder / "fr/hello.wav")


MANIFEST_OF_HELLO = {"fr/hello": ManifestEntry("hello", {"wav": ""}, 1.0, LEVEL, "tones 1.0")}


class TestMissing:
    def test_a_sound_that_no_manifest_names(self, folder: Path) -> None:
        made(many(2), folder)
        sounds = read_manifest(folder)
        del sounds["fr/sentence-0"]
        write_manifest(folder, sounds)
        findings = check(many(2), {folder: [WAV], folder / "none": []}, level=LEVEL)
        assert [f.defect for f in findings] == [Defect.MISSING]
        assert findings[0].file == str(folder / "fr/sentence-0")

    @pytest.mark.parametrize("unnamed", [False, True])
    def test_a_language_without_any_sound_is_one_finding(self, folder: Path, unnamed: bool) -> None:
        wanted = [*many(3), saying("bye", "en/bye"), saying("hi", "en/hi")]
        made(wanted, folder)
        for file in folder.glob("fr/*"):
            file.unlink()
        if unnamed:
            sounds = read_manifest(folder)
            write_manifest(folder, {n: e for n, e in sounds.items() if n.startswith("en/")})
        (finding,) = found(wanted, folder)
        assert finding.defect is Defect.LANGUAGE
        assert finding.file == str(folder / "fr")
        assert finding.sound_names == tuple(a.sound_name for a in many(3))
        assert "none of the 3 sounds" in finding.problem

    def test_the_first_folder_that_has_it_counts(self, tmp_path: Path) -> None:
        own, shipped = tmp_path / "built", tmp_path / "shipped"
        made(many(3), shipped, ULAW)
        made(many(1), own)
        (shipped / "fr/sentence-0.ulaw").unlink()
        (shipped / "fr/sentence-1.ulaw").unlink()
        (finding,) = check(many(3), {own: [WAV], shipped: []}, level=LEVEL)
        assert finding.file == str(shipped / "fr/sentence-1.ulaw")

    def test_without_a_folder_everything_is_missing(self) -> None:
        (finding,) = check(many(2), {}, level=LEVEL)
        assert finding.defect is Defect.LANGUAGE
        (finding,) = check(many(1), {}, level=LEVEL)
        assert finding.defect is Defect.MISSING


def test_a_sentence_asked_for_twice_is_reported_once(folder: Path) -> None:
    assert len(found([*many(1), *many(1)], folder)) == 1


def test_an_unreadable_manifest_is_an_error(folder: Path) -> None:
    made(many(1), folder)
    os.truncate(folder / "callcentre-disclosure.json", 10)
    with pytest.raises(SoundError, match="unreadable manifest"):
        found(many(1), folder)
