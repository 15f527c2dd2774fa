"""Pico speaks, or says why it cannot."""

from __future__ import annotations

import pickle
import sys
from importlib import metadata

import pytest

from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.engines import Engine, NanoTts


@pytest.fixture
def engine() -> Engine:
    return NanoTts()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Votre appel pourra être traité au Maroc, merci de patienter."),
        ("fr-CA", "Votre appel pourra être traité à l’île Maurice, merci de patienter."),
        ("en", "Your call may be handled in Morocco, please hold."),
        ("EN-us", "Your call may be handled in Morocco, please hold."),
    ],
)
def test_a_sentence_reaches_the_telephone(engine: Engine, language: str, text: str) -> None:
    speech = engine.speak(text, language)
    heard = audio.to_telephone(speech.samples, speech.rate)
    assert 2.5 < len(heard) / audio.RATE < 5.0
    assert audio.level(heard) == pytest.approx(audio.LEVEL, abs=0.2)
    assert audio.peak(heard) <= audio.PEAK


@pytest.mark.parametrize("language", NanoTts().languages)
def test_every_language_it_names_is_spoken(engine: Engine, language: str) -> None:
    assert engine.speak("Madagascar", language).samples.any()


def test_decomposed_accents_are_accents(engine: Engine) -> None:
    composed, decomposed = "à l'été", "a\u0300 l'e\u0301te\u0301"
    assert len(engine.speak(composed, "fr").samples) == len(engine.speak(decomposed, "fr").samples)


def test_the_manifest_learns_the_version(engine: Engine) -> None:
    assert engine.name == f"py-nanotts {metadata.version('py-nanotts')}"


def test_it_travels_to_another_process(engine: Engine) -> None:
    assert pickle.loads(pickle.dumps(engine)) == engine


def test_an_unknown_language_is_refused_with_those_it_speaks(engine: Engine) -> None:
    with pytest.raises(SoundError, match=r"'ar'.* fr, en, en-GB, en-US, it, es, de"):
        engine.speak("مرحبا", "ar")


@pytest.mark.parametrize("text", ["", "  ", "…"])
def test_nothing_said_is_an_error(engine: Engine, text: str) -> None:
    with pytest.raises(SoundError, match="said nothing"):
        engine.speak(text, "fr")


@pytest.mark.parametrize("text", ["Votre appel: المغرب.", "Ваш звонок", "<speed level='500'>vite"])
def test_what_it_would_leave_out_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(SoundError, match="would leave out"):
        engine.speak(text, "fr")


def test_not_installed_says_how_to_install(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_found)
    monkeypatch.setitem(sys.modules, "py_nanotts", None)
    install = r"pip install 'callcentre-disclosure\[speech\]'"
    with pytest.raises(SoundError, match=install):
        _ = engine.name
    with pytest.raises(SoundError, match=install):
        engine.speak("bonjour", "fr")
