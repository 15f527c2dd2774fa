"""Recordings find the sound that they are of, and take its place when they are fit."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from callcentre_disclosure.config.manifest import SoundFormat, read_manifest, sound_file
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.build import build
from callcentre_disclosure.speech.formats import decoded
from callcentre_disclosure.speech.recordings import (
    Assigned,
    ImportReport,
    assign,
    forget,
    import_recordings,
)
from tests.unit.speech.people import ENGLISH, MOROCCO, TUNISIA, save, voice
from tests.unit.speech.tones import Tones

KNOWN = (MOROCCO, TUNISIA, ENGLISH)
PREMIUM = Announcement("fr", "Bienvenue chez Alpha.", "fr/company-11111111")
BUDGET = Announcement("fr", "Bienvenue chez Beta.", "fr/company-22222222")


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def assigned(path: Path, *, sound: str | None = None) -> list[tuple[str, str]]:
    found = assign([path], KNOWN, sound)
    assert not found.findings
    return [(one.file.name, one.announcement.sound_name) for one in found.recordings]


def refusal(path: Path, *, sound: str | None = None) -> str:
    found = assign([path], (*KNOWN, PREMIUM, BUDGET), sound)
    assert not found.recordings
    (finding,) = found.findings
    assert finding.file == str(path)
    return f"{finding.problem}; {finding.remedy}"


class TestAssign:
    @pytest.mark.parametrize(
        ("name", "sound"),
        [
            ("fr/possible-ma-0dc21950.m4a", MOROCCO),
            ("fr/possible-ma.wav", MOROCCO),
            ("en/possible-ma.wav", ENGLISH),
            ("FR/Possible-MA.WAV", MOROCCO),
            ("possible-ma-0dc21950.wav", MOROCCO),
            ("takes/possible-ma-ce3a5118.wav", ENGLISH),
        ],
    )
    def test_a_file_is_named_after_its_sound(
        self, tmp_path: Path, name: str, sound: Announcement
    ) -> None:
        touch(tmp_path / name)
        assert assigned(tmp_path / name) == [(Path(name).name, sound.sound_name)]

    def test_a_folder_is_laid_out_by_language(self, tmp_path: Path) -> None:
        touch(tmp_path / "fr/possible-ma.wav", tmp_path / "fr/possible-tn.flac")
        touch(tmp_path / "en/possible-ma.mp3")
        found = assigned(tmp_path)
        assert {sound for _, sound in found} == {said.sound_name for said in KNOWN}
        assert assigned(tmp_path / "en") == [("possible-ma.mp3", ENGLISH.sound_name)]

    @pytest.mark.parametrize("sound", ["fr/possible-tn-1d1d8b5b", "fr/possible-tn", "possible-tn"])
    def test_a_sound_may_be_said(self, tmp_path: Path, sound: str) -> None:
        touch(tmp_path / "take 3.wav")
        assert assigned(tmp_path / "take 3.wav", sound=sound) == [
            ("take 3.wav", TUNISIA.sound_name)
        ]

    def test_what_is_no_sound_is_passed_over(self, tmp_path: Path) -> None:
        touch(tmp_path / "fr/possible-ma.wav", tmp_path / "read me.txt", tmp_path / "fr/list.csv")
        touch(tmp_path / ".hidden/possible-tn.wav", tmp_path / "fr/._possible-ma.wav")
        touch(tmp_path / "__MACOSX/fr/possible-ma.wav")
        found = assign([tmp_path], KNOWN)
        assert [one.file.name for one in found.recordings] == ["possible-ma.wav"]
        assert {file.name for file in found.passed_over} == {"read me.txt", "list.csv"}
        assert not found.findings

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("fr/posible-ma.wav", "no sound 'fr/posible-ma'; did you mean fr/possible-ma?"),
            ("fr/possible-ma-ffffffff.wav", "has changed since; record fr/possible-ma-0dc21950: "),
            ("fr/company.wav", "may be fr/company-11111111, fr/company-22222222; write one"),
            ("en/possible-tn.wav", "needs no sound 'en/possible-tn'; did you mean "),
            ("studio/possible-tn.wav", "needs no sound 'studio/possible-tn'; did you mean "),
        ],
    )
    def test_an_unknown_name_is_explained(self, tmp_path: Path, name: str, told: str) -> None:
        touch(tmp_path / name)
        assert told in refusal(tmp_path / name)

    def test_an_unknown_sound_is_explained(self, tmp_path: Path) -> None:
        touch(tmp_path / "a.wav")
        assert "no sound 'fr/posible-ma'; did you mean" in refusal(
            tmp_path / "a.wav", sound="fr/posible-ma"
        )
        assert "may be fr/possible-ma-0dc21950, en/possible-ma-ce3a5118" in refusal(
            tmp_path / "a.wav", sound="possible-ma"
        )

    def test_two_recordings_of_one_sound(self, tmp_path: Path) -> None:
        touch(tmp_path / "fr/possible-ma.wav", tmp_path / "fr/possible-ma-0dc21950.mp3")
        found = assign([tmp_path], KNOWN)
        assert not found.recordings
        assert [finding.remedy for finding in found.findings] == ["keep one of them"] * 2

    def test_a_file_named_twice_is_one_recording(self, tmp_path: Path) -> None:
        file = tmp_path / "fr/possible-ma.wav"
        touch(file)
        assert len(assign([file, tmp_path], KNOWN).recordings) == 1

    def test_one_sound_in_several_files_is_wrong(self, tmp_path: Path) -> None:
        touch(tmp_path / "a.wav", tmp_path / "b.wav")
        with pytest.raises(SoundError, match="2 files cannot be the one sound 'fr/possible-ma'"):
            assign([tmp_path], KNOWN, "fr/possible-ma")


def imported(
    folder: Path, *recordings: Assigned, formats: tuple[SoundFormat, ...] = (SoundFormat.WAV,)
) -> ImportReport:
    return import_recordings(recordings, folder, formats=formats, level=audio.LEVEL)


class TestImport:
    def test_goes_through_the_chain_into_every_format(self, tmp_path: Path) -> None:
        file = save(tmp_path / "fr/possible-ma.flac", voice())
        folder = tmp_path / "sounds"
        formats = (SoundFormat.WAV, SoundFormat.SLN16, SoundFormat.ULAW)
        report = imported(folder, Assigned(file, MOROCCO), formats=formats)
        assert report.findings == ()
        (taken,) = report.taken_over
        entry = read_manifest(folder)[MOROCCO.sound_name]
        assert entry == taken.entry
        assert (entry.text, entry.recorded) == (MOROCCO.text, True)
        assert entry.engine == "possible-ma.flac"
        assert entry.level == pytest.approx(audio.LEVEL, abs=0.2)
        assert list(entry.files) == ["wav", "sln16", "ulaw"]
        for fmt in formats:
            data = sound_file(folder, MOROCCO.sound_name, fmt.value).read_bytes()
            samples = decoded(data, fmt)
            rate = 16000 if fmt is SoundFormat.SLN16 else 8000
            assert len(samples) / rate == pytest.approx(entry.seconds, abs=0.001)
            assert audio.level(samples, rate) == pytest.approx(audio.LEVEL, abs=0.5)
            assert audio.peak(samples) <= audio.PEAK + 0.1

    def test_wins_over_synthesis_for_good(self, tmp_path: Path) -> None:
        folder = tmp_path / "sounds"
        formats = (SoundFormat.WAV,)

        def built(*, again: bool) -> str:
            build(
                [MOROCCO], folder, {"fr": Tones()}, formats=formats, level=audio.LEVEL, again=again
            )
            return read_manifest(folder)[MOROCCO.sound_name].engine

        assert built(again=False) == "tones 1.0"
        imported(folder, Assigned(save(tmp_path / "a.wav", voice()), MOROCCO))
        assert built(again=False) == "a.wav"
        assert built(again=True) == "a.wav"
        assert forget(["fr/possible-ma"], folder) == (MOROCCO.sound_name,)
        assert not sound_file(folder, MOROCCO.sound_name, "wav").exists()
        assert built(again=False) == "tones 1.0"

    def test_a_new_recording_replaces_the_old_one(self, tmp_path: Path) -> None:
        folder = tmp_path / "sounds"
        imported(
            folder,
            Assigned(save(tmp_path / "a.wav", voice()), MOROCCO),
            formats=(SoundFormat.WAV, SoundFormat.ULAW),
        )
        imported(folder, Assigned(save(tmp_path / "b.wav", voice(MOROCCO, 1.1)), MOROCCO))
        entry = read_manifest(folder)[MOROCCO.sound_name]
        assert (entry.engine, list(entry.files)) == ("b.wav", ["wav"])
        assert [file.suffix for file in (folder / "fr").iterdir()] == [".wav"]

    def test_a_refused_recording_leaves_the_old_sound_and_the_others(self, tmp_path: Path) -> None:
        folder = tmp_path / "sounds"
        good = Assigned(save(tmp_path / "good.wav", voice(ENGLISH)), ENGLISH)
        imported(folder, Assigned(save(tmp_path / "old.wav", voice()), MOROCCO))
        before = read_manifest(folder)[MOROCCO.sound_name]
        bad = Assigned(save(tmp_path / "bad.wav", np.clip(voice() * 20, -1, 1)), MOROCCO)
        broken = Assigned(tmp_path / "broken.wav", TUNISIA)
        broken.file.write_bytes(b"no sound")
        report = imported(folder, bad, broken, good)
        assert [taken.sound_name for taken in report.taken_over] == [ENGLISH.sound_name]
        assert {finding.key for finding in report.findings} == {
            MOROCCO.sound_name,
            TUNISIA.sound_name,
        }
        clipped = next(f for f in report.findings if f.file.endswith("bad.wav"))
        assert str(clipped).startswith(f"{bad.file}: {MOROCCO.sound_name}: is clipped: ")
        there = read_manifest(folder)
        assert there[MOROCCO.sound_name] == before
        assert set(there) == {MOROCCO.sound_name, ENGLISH.sound_name}
        assert not list(folder.rglob(".making*"))

    @pytest.mark.parametrize("missing", ["G722", "soundfile"])
    def test_what_all_of_them_need_is_asked_for_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
    ) -> None:
        file = save(tmp_path / "a.wav", voice())
        monkeypatch.setitem(sys.modules, missing, None)
        with pytest.raises(SoundError, match=f"{missing} is not installed"):
            imported(tmp_path, Assigned(file, MOROCCO), formats=(SoundFormat.G722,))

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SoundError, match="cannot write there"):
            imported(tmp_path / "file")


class TestForget:
    def test_what_is_no_recording_is_not_forgotten(self, tmp_path: Path) -> None:
        build(
            [TUNISIA],
            tmp_path,
            {"fr": Tones()},
            formats=(SoundFormat.WAV,),
            level=audio.LEVEL,
        )
        imported(tmp_path, Assigned(save(tmp_path / "a.wav", voice()), MOROCCO))
        with pytest.raises(SoundError, match="no recording of 'fr/possible-tn'"):
            forget(["fr/possible-ma", "fr/possible-tn"], tmp_path)
        assert set(read_manifest(tmp_path)) == {MOROCCO.sound_name, TUNISIA.sound_name}
        shutil.rmtree(tmp_path / "fr")
        assert forget(["fr/possible-ma"], tmp_path) == (MOROCCO.sound_name,)
