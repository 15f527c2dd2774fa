"""Sounds are made once, whole, and never lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from callcentre_disclosure.config.manifest import (
    MANIFEST,
    ManifestEntry,
    SoundFormat,
    read_manifest,
    sound_file,
)
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import EngineError, SoundError
from callcentre_disclosure.speech import audio, formats
from callcentre_disclosure.speech import store as storing
from callcentre_disclosure.speech.build import Built, build
from callcentre_disclosure.speech.check import SoundFinding, check
from callcentre_disclosure.speech.engines import Engine, NanoTts, Speech
from callcentre_disclosure.speech.store import stage, writing
from tests.unit.speech.tones import LEVEL, Tones, made, many, saying

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}  # where `tests` is
WAV, SLN16, ULAW, GSM, G722 = (
    SoundFormat.WAV,
    SoundFormat.SLN16,
    SoundFormat.ULAW,
    SoundFormat.GSM,
    SoundFormat.G722,
)


@pytest.fixture(autouse=True)
def _folder_for_all(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)


def left_over(folder: Path) -> list[str]:
    """Every file that is neither a sound nor the manifest nor the lock."""
    known = {f".{fmt.value}" for fmt in SoundFormat}
    files = (file for file in folder.rglob("*") if file.is_file())
    return [f.name for f in files if f.suffix not in known and f.name not in {MANIFEST, ".lock"}]


def defects(
    wanted: list[Announcement], folder: Path, *formats: SoundFormat, level: float = LEVEL
) -> list[SoundFinding]:
    return check(wanted, {folder: formats or (WAV,)}, level=level)


def names(built: tuple[Built, ...]) -> list[str]:
    return [sound.sound_name for sound in built]


def touch(file: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file as somebody would who knows nothing of manifests, and later."""
    file.write_bytes(change(file.read_bytes()))
    later = file.stat().st_mtime + 10
    os.utime(file, (later, later))


