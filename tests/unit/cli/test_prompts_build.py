"""``prompts build`` and ``prompts check``, as an administrator and a CI job meet them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import (
    MANIFEST,
    SoundFormat,
    read_manifest,
    sound_file,
    write_manifest,
)
from callcentre_disclosure.speech import formats
from callcentre_disclosure.speech.engines import Engine, Speech
from callcentre_disclosure.speech.store import digest
from tests import command_line
from tests.unit.speech.tones import Tones, made

CONFIGURATION = """
languages: [fr, en]
sounds: {{folder: sounds, {sounds}}}
domestic_country: FR
sites: {{casablanca: {{country: MA}}, tunis: {{country: TN}}}}
routes:
  sales: {{numbers: ['+33 1 84 88 00 01'], sites: [casablanca]}}
  help: {{numbers: ['101', '102', '103', '104', '105'], sites: [casablanca, tunis]}}
"""


@dataclass
class Centre:
    """A configuration on disk, and the engines that are installed."""

    folder: Path
    engines: dict[str, Engine] = field(default_factory=lambda: {"py-nanotts": Tones()})
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def sounds(self) -> Path:
        return self.folder / "sounds"

    def configure(self, sounds: str = "level: -23") -> None:
        self.path.write_text(CONFIGURATION.format(sounds=sounds))

    def run(self, command: str, *arguments: str) -> Result:
        return command_line.run("prompts", command, f"--config={self.path}", *arguments)

    def build(self, *arguments: str) -> Result:
        return self.run("build", "--jobs=1", *arguments)

    def engine(self, name: str, command: tuple[str, ...] = ()) -> Engine:
        self.asked.append((name, command))
        return self.engines[name]

    def one(self, kind: str) -> str:
        """The name of the French sound of this kind."""
        (name,) = (name for name in read_manifest(self.sounds) if name[:-8] == f"fr/{kind}-")
        return name


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Centre:
    made = Centre(tmp_path)
    made.configure()
    monkeypatch.setattr("callcentre_disclosure.speech.engines.engine", made.engine)
    return made


def sounds_of(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != ".lock")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


class TestBuild:
    def test_in_a_log_every_sound_is_a_line(self, centre: Centre) -> None:
        done = centre.build()
        count = len(needed(load(centre.path)))
        *lines, last = done.stdout.splitlines()
        assert (done.exit_code, done.stderr) == (0, "")
        assert [line.split()[0] for line in lines] == [
            f"{number}/{count}" for number in range(1, count + 1)
        ]
        assert last == f"{count} built, 0 kept in {centre.sounds}, 0 come with the package"

    def test_what_is_there_is_kept(self, centre: Centre) -> None:
        centre.build()
        before = sounds_of(centre.sounds)
        centre.asked.clear()
        done = centre.build()
        assert done.stdout.startswith("0 built, ")
        assert sounds_of(centre.sounds) == before
        assert centre.asked == []

    def test_again_makes_them_with_the_engine_of_today(self, centre: Centre) -> None:
        centre.build()
        centre.engines["py-nanotts"] = Tones(name="tones 2.0")
        assert centre.build().stdout.startswith("0 built, ")
        assert ", 0 kept in " in centre.build("--again").stdout
        assert {e.engine for e in read_manifest(centre.sounds).values()} == {"tones 2.0"}

    def test_formats_and_level_are_those_of_the_configuration(self, centre: Centre) -> None:
        centre.configure("formats: [sln16, ulaw], level: -30")
        assert centre.build().exit_code == 0
        entry = read_manifest(centre.sounds)[centre.one("generic")]
        assert list(entry.files) == ["sln16", "ulaw"]
        assert entry.level == pytest.approx(-30, abs=0.2)
        assert centre.run("check").exit_code == 0

    def test_each_language_is_spoken_by_its_engine(self, centre: Centre) -> None:
        centre.engines = {"kokoro": Tones(name="kokoro 1"), "command": Tones(name="say 1")}
        centre.configure(
            "engine: kokoro, engines: {en: command}, command: \"say -v 'Miss X' {text}\""
        )
        assert centre.build().exit_code == 0
        assert set(centre.asked) == {
            ("kokoro", ()),
            ("command", ("say", "-v", "Miss X", "{text}")),
        }
        spoken = {(n[:2], e.engine) for n, e in read_manifest(centre.sounds).items()}
        assert spoken == {("fr", "kokoro 1"), ("en", "say 1")}

    def test_a_caution_is_said_once_and_not_in_the_way_of_the_output(self, centre: Centre) -> None:
        class Robot(Tones):
            caution = "it sounds like a robot"

        centre.engines["espeak-ng"] = Robot()
        centre.configure("engine: espeak-ng")
        assert centre.build().stderr == "espeak-ng: it sounds like a robot\n"
        assert centre.build().stderr == ""

    def test_a_command_that_is_no_command_is_said(self, centre: Centre) -> None:
        centre.configure('engine: command, command: "say \'half"')
        done = centre.build()
        assert done.exit_code == 1
        assert done.stderr == (
            "sounds.command cannot be read: No closing quotation; quote it as in a shell\n"
        )

    def test_a_sound_that_cannot_be_made_is_exit_1(self, centre: Centre) -> None:
        class Mute(Tones):
            def speak(self, text: str, language: str) -> Speech:
                return super().speak("unspeakable" if language == "en" else text, language)

        centre.engines["py-nanotts"] = Mute()
        done = centre.build()
        assert done.exit_code == 1
        assert all(line.startswith("en/") for line in done.stderr.splitlines())
        assert "cannot say that; reword it" in done.stderr

    def test_offline_the_old_sounds_stay_and_one_sentence_says_why(self, centre: Centre) -> None:
        class Online(Tones):
            def speak(self, text: str, language: str) -> Speech:
                return super().speak("offline", language)

        centre.build()
        before = sounds_of(centre.sounds)
        centre.engines["gtts"] = Online()
        centre.configure("engine: gtts, level: -23")
        done = centre.build("--again")
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == "there is no network; connect\n"
        assert sounds_of(centre.sounds) == before
        assert centre.run("check").exit_code == 0

    def test_ctrl_c_keeps_what_was_built_and_says_how_many(self, centre: Centre) -> None:
        class Impatient(Tones):
            def speak(self, text: str, language: str) -> Speech:
                return super().speak("interrupt" if language == "en" else text, language)

        centre.engines["py-nanotts"] = Impatient()
        done = centre.build()
        there = read_manifest(centre.sounds)
        assert done.exit_code == 130
        assert f"interrupted: {len(there)} built and kept in {centre.sounds}" in done.stderr
        assert {name[:2] for name in there} == {"fr"}

    def test_the_sounds_of_the_package_need_not_be_made(
        self, centre: Centre, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = centre.folder / "package"
        monkeypatch.setattr("callcentre_disclosure.config.directory.shipped", lambda _: package)
        wanted = list(needed(load(centre.path)))
        made(wanted[:5], package / "sounds", SoundFormat.ULAW)
        centre.configure("url: 'http://sounds.example'")
        done = centre.build()
        assert done.stdout.endswith(", 5 come with the package\n")
        assert len(read_manifest(centre.sounds)) == len(wanted) - 5
        assert centre.run("check").exit_code == 0

        damaged = sound_file(package / "sounds", wanted[2].sound_name, "ulaw")
        os.truncate(damaged, 100)
        assert f"{damaged}: has 100 of its" in centre.run("check").stdout
        assert centre.build().stdout.startswith(f"1/1 {wanted[2].sound_name}")
        assert centre.run("check").exit_code == 0

        centre.configure("level: -30")
        assert f"{len(wanted)} built, 0 kept" in centre.build().stdout
        assert centre.run("check").exit_code == 0

        # Those of one's own win in a call, whatever the package has.
        centre.configure("url: 'http://sounds.example'")
        assert centre.run("check").exit_code == 1
        assert f"{len(wanted)} built, 0 kept" in centre.build().stdout
        assert centre.run("check").exit_code == 0


Damage = Callable[[Centre], None]


def cut(centre: Centre) -> None:
    os.truncate(sound_file(centre.sounds, centre.one("possible-ma-tn"), "wav"), 9000)


def emptied(centre: Centre) -> None:
    os.truncate(sound_file(centre.sounds, centre.one("possible-ma-tn"), "wav"), 0)


def louder(gain: float) -> Damage:
    """Louder, or clipped; and the manifest says that it was so from the beginning."""

    def damage(centre: Centre) -> None:
        name = centre.one("possible-ma-tn")
        file = sound_file(centre.sounds, name, "wav")
        samples = np.clip(formats.decoded(file.read_bytes(), SoundFormat.WAV) * gain, -1, 1)
        data = formats.encoded(samples, SoundFormat.WAV)
        file.write_bytes(data)
        sounds = read_manifest(centre.sounds)
        sounds[name] = replace(sounds[name], files={"wav": digest(data)})
        write_manifest(centre.sounds, sounds)

    return damage


def swapped(centre: Centre) -> None:
    one, other = (
        sound_file(centre.sounds, centre.one(kind), "wav")
        for kind in ("possible-ma-tn", "possible-tn")
    )
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def hidden(centre: Centre) -> None:
    sound_file(centre.sounds, centre.one("possible-ma-tn"), "wav").chmod(0o600)


class TestCheck:
    @pytest.mark.parametrize(
        ("damage", "problem", "suffer"),
        [
            pytest.param(emptied, "has no bytes", "would not hear it", id="zero-byte"),
            pytest.param(cut, "has 8956 of", "would not hear all of it", id="truncated"),
            pytest.param(louder(0.5), "speaks at -29.0 dBov", "too quiet", id="level"),
            pytest.param(louder(9), "is clipped", "would hear it distorted", id="clipped"),
            pytest.param(swapped, "is the sound of fr/possible-tn-", "something else", id="swap"),
            pytest.param(hidden, "can be read by its owner alone", "not hear it", id="rights"),
        ],
    )
    def test_finds_each_defect_and_the_calls_that_would_suffer(
        self, centre: Centre, damage: Damage, problem: str, suffer: str
    ) -> None:
        centre.build()
        assert centre.run("check").exit_code == 0
        damage(centre)
        done = centre.run("check")
        assert done.exit_code == 1
        file = sound_file(centre.sounds, centre.one("possible-ma-tn"), "wav")
        (line,) = (
            line
            for line in done.stdout.splitlines()
            if line.startswith(f"{file}: ") and problem in line
        )
        assert "; calls to 101, 102, 103 and 2 more (routes.help) " in line
        assert suffer in line

    def test_a_language_that_is_missing_is_one_line(self, centre: Centre) -> None:
        centre.build()
        for file in (centre.sounds / "en").iterdir():
            file.unlink()
        done = centre.run("check")
        assert done.exit_code == 1
        (line,) = done.stdout.splitlines()
        assert line.startswith(f"{centre.sounds / 'en'}: none of the ")
        assert "to +33 1 84 88 00 01 (routes.sales)" in line
        assert line.endswith(" would not hear it")

    def test_before_the_first_build_each_language_is_missing(self, centre: Centre) -> None:
        done = centre.run("check")
        assert done.exit_code == 1
        assert len(done.stdout.splitlines()) == 2
        assert not centre.sounds.exists()

    def test_json(self, centre: Centre) -> None:
        centre.build()
        assert json.loads(centre.run("check", "--json").stdout) == []
        os.truncate(sound_file(centre.sounds, centre.one("answered-ma"), "wav"), 0)
        done = centre.run("check", "--json")
        (finding,) = json.loads(done.stdout)
        assert done.exit_code == 1
        assert finding["defect"] == "empty"
        assert finding["needed_by"] == ["sites.casablanca"]


SLOW = """
import sys, time, wave, math
from array import array
with wave.open(sys.argv[1], "wb") as file:
    file.setparams((1, 2, 8000, 0, "NONE", ""))
    file.writeframes(array("h", [int(9000 * math.sin(n / 3)) for n in range(8000)]).tobytes())
