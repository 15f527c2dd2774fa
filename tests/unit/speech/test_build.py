"""Sounds are made once, whole, and every defect is found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from callcentre_disclosure.config.manifest import (
    MANIFEST,
    ManifestEntry,
    read_manifest,
    write_manifest,
)
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech import build as building
from callcentre_disclosure.speech.build import Built, Defect, build, check
from callcentre_disclosure.speech.engines import NanoTts, Speech
from tests.unit.speech.tones import Tones, many, saying

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}  # where `tests` is


def left_over(folder: Path) -> list[str]:
    """Every file that is neither a sound nor the manifest nor the lock."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return [f.name for f in files if f.suffix != ".wav" and f.name not in {MANIFEST, ".lock"}]


class TestBuild:
    def test_makes_what_is_missing(self, tmp_path: Path) -> None:
        folder = tmp_path / "new" / "sounds"
        report = build([saying("hello"), saying("bye", "en/bye")], folder, Tones())
        assert [built.sound_name for built in report.built] == ["fr/hello", "en/bye"]
        assert (report.kept, report.failed) == ((), ())
        entry = read_manifest(folder)["fr/hello"]
        assert (entry.text, entry.engine) == ("hello", "tones 1.0")
        assert entry.level == pytest.approx(audio.LEVEL, abs=0.2)
        with wave.open(str(folder / "fr/hello.wav")) as file:
            assert file.getnframes() / file.getframerate() == entry.seconds
        assert check([saying("hello"), saying("bye", "en/bye")], [folder]) == []

    def test_pico_in_two_processes(self, tmp_path: Path) -> None:
        wanted = [
            saying("Votre appel pourra être traité au Maroc, merci de patienter.", "fr/ma"),
            saying("Your call may be handled in Morocco, please hold.", "en/ma"),
        ]
        report = build(wanted, tmp_path, NanoTts(), jobs=2)
        assert {built.sound_name for built in report.built} == {"fr/ma", "en/ma"}
        assert check(wanted, [tmp_path]) == []

    def test_can_be_read_by_another_user(self, tmp_path: Path) -> None:
        folder = tmp_path / "sounds"
        mask = os.umask(0o077)
        try:
            build([saying("hello")], folder, Tones())
        finally:
            os.umask(mask)
        modes = {path: path.stat().st_mode & 0o777 for path in folder.rglob("[!.]*")}
        assert modes == {
            folder / "fr": 0o755,
            folder / "fr/hello.wav": 0o644,
            folder / MANIFEST: 0o644,
        }
        assert folder.stat().st_mode & 0o777 == 0o755

    def test_keeps_what_is_there(self, tmp_path: Path) -> None:
        build(many(3), tmp_path, Tones())
        before = {path: path.stat() for path in tmp_path.rglob("*")}
        report = build(many(3), tmp_path, Tones())
        assert (len(report.kept), report.built) == (3, ())
        assert {path: path.stat() for path in tmp_path.rglob("*")} == before

    def test_another_engine_is_no_reason_to_make_it_again(self, tmp_path: Path) -> None:
        build([saying("hello")], tmp_path, Tones())
        report = build([saying("hello")], tmp_path, Tones(name="tones 2.0"))
        assert report.kept == ("fr/hello",)

    def test_nothing_to_do_needs_neither_numpy_nor_the_engine(self, tmp_path: Path) -> None:
        build(many(3), tmp_path, Tones())
        program = (
            "import sys; from pathlib import Path\n"
            "from tests.unit.speech.tones import many\n"
            "from callcentre_disclosure.speech.build import build\n"
            f"assert len(build(many(3), Path({str(tmp_path)!r}), None).kept) == 3\n"
            "assert not {'numpy', 'soxr', 'multiprocessing'} & set(sys.modules)\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT)

    def test_a_changed_text_is_spoken_again(self, tmp_path: Path) -> None:
        build([saying("hello")], tmp_path, Tones())
        old = (tmp_path / "fr/hello.wav").read_bytes()
        report = build([saying("good morning")], tmp_path, Tones())
        assert [built.sound_name for built in report.built] == ["fr/hello"]
        assert (tmp_path / "fr/hello.wav").read_bytes() != old
        assert check([saying("good morning")], [tmp_path]) == []

    def test_a_changed_text_that_fails_leaves_no_name_to_the_old_sound(
        self, tmp_path: Path
    ) -> None:
        build([saying("hello")], tmp_path, Tones())
        build([saying("unspeakable hello")], tmp_path, Tones())
        assert read_manifest(tmp_path) == {}

    @pytest.mark.parametrize("damage", [b"", b"RIFF", b"\0" * 16000])
    def test_a_damaged_file_is_made_again(self, tmp_path: Path, damage: bytes) -> None:
        build([saying("hello")], tmp_path, Tones())
        (tmp_path / "fr/hello.wav").write_bytes(damage)
        build([saying("hello")], tmp_path, Tones())
        assert check([saying("hello")], [tmp_path]) == []

    def test_a_file_touched_since_is_compared_by_its_hash(self, tmp_path: Path) -> None:
        build(many(2), tmp_path, Tones())
        changed, copied = (tmp_path / f"fr/sentence-{number}.wav" for number in range(2))
        changed.write_bytes(changed.read_bytes()[:-2] + b"\1\1")
        later = (tmp_path / MANIFEST).stat().st_mtime + 10
        os.utime(changed, (later, later))
        os.utime(copied, (later, later))
        report = build(many(2), tmp_path, Tones())
        assert [built.sound_name for built in report.built] == ["fr/sentence-0"]
        assert report.kept == ("fr/sentence-1",)

    def test_sounds_of_other_configurations_stay_in_the_manifest(self, tmp_path: Path) -> None:
        build([saying("hello")], tmp_path, Tones())
        build([saying("bye", "fr/bye")], tmp_path, Tones())
        assert set(read_manifest(tmp_path)) == {"fr/hello", "fr/bye"}

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_one_failure_does_not_stop_the_others(self, tmp_path: Path, jobs: int) -> None:
        wanted = [
            saying("unspeakable", "fr/a"),
            saying("broken", "fr/b"),
            saying("silent", "fr/c"),
            saying("hello", "fr/d"),
        ]
        report = build(wanted, tmp_path, Tones(), jobs=jobs)
        assert [built.sound_name for built in report.built] == ["fr/d"]
        assert {failed.sound_name: failed.reason for failed in report.failed} == {
            "fr/a": "cannot say that; reword it",
            "fr/b": "AssertionError: no text to speak",
            "fr/c": "no speech in it; listen to it; make or record it again",
        }
        assert set(read_manifest(tmp_path)) == {"fr/d"}

    @pytest.mark.parametrize(
        "name",
        ["../x", "fr/../../x", "/etc/x", "fr//x", "fr/.x", "fr", "", "fr/a b", "fr/a&b", "fr/é"],
    )
    def test_a_name_that_leaves_the_folder_is_refused(self, tmp_path: Path, name: str) -> None:
        folder = tmp_path / "in" / "sounds"
        report = build([saying("hello", name), saying("hello")], folder, Tones())
        assert [failed.sound_name for failed in report.failed] == [name]
        assert sorted(tmp_path.rglob("*.wav")) == [folder / "fr/hello.wav"]

    def test_two_texts_cannot_share_a_name(self, tmp_path: Path) -> None:
        report = build([saying("hello"), saying("bye"), saying("hello")], tmp_path, Tones())
        assert "'bye'" in str(report.failed[0])
        assert read_manifest(tmp_path)["fr/hello"].text == "hello"

    def test_progress_counts_to_the_total(self, tmp_path: Path) -> None:
        told: list[Built] = []
        build(many(3), tmp_path, Tones(), progress=told.append)
        assert [(built.done, built.total) for built in told] == [(1, 3), (2, 3), (3, 3)]

    def test_a_missing_engine_is_said_once(self, tmp_path: Path) -> None:
        class Absent:
            languages = ("fr",)

            @property
            def name(self) -> str:
                raise SoundError("not installed", remedy="install it")

            def speak(self, text: str, language: str) -> Speech:
                raise AssertionError

        with pytest.raises(SoundError, match="install it"):
            build(many(3), tmp_path / "sounds", Absent())
        assert not (tmp_path / "sounds").exists()

    def test_a_place_where_one_cannot_write_is_said_once(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(SoundError, match="cannot write there"):
            build(many(3), tmp_path / "file" / "sounds", Tones())

    def test_two_builds_do_not_share_a_folder(self, tmp_path: Path) -> None:
        def again(_: Built) -> None:
            build(many(2), tmp_path, Tones())

        with pytest.raises(SoundError, match="another build"):
            build(many(2), tmp_path, Tones(), progress=again)

    def test_an_unreadable_manifest_is_made_again(self, tmp_path: Path) -> None:
        build(many(2), tmp_path, Tones())
        (tmp_path / MANIFEST).write_text("{")
        assert len(build(many(2), tmp_path, Tones()).built) == 2
        assert check(many(2), [tmp_path]) == []


class TestInterrupted:
    def test_a_full_disk_leaves_no_half_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build([saying("hello", "fr/a")], tmp_path, Tones())
        sync = os.fsync

        def full(descriptor: int) -> None:
            if Path(f"/proc/self/fd/{descriptor}").readlink().parent.name == "fr":
                raise OSError(28, "No space left on device")
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", full)
        report = build([saying("hello", "fr/b")], tmp_path, Tones())
        assert "No space left" in report.failed[0].reason
        assert [file.name for file in (tmp_path / "fr").iterdir()] == ["a.wav"]

    def test_a_manifest_that_cannot_be_written_says_where(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(SoundError, match=rf"{MANIFEST}: cannot write it: No space left"):
            build([saying("hello")], tmp_path, Tones())

    @pytest.mark.parametrize("during", ["speaking", "progress"])
    def test_ctrl_c_loses_nothing_that_was_built(self, tmp_path: Path, during: str) -> None:
        wanted = many(5)
        if during == "speaking":
            wanted[2] = replace(wanted[2], text="interrupt me")

        def progress(built: Built) -> None:
            if built.done == 2 and during == "progress":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build(wanted, tmp_path, Tones(), progress=progress)
        assert set(read_manifest(tmp_path)) == {"fr/sentence-0", "fr/sentence-1"}
        assert len(build(many(5), tmp_path, Tones()).kept) == 2

    def test_the_manifest_is_saved_on_the_way(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(building, "_SAVE_EVERY", -1.0)
        seen: list[int] = []
        build(
            many(3), tmp_path, Tones(), progress=lambda _: seen.append(len(read_manifest(tmp_path)))
        )
        assert seen == [1, 2, 3]

    @pytest.mark.parametrize("jobs", [1, 2])
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
    def test_killed_in_the_middle(self, tmp_path: Path, jobs: int, how: signal.Signals) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "import signal, sys; from pathlib import Path\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)  # even where it is ignored\n"
            "from tests.unit.speech.tones import Tones, many\n"
            "from callcentre_disclosure.speech.build import build\n"
            "if __name__ == '__main__':\n"
            "    build(many(400), Path('sounds'), Tones(), jobs=int(sys.argv[1]),\n"
            "          progress=lambda built: print(built.sound_name, flush=True))\n"
        )
        process = subprocess.Popen(
            [sys.executable, str(script), str(jobs)],
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.send_signal(how)
        process.communicate(timeout=60)  # its processes hold stdout too: they have ended
        folder = tmp_path / "sounds"
        made = list(folder.rglob("*.wav"))
        assert 20 <= len(made) < 400
        for file in made:
            with wave.open(str(file)) as sound:
                assert file.stat().st_size == 44 + 2 * sound.getnframes() > 44
        named = [a for a in many(400) if a.sound_name in read_manifest(folder)]
        assert check(named, [folder]) == []
        if how is signal.SIGINT:
            assert len(named) >= 20
        build(many(30), folder, Tones())
        assert check(many(30), [folder]) == []
        assert left_over(folder) == []

    def test_what_a_killed_build_left_is_cleared_away(self, tmp_path: Path) -> None:
        (tmp_path / "fr").mkdir()
        (tmp_path / "fr/.making.abc").write_bytes(b"RIFF")
        (tmp_path / f".{MANIFEST}.abc").write_bytes(b"{")
        build([saying("hello")], tmp_path, Tones())
        assert left_over(tmp_path) == []

    def test_an_engine_that_crashes_is_a_failure(self, tmp_path: Path) -> None:
        report = build([saying("crash", "fr/crash")], tmp_path, Tones(), jobs=2)
        assert "process of the build ended" in report.failed[0].reason


def _shape(rate: int, width: int, channels: int) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        with wave.open(str(file), "wb") as out:
            out.setparams((channels, width, rate, 0, "NONE", ""))
            out.writeframes(b"\1" * width * channels * rate)

    return write


def _again(change: Callable[[Path], bytes]) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_bytes(change(file))

    return write


def _scaled(gain: float) -> Callable[[Path], None]:
    return _again(lambda f: audio.wav(audio.from_pcm(f.read_bytes()[44:]) * 10 ** (gain / 20)))


def _spiked(file: Path) -> bytes:
    samples = audio.from_pcm(file.read_bytes()[44:])
    samples[len(samples) // 2] = 0.9
    return audio.wav(samples)


class TestCheck:
    @pytest.mark.parametrize(
        ("damage", "defects"),
        [
            pytest.param(Path.unlink, {Defect.MISSING}, id="deleted"),
            pytest.param(_again(lambda _: b""), {Defect.EMPTY}, id="no bytes"),
            pytest.param(_again(lambda f: f.read_bytes()[:20]), {Defect.TRUNCATED}, id="header"),
            pytest.param(_again(lambda f: f.read_bytes()[:-7]), {Defect.TRUNCATED}, id="cut"),
            pytest.param(_again(lambda _: b"ID3" + b"\0" * 99), {Defect.FORMAT}, id="mp3"),
            pytest.param(_shape(16000, 2, 1), {Defect.FORMAT}, id="16 kHz"),
            pytest.param(_shape(8000, 1, 1), {Defect.FORMAT}, id="8 bits"),
            pytest.param(_shape(8000, 2, 2), {Defect.FORMAT}, id="stereo"),
            pytest.param(_again(lambda _: audio.wav(np.zeros(0))), {Defect.EMPTY}, id="no samples"),
            pytest.param(
                _again(lambda _: audio.wav(np.zeros(8000))),
                {Defect.EMPTY, Defect.CHANGED},
                id="silence",
            ),
            pytest.param(_scaled(-0.2), {Defect.CHANGED}, id="other bytes"),
            pytest.param(_scaled(1.5), {Defect.CHANGED, Defect.LEVEL}, id="loud"),
            pytest.param(_scaled(-1.5), {Defect.CHANGED, Defect.LEVEL}, id="faint"),
            pytest.param(_again(_spiked), {Defect.CHANGED, Defect.PEAK}, id="peak"),
        ],
    )
    def test_finds_what_happened_to_a_file(
        self, tmp_path: Path, damage: Callable[[Path], None], defects: set[Defect]
    ) -> None:
        build(many(2), tmp_path, Tones())
        file = tmp_path / "fr/sentence-0.wav"
        damage(file)
        findings = check(many(2), [tmp_path])
        assert {finding.defect for finding in findings} == defects
        assert {finding.file for finding in findings} == {str(file)}
        assert all(f.problem and f.remedy and str(file) in str(f) for f in findings)

    def test_finds_another_text(self, tmp_path: Path) -> None:
        build([saying("hello")], tmp_path, Tones())
        (finding,) = check([saying("bye")], [tmp_path])
        assert finding.defect is Defect.TEXT

    def test_finds_a_bad_sound_whose_hash_is_right(self, tmp_path: Path) -> None:
        build([saying("hello")], tmp_path, Tones())
        file = tmp_path / "fr/hello.wav"
        _scaled(-6)(file)
        entry = read_manifest(tmp_path)["fr/hello"]
        digest = sha256(file.read_bytes()).hexdigest()
        write_manifest(tmp_path, {"fr/hello": replace(entry, sha256=digest)})
        assert [f.defect for f in check([saying("hello")], [tmp_path])] == [Defect.LEVEL]

    def test_a_sound_that_no_manifest_names_is_missing(self, tmp_path: Path) -> None:
        build([saying("hello")], tmp_path, Tones())
        write_manifest(tmp_path, {})
        (finding,) = check([saying("hello")], [tmp_path, tmp_path / "none"])
        assert finding.defect is Defect.MISSING
        assert finding.file == str(tmp_path / "fr/hello.wav")

    def test_the_first_folder_that_has_it_counts(self, tmp_path: Path) -> None:
        built, shipped = tmp_path / "built", tmp_path / "shipped"
        build(many(3), shipped, Tones())
        build(many(1), built, Tones())
        (shipped / "fr/sentence-0.wav").unlink()
        (shipped / "fr/sentence-1.wav").unlink()
        (finding,) = check(many(3), [built, shipped])
        assert finding.file == str(shipped / "fr/sentence-1.wav")

    def test_without_a_folder_everything_is_missing(self) -> None:
        assert [finding.defect for finding in check(many(2), [])] == [Defect.MISSING] * 2

    def test_a_sentence_asked_for_twice_is_reported_once(self, tmp_path: Path) -> None:
        assert len(check([*many(1), *many(1)], [tmp_path])) == 1

    def test_the_size_of_a_file_follows_from_its_seconds(self, tmp_path: Path) -> None:
        build([saying("hello")], tmp_path, Tones())
        entry: ManifestEntry = read_manifest(tmp_path)["fr/hello"]
        size = (tmp_path / "fr/hello.wav").stat().st_size
        assert size == 44 + round(entry.seconds * 16000)