class TestBuild:
    def test_makes_what_is_missing(self, tmp_path: Path) -> None:
        folder = tmp_path / "new" / "sounds"
        report = made([saying("hello"), saying("bye", "en/bye")], folder)
        assert names(report.built) == ["fr/hello", "en/bye"]
        assert (report.kept, report.failed) == ((), ())
        entry = read_manifest(folder)["fr/hello"]
        assert (entry.text, entry.engine, entry.recorded) == ("hello", "tones 1.0", False)
        assert entry.level == pytest.approx(LEVEL, abs=0.2)
        with wave.open(str(folder / "fr/hello.wav")) as file:
            assert file.getnframes() / file.getframerate() == entry.seconds
        assert defects([saying("hello"), saying("bye", "en/bye")], folder) == []

    def test_pico_in_two_processes(self, tmp_path: Path) -> None:
        folder = tmp_path / "sounds"
        wanted = [
            saying("Votre appel pourra être traité au Maroc, merci de patienter.", "fr/ma"),
            saying("Your call may be handled in Morocco, please hold.", "en/ma"),
        ]
        report = made(wanted, folder, WAV, SLN16, engine=NanoTts(), jobs=2)
        assert set(names(report.built)) == {"fr/ma", "en/ma"}
        assert defects(wanted, folder, WAV, SLN16) == []

    def test_each_language_has_its_engine(self, tmp_path: Path) -> None:
        engines: dict[str, Engine] = {"fr": Tones(name="french 1"), "en": Tones(name="english 1")}
        wanted = [saying("hello"), saying("bye", "en/bye"), saying("adiós", "es/bye")]
        report = build(wanted, tmp_path, engines, formats=[WAV], level=LEVEL)
        used = {name: entry.engine for name, entry in read_manifest(tmp_path).items()}
        assert used == {"fr/hello": "french 1", "en/bye": "english 1"}
        assert str(report.failed[0]) == "es/bye: no engine speaks 'es'"

    def test_keeps_what_is_there(self, tmp_path: Path) -> None:
        made(many(3), tmp_path)
        before = {path: path.stat() for path in tmp_path.rglob("*")}
        report = made(many(3), tmp_path)
        assert (len(report.kept), report.built) == (3, ())
        assert {path: path.stat() for path in tmp_path.rglob("*")} == before

    def test_another_engine_is_no_reason_to_make_it_again(self, tmp_path: Path) -> None:
        made([saying("hello")], tmp_path)
        report = made([saying("hello")], tmp_path, engine=Tones(name="tones 2.0"))
        assert report.kept == ("fr/hello",)

    def test_nothing_to_do_needs_neither_numpy_nor_the_engine(self, tmp_path: Path) -> None:
        made(many(3), tmp_path)
        program = (
            "import sys; from pathlib import Path\n"
            "from callcentre_disclosure.config.manifest import SoundFormat\n"
            "from callcentre_disclosure.disclosure.announcement import Announcement\n"
            "from callcentre_disclosure.speech.build import build\n"
            "name = 'fr/sentence-0'\n"
            "wanted = [Announcement('fr', 'sentence 0', name)]\n"
            f"report = build(wanted, Path({str(tmp_path)!r}), {{}}, formats=[SoundFormat.WAV],\n"
            "    level=-22)\n"
            "assert report.kept == (name,)\n"
            "foreign = {'numpy', 'soxr', 'soundfile', 'multiprocessing', 'asyncio'}\n"
            "assert not foreign & set(sys.modules)\n"
            "assert 'callcentre_disclosure.speech.engines' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT)

    def test_a_changed_text_is_spoken_again(self, tmp_path: Path) -> None:
        made([saying("hello")], tmp_path)
        old = (tmp_path / "fr/hello.wav").read_bytes()
        report = made([saying("good morning")], tmp_path)
        assert names(report.built) == ["fr/hello"]
        assert (tmp_path / "fr/hello.wav").read_bytes() != old
        assert defects([saying("good morning")], tmp_path) == []

    def test_a_changed_text_that_fails_leaves_no_name_to_the_old_sound(
        self, tmp_path: Path
    ) -> None:
        made([saying("hello")], tmp_path)
        made([saying("unspeakable hello")], tmp_path)
        assert read_manifest(tmp_path) == {}

    @pytest.mark.parametrize("damage", [b"", b"RIFF", b"\0" * 16000])
    def test_a_damaged_file_is_made_again(self, tmp_path: Path, damage: bytes) -> None:
        made([saying("hello")], tmp_path)
        (tmp_path / "fr/hello.wav").write_bytes(damage)
        made([saying("hello")], tmp_path)
        assert defects([saying("hello")], tmp_path) == []

    def test_a_file_touched_since_is_compared_by_its_hash(self, tmp_path: Path) -> None:
        made(many(2), tmp_path)
        touch(tmp_path / "fr/sentence-0.wav", lambda data: data[:-2] + b"\1\1")
        touch(tmp_path / "fr/sentence-1.wav", bytes)
        report = made(many(2), tmp_path)
        assert names(report.built) == ["fr/sentence-0"]
        assert report.kept == ("fr/sentence-1",)

    def test_sounds_that_were_swapped_are_made_again(self, tmp_path: Path) -> None:
        made(many(2), tmp_path)
        one, other, aside = (tmp_path / f"fr/sentence-{name}.wav" for name in (0, 1, "aside"))
        one.rename(aside)
        other.rename(one)
        aside.rename(other)
        assert len(made(many(2), tmp_path).built) == 2
        assert defects(many(2), tmp_path) == []

    def test_sounds_of_other_configurations_stay_in_the_manifest(self, tmp_path: Path) -> None:
        made([saying("hello")], tmp_path)
        made([saying("bye", "fr/bye")], tmp_path)
        assert set(read_manifest(tmp_path)) == {"fr/hello", "fr/bye"}

    @pytest.mark.parametrize("jobs", [1, 2])
    def test_one_failure_does_not_stop_the_others(self, tmp_path: Path, jobs: int) -> None:
        wanted = [
            saying("unspeakable", "fr/a"),
            saying("broken", "fr/b"),
            saying("silent", "fr/c"),
            saying("hello", "fr/d"),
        ]
        report = made(wanted, tmp_path, jobs=jobs)
        assert names(report.built) == ["fr/d"]
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
        report = made([replace(saying("hello"), sound_name=name), saying("hello")], folder)
        assert [failed.sound_name for failed in report.failed] == [name]
        assert sorted(tmp_path.rglob("*.wav")) == [folder / "fr/hello.wav"]

    def test_two_texts_cannot_share_a_name(self, tmp_path: Path) -> None:
        report = made([saying("hello"), saying("bye"), saying("hello")], tmp_path)
        assert "'bye'" in str(report.failed[0])
        assert read_manifest(tmp_path)["fr/hello"].text == "hello"

    def test_progress_counts_to_the_total(self, tmp_path: Path) -> None:
        told: list[Built] = []
        made(many(3), tmp_path, progress=told.append)
        assert [(built.done, built.total) for built in told] == [(1, 3), (2, 3), (3, 3)]

    def test_a_missing_engine_is_said_once(self, tmp_path: Path) -> None:
        class Absent:
            languages = ("fr",)

            @property
            def name(self) -> str:
                raise EngineError("not installed", remedy="install it")

            def speak(self, text: str, language: str) -> Speech:
                raise AssertionError

        with pytest.raises(EngineError, match="install it"):
            made(many(3), tmp_path / "sounds", engine=Absent())
        assert not (tmp_path / "sounds").exists()

    def test_a_missing_codec_is_said_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "G722", None)
        with pytest.raises(SoundError, match="G722 is not installed"):
            made(many(3), tmp_path / "sounds", WAV, G722)
        assert not (tmp_path / "sounds").exists()

    def test_two_builds_do_not_share_a_folder(self, tmp_path: Path) -> None:
        def again(_: Built) -> None:
            made(many(3), tmp_path)

        with pytest.raises(SoundError, match="another build"):
            made(many(2), tmp_path, progress=again)

    def test_an_unreadable_manifest_is_an_error_for_it_may_name_recordings(
        self, tmp_path: Path
    ) -> None:
        made(many(2), tmp_path)
        (tmp_path / MANIFEST).write_text("{")
        with pytest.raises(SoundError, match="unreadable manifest"):
            made(many(2), tmp_path)
        assert (tmp_path / MANIFEST).read_text() == "{"