"""


class TestProcesses:
    """The command itself, with an engine that is a program and takes some time."""

    @pytest.fixture
    def command(self, tmp_path: Path) -> list[str]:
        program = tmp_path / "speak.py"
        program.write_text(SLOW)
        speak = f"{sys.executable} -S {program} {{file}}"
        path = tmp_path / "config.yaml"
        path.write_text(
            CONFIGURATION.format(sounds=f"engine: command, command: {json.dumps(speak)}")
        )
        return [
            *(sys.executable, "-m", "callcentre_disclosure"),
            *("prompts", "build", f"--config={path}"),
        ]

    def test_on_a_terminal_a_bar_moves(self, command: list[str]) -> None:
        ours, theirs = pty.openpty()
        with subprocess.Popen(command, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            shown = ""
            try:
                while data := os.read(ours, 1000):
                    shown += data.decode()
            except OSError:  # the other end was closed
                pass
            finally:
                os.close(ours)
        assert process.returncode == 0
        states = [state for state in shown.split("\r") if "[" in state and "]  " in state]
        assert len(states) > 5
        count = len(needed(load(Path(command[-1].partition("=")[2]))))
        assert f"  {count}/{count} " in states[-1]
        assert "fr/possible-ma-" in shown
        assert " built, 0 kept in " in shown.splitlines()[-1]

    def test_ctrl_c_at_a_terminal_reaches_all_its_processes(
        self, command: list[str], tmp_path: Path
    ) -> None:
        with subprocess.Popen(
            [*command, "--jobs=2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(5)]
            os.killpg(process.pid, signal.SIGINT)
            rest, stderr = process.communicate(timeout=60)
        told = len(lines) + len(rest.splitlines())
        sounds = tmp_path / "sounds"
        there = read_manifest(sounds)
        assert process.returncode == 130
        assert stderr.endswith(f" built and kept in {sounds}\n")
        assert told <= int(stderr.split()[1]) <= len(there) <= told + 1
        files = {file.name for file in sounds.rglob("*") if file.is_file()}
        assert files == {".lock", MANIFEST, *(f"{name.partition('/')[2]}.wav" for name in there)}

    def test_with_nothing_to_do_it_is_quick_for_it_imports_little(self, command: list[str]) -> None:
        subprocess.run([*command, "--jobs=2"], check=True, stdout=subprocess.DEVNULL)
        program = (
            "import sys\n"
            "from callcentre_disclosure.cli.main import commands\n"
            f"commands({command[3:]!r}, standalone_mode=False)\n"
            "slow = {'numpy', 'soxr', 'soundfile', 'multiprocessing', 'asyncio', 'ssl'}\n"
            "assert not slow & set(sys.modules), slow & set(sys.modules)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("0 built, ")
