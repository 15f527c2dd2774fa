"""Engines by their names: ours, and those that another package brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from callcentre_disclosure.errors import EngineError, SoundError
from callcentre_disclosure.speech import engines
from callcentre_disclosure.speech.engines import (
    Command,
    Engine,
    EspeakNg,
    Gtts,
    Kokoro,
    NanoTts,
    Speech,
    at_once,
    caution,
    engine,
    engine_names,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("py-nanotts", NanoTts), ("kokoro", Kokoro), ("gtts", Gtts), ("espeak-ng", EspeakNg)],
)
def test_ours_go_by_their_names(name: str, kind: type) -> None:
    assert engine(name) == kind()
    assert name in engine_names()


def test_a_command_is_a_list_of_words() -> None:
    assert engine("command", ["piper", "{file}"]) == Command(("piper", "{file}"))


def test_a_command_for_another_engine_is_a_mistake() -> None:
    with pytest.raises(EngineError, match="'kokoro' takes no command; choose 'command'"):
        engine("kokoro", ["piper", "{file}"])


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("kokro", r"did you mean kokoro\?"), ("gTTS", r"did you mean gtts\?"), ("x", "choose one")],
)
def test_an_unknown_name_is_refused_with_those_there_are(name: str, remedy: str) -> None:
    known = "py-nanotts, kokoro, gtts, espeak-ng, command"
    with pytest.raises(EngineError, match=f"no engine {name!r} among {known}; {remedy}"):
        engine(name)


def test_engines_need_no_limit_and_no_caution() -> None:
    assert at_once(NanoTts()) is None
    assert caution(NanoTts()) == ""


def test_an_engine_that_cannot_speak_is_a_sound_that_cannot_be_made() -> None:
    assert issubclass(EngineError, SoundError)


class TestTheirs:
    """``acme-voice`` is installed: a module, and metadata with its entry points."""

    @pytest.fixture(autouse=True)
    def acme(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "acme_voice.py").write_text(
            "from callcentre_disclosure.speech.engines import Speech\n"
            "class Acme:\n"
            "    name = 'acme 3'\n"
            "    languages = ('br',)\n"
            "    at_once = 2\n"
            "    def speak(self, text, language):\n"
            "        return Speech([0.5], 8000)\n"
            "def broken(): raise RuntimeError('no licence')\n"
            "class Mute:\n"
            "    name = 'mute'\n"
        )
        information = tmp_path / "acme_voice-3.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-voice\n")
        (information / "entry_points.txt").write_text(
            f"[{engines.ENTRY_POINTS}]\n"
            "acme = acme_voice:Acme\n"
            "kokoro = acme_voice:Acme\n"
            "broken = acme_voice:broken\n"
            "gone = acme_voice:Gone\n"
            "missing = acme_voices:Acme\n"
            "mute = acme_voice:Mute\n"
        )
        monkeypatch.syspath_prepend(tmp_path)

    def test_it_is_found_by_its_name(self) -> None:
        found: Engine = engine("acme")
        assert (found.name, found.languages, at_once(found)) == ("acme 3", ("br",), 2)
        assert found.speak("demat", "br").rate == 8000
        assert engine_names()[-5:] == ("acme", "broken", "gone", "missing", "mute")

    def test_it_does_not_take_the_name_of_ours(self) -> None:
        assert engine("kokoro") == Kokoro()

    def test_it_is_among_those_there_are(self) -> None:
        with pytest.raises(EngineError, match=r"did you mean acme\?"):
            engine("acmee")

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("broken", "cannot be loaded: RuntimeError: no licence"),
            ("gone", "cannot be loaded: AttributeError: .*Gone"),
            ("missing", "cannot be loaded: ModuleNotFoundError: .*acme_voices"),
            ("mute", "has no languages, speak"),
        ],
    )
    def test_one_that_cannot_be_loaded_names_its_package(self, name: str, problem: str) -> None:
        with pytest.raises(EngineError, match=rf"acme-voice.*{problem}.*; mend or upgrade acme-v"):
            engine(name)


def test_an_engine_of_three_things_is_one() -> None:
    @dataclass(frozen=True)
    class Own:
        name: str = "own"
        languages: tuple[str, ...] = ("fr",)

        def speak(self, text: str, language: str) -> Speech:
            raise SoundError(f"cannot say {text!r} in {language}")

    own: Engine = Own()
    assert (at_once(own), caution(own)) == (None, "")