class TestFormats:
    def test_all_are_made_and_last_as_long(self, tmp_path: Path) -> None:
        made(many(2), tmp_path, *SoundFormat)
        entry = read_manifest(tmp_path)["fr/sentence-0"]
        assert list(entry.files) == [fmt.value for fmt in SoundFormat]
        for fmt in SoundFormat:
            file = sound_file(tmp_path, "fr/sentence-0", fmt.value)
            assert file.stat().st_size == formats.size(entry.seconds, fmt)
        assert defects(many(2), tmp_path, *SoundFormat) == []

    def test_one_that_is_missing_is_made_with_the_others(self, tmp_path: Path) -> None:
        made([saying("hello")], tmp_path, WAV)
        assert names(made([saying("hello")], tmp_path, WAV, SLN16).built) == ["fr/hello"]
        assert defects([saying("hello")], tmp_path, WAV, SLN16) == []

    def test_one_that_is_no_longer_wanted_is_no_reason_to_make_it_again(
        self, tmp_path: Path
    ) -> None:
        made([saying("hello")], tmp_path, WAV, ULAW)
        assert made([saying("hello")], tmp_path, WAV).kept == ("fr/hello",)

    def test_another_level_is_made_again(self, tmp_path: Path) -> None:
        made([saying("hello")], tmp_path, WAV, SLN16)
        report = made([saying("hello")], tmp_path, WAV, SLN16, level=-28.0)
        assert names(report.built) == ["fr/hello"]
        assert defects([saying("hello")], tmp_path, WAV, SLN16, level=-28.0) == []

    def test_a_level_that_cannot_be_reached_is_a_failure(self, tmp_path: Path) -> None:
        class Clicks(Tones):
            def speak(self, text: str, language: str) -> Speech:
                clicks = np.zeros(16000, np.float32)
                clicks[4000::40] = 1.0
                return Speech(clicks, 16000)

        report = made([saying("hello")], tmp_path, engine=Clicks(), level=-12.0)
        assert "dBov only, with peaks at -3 dBFS" in str(report.failed[0])
        assert read_manifest(tmp_path) == {}


