"""Any program speaks; and whatever it does wrong, the build learns why."""

from __future__ import annotations

import os
import pickle
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callcentre_disclosure.errors import EngineError, SoundError
from callcentre_disclosure.speech.engines import Command, Engine, at_once, caution

TEXT = "Votre appel pourra être traité au Maroc."


def python(program: str, *words: str, time_limit: float = 60.0) -> Command:
    """A command that runs this Python program; the sound file is its first argument."""
    return Command((sys.executable, "-c", program, "{file}", *words), time_limit)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Half a second of a tone, in stereo, one side silent."""
    file = tmp_path / "ready.wav"
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(11025) / 22050)
    soundfile.write(file, np.stack([tone, 0 * tone], axis=1), 22050)
    return file


COPY = "import shutil, sys; shutil.copy(sys.argv[2], sys.argv[1])"


def test_what_the_program_writes_is_heard(sound: Path) -> None:
    engine: Engine = python(COPY, str(sound))
    speech = engine.speak(TEXT, "fr")
    assert speech.rate == 22050
    assert speech.samples.shape == (11025,)
    assert float(np.abs(speech.samples).max()) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3", "AIFF"])
def test_any_format_is_read(sound: Path, kind: str) -> None:
    tone, rate = soundfile.read(sound)
    soundfile.write(sound, tone, rate, format=kind)
    assert python(COPY, str(sound)).speak(TEXT, "fr").samples.any()


def test_the_words_are_filled_in_and_no_shell_reads_them(sound: Path, tmp_path: Path) -> None:
    program = COPY + "; open(sys.argv[3], 'w').write(ascii(sys.argv[4:] + [sys.stdin.read()]))"
    seen = tmp_path / "seen"
    words = ("{text}", "--voice={language}.onnx", "{Text}", "$(exit 7)", "{}")
    text = "L'hôtel; `rm -rf` {file} {language}"
    python(program, str(sound), str(seen), *words).speak(text, "fr-CA")
    expected = [text, "--voice=fr-CA.onnx", "{Text}", "$(exit 7)", "{}", text]
    assert seen.read_text() == ascii(expected)


def test_its_folder_is_left_empty(sound: Path, tmp_path: Path) -> None:
    program = COPY + "; open(sys.argv[3], 'w').write(sys.argv[1])"
    python(program, str(sound), str(tmp_path / "seen")).speak(TEXT, "fr")
    assert not Path((tmp_path / "seen").read_text()).parent.exists()


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("pass", "wrote no file"),
        ("import sys; open(sys.argv[1], 'w')", "left an empty file"),
        ("import sys; open(sys.argv[1], 'w').write('Hello')", "cannot be read"),
        ("import sys; sys.exit(3)", "ended with status 3; run it by hand"),
        ("import sys; sys.exit('one\\nno voice here\\n\\n')", "ended with status 1: no voice here"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("import sys; sys.stderr.write('x' * 5000 + '\\nlate'); sys.exit(1)", "status 1: late"),
    ],
)
def test_what_it_does_wrong_is_explained(program: str, problem: str) -> None:
    with pytest.raises(SoundError, match=problem) as refused:
        python(program).speak(TEXT, "fr")
    assert not isinstance(refused.value, EngineError)


def test_silence_is_not_speech(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(800), 8000)
    with pytest.raises(SoundError, match="without a sound in it"):
        python(COPY, str(tmp_path / "silence.wav")).speak(TEXT, "fr")


def test_one_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"  # what it started holds this open, as long as it lives
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    program = '(echo alive; exec sleep 600) >"$0" & echo "no voice yet" >&2; wait'
    with pytest.raises(SoundError, match="was still at it after 1 s: no voice yet; run it by"):
        Command(("sh", "-c", program, str(fifo), "{file}"), time_limit=1.0).speak(TEXT, "fr")
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as held:
        assert held.read() == b"alive\n"


def test_a_text_that_would_be_an_option_is_refused(sound: Path) -> None:
    with pytest.raises(SoundError, match="for an option"):
        python(COPY, str(sound), "{text}").speak("--help", "en")
    assert python(COPY, str(sound), "--text={text}").speak("--help", "en").samples.any()


def test_nothing_to_say_starts_no_program(tmp_path: Path) -> None:
    program = f"open({str(tmp_path / 'started')!r}, 'w')"
    for text in ("", " \n", "nul\0"):
        with pytest.raises(SoundError, match=r"said nothing|would leave out U\+0000"):
            python(program).speak(text, "fr")
    assert not (tmp_path / "started").exists()


def test_a_missing_program_stops_the_build() -> None:
    engine = Command(("no-such-program", "{file}"))
    with pytest.raises(EngineError, match="'no-such-program' cannot be run: there is no such"):
        _ = engine.name
    with pytest.raises(EngineError, match="install it, or name it by its whole path"):
        engine.speak(TEXT, "fr")


def test_a_program_that_cannot_be_run_stops_the_build(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(stat.S_IRWXU)
    with pytest.raises(EngineError, match="broken' cannot be run: Exec format error"):
        Command((str(broken), "{file}")).speak(TEXT, "fr")


@pytest.mark.parametrize("words", [(), ("piper",), ("piper", "{text}")])
def test_a_command_without_a_file_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(EngineError, match=r"no \{file\} in the command"):
        _ = Command(words).name


def test_the_manifest_learns_the_program_and_no_key() -> None:
    engine = Command((sys.executable, "--key=secret", "{file}"))
    assert engine.name == f"command {Path(sys.executable).name}"
    assert engine.languages == ()
    assert (at_once(engine), caution(engine)) == (None, "")


def test_it_travels_to_another_process() -> None:
    engine = Command(("piper", "{file}"))
    assert pickle.loads(pickle.dumps(engine)) == engine