class TestAgain:
    def test_makes_all_again(self, tmp_path: Path) -> None:
        made(many(3), tmp_path)
        report = made(many(3), tmp_path, engine=Tones(name="tones 2.0"), again=True)
        assert len(report.built) == 3
        assert {e.engine for e in read_manifest(tmp_path).values()} == {"tones 2.0"}

    def test_calls_hear_the_old_sounds_until_the_new_ones_are_there(self, tmp_path: Path) -> None:
        made(many(3), tmp_path)
        old = read_manifest(tmp_path)

        def progress(_: Built) -> None:
            assert read_manifest(tmp_path) == old
            assert defects(many(3), tmp_path) == []

        made(many(3), tmp_path, engine=Tones(name="tones 2.0"), again=True, progress=progress)
        assert defects(many(3), tmp_path) == []

    def test_what_fails_goes_on_being_played(self, tmp_path: Path) -> None:
        class Worse(Tones):
            def speak(self, text: str, language: str) -> Speech:
                raise SoundError("cannot say that")

        made(many(2), tmp_path)
        before = read_manifest(tmp_path)
        report = made(many(2), tmp_path, engine=Worse(), again=True)
        assert len(report.failed) == 2
        assert read_manifest(tmp_path) == before
        assert defects(many(2), tmp_path) == []


def record(folder: Path, *wanted: SoundFormat) -> ManifestEntry:
    """Put a recording of "hello" into a folder, as an import does."""
    spoken = Tones().speak("a person", "fr")
    versions = audio.versions(spoken.samples, spoken.rate, {8000, 16000})
    data = {fmt: formats.encoded(versions[formats.rate(fmt)], fmt) for fmt in wanted}
    with writing(folder) as store:
        staged = stage(folder, "fr/hello", data)
        seconds = len(versions[8000]) / 8000
        entry = ManifestEntry("hello", staged.files, seconds, LEVEL, "hello.flac", recorded=True)
        store.publish(staged, entry)
    return entry


class TestRecordings:
    @pytest.mark.parametrize("again", [False, True])
    def test_are_never_spoken_over(self, tmp_path: Path, again: bool) -> None:
        entry = record(tmp_path, WAV)
        assert made([saying("hello")], tmp_path, again=again).kept == ("fr/hello",)
        assert read_manifest(tmp_path) == {"fr/hello": entry}

    @pytest.mark.parametrize(
        ("there", "wanted"),
        [((WAV,), (ULAW, GSM)), ((SLN16,), (WAV, G722)), ((WAV, G722), (WAV, SLN16))],
    )
    def test_are_written_in_the_formats_that_are_missing(
        self, tmp_path: Path, there: tuple[SoundFormat, ...], wanted: tuple[SoundFormat, ...]
    ) -> None:
        before = record(tmp_path, *there)
        report = made([saying("hello")], tmp_path, *wanted)
        assert names(report.built) == ["fr/hello"]
        after = read_manifest(tmp_path)["fr/hello"]
        assert set(after.files) == {fmt.value for fmt in (*there, *wanted)}
        assert before.files.items() <= after.files.items()
        assert (after.recorded, after.engine) == (True, "hello.flac")
        assert defects([saying("hello")], tmp_path, *wanted) == []
        assert made([saying("hello")], tmp_path, *wanted).kept == ("fr/hello",)

    def test_are_brought_to_another_level(self, tmp_path: Path) -> None:
        record(tmp_path, WAV, ULAW)
        made([saying("hello")], tmp_path, WAV, level=-26.0)
        assert read_manifest(tmp_path)["fr/hello"].recorded
        assert defects([saying("hello")], tmp_path, WAV, ULAW, level=-26.0) == []

    def test_are_mended_from_a_file_that_is_whole(self, tmp_path: Path) -> None:
        record(tmp_path, WAV, ULAW)
        (tmp_path / "fr/hello.ulaw").unlink()
        assert names(made([saying("hello")], tmp_path).built) == ["fr/hello"]
        assert defects([saying("hello")], tmp_path, WAV, ULAW) == []

    def test_are_not_made_wider_than_they_are(self, tmp_path: Path) -> None:
        before = record(tmp_path, WAV)
        report = made([saying("hello")], tmp_path, WAV, SLN16)
        assert "8 kHz alone" in str(report.failed[0])
        assert "import it again" in str(report.failed[0])
        assert read_manifest(tmp_path) == {"fr/hello": before}

    @pytest.mark.parametrize("change", [None, lambda data: data[:-2] + b"\1\1"])
    @pytest.mark.parametrize("again", [False, True])
    def test_that_are_gone_or_changed_are_to_be_imported_again(
        self, tmp_path: Path, change: Callable[[bytes], bytes] | None, again: bool
    ) -> None:
        before = record(tmp_path, WAV)
        if change:
            touch(tmp_path / "fr/hello.wav", change)
        else:
            (tmp_path / "fr/hello.wav").unlink()
        report = made([saying("hello"), saying("bye", "fr/bye")], tmp_path, again=again)
        assert [str(failed) for failed in report.failed] == [
            "fr/hello: its recording is gone or was changed; import it again"
        ]
        assert names(report.built) == ["fr/bye"]
        assert read_manifest(tmp_path)["fr/hello"] == before

    def test_of_another_text_say_something_else(self, tmp_path: Path) -> None:
        record(tmp_path, WAV)
        made([saying("good morning")], tmp_path)
        assert not read_manifest(tmp_path)["fr/hello"].recorded


class TestStopped:
    @pytest.mark.parametrize("jobs", [1, 2])
    def test_an_engine_that_cannot_be_used_stops_it_at_once(
        self, tmp_path: Path, jobs: int
    ) -> None:
        wanted = many(40)
        wanted[5] = replace(wanted[5], text="offline now")
        with pytest.raises(EngineError, match="there is no network; connect"):
            made(wanted, tmp_path, jobs=jobs)
        there = [a for a in wanted if a.sound_name in read_manifest(tmp_path)]
        assert 5 - jobs <= len(there) < 10
        assert defects(there, tmp_path) == []
        assert len(list(tmp_path.rglob("*.wav"))) == len(there)
        assert left_over(tmp_path) == []

    def test_a_crash_names_the_sentence_and_loses_nothing(self, tmp_path: Path) -> None:
        wanted = [*many(6), saying("crash here", "fr/crash"), *many(40)[6:]]
        with pytest.raises(EngineError, match=r"tones 1\.0 crashed at .*'crash here'") as crash:
            made(wanted, tmp_path, jobs=2)
        assert crash.value.what.count("' or '") <= 2
        there = [a for a in wanted if a.sound_name in read_manifest(tmp_path)]
        assert 4 <= len(there) < 10
        assert defects(there, tmp_path) == []
        assert left_over(tmp_path) == []

    def test_no_more_processes_than_an_engine_allows(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_pool(*_: object) -> None:
            raise AssertionError("a process was started")

        monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", no_pool)
        assert len(made(many(40), tmp_path, engine=Tones(at_once=1), jobs=2).built) == 40

    @pytest.mark.parametrize("during", ["speaking", "progress"])
    def test_ctrl_c_loses_nothing_that_was_built(self, tmp_path: Path, during: str) -> None:
        wanted = many(5)
        if during == "speaking":
            wanted[2] = replace(wanted[2], text="interrupt me")

        def progress(built: Built) -> None:
            if built.done == 2 and during == "progress":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            made(wanted, tmp_path, progress=progress)
        assert set(read_manifest(tmp_path)) == {"fr/sentence-0", "fr/sentence-1"}
        assert len(made(many(5), tmp_path).kept) == 2

    def test_the_manifest_is_saved_on_the_way(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storing, "_SAVE_EVERY", -1.0)
        seen: list[int] = []
        made(many(3), tmp_path, progress=lambda _: seen.append(len(read_manifest(tmp_path))))
        assert seen == [1, 2, 3]

    @pytest.mark.parametrize("jobs", [1, 2])
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
    def test_killed_in_the_middle(self, tmp_path: Path, jobs: int, how: signal.Signals) -> None:
        script = tmp_path / "script.py"
        script.write_text(
            "import signal, sys; from pathlib import Path\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)  # even where it is ignored\n"
            "from callcentre_disclosure.speech import store\n"
            "from tests.unit.speech.tones import made, many\n"
            "if __name__ == '__main__':\n"
            "    store._SAVE_EVERY = 0.02\n"
            "    made(many(400), Path('sounds'), jobs=int(sys.argv[1]),\n"
            "         progress=lambda built: print(built.sound_name, flush=True))\n"
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
        sounds = list(folder.rglob("*.wav"))
        assert len(sounds) < 400
        for file in sounds:
            with wave.open(str(file)) as sound:
                assert file.stat().st_size == 44 + 2 * sound.getnframes() > 44
        named = [a for a in many(400) if a.sound_name in read_manifest(folder)]
        assert defects(named, folder) == []
        if how is signal.SIGINT:
            assert len(named) >= 20
            assert left_over(folder) == []
        made(many(30), folder)
        assert defects(many(30), folder) == []
        assert left_over(folder) == []
