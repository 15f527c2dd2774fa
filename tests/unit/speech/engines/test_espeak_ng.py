"""eSpeak NG speaks every language, and spells nothing out in another."""

from __future__ import annotations

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from callcentre_disclosure.errors import EngineError, SoundError
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.engines import EspeakNg, Speech, at_once, caution


@pytest.fixture
def engine() -> EspeakNg:
    return EspeakNg()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Votre appel pourra être traité au Maroc, merci de patienter."),
        ("fr-CA", "Votre appel pourra être traité à l’île Maurice, merci de patienter."),
        ("en-US", "Your call may be handled in Morocco, please hold."),
        ("de-AT", "Ihr Anruf kann in Marokko bearbeitet werden, bitte warten Sie."),
        ("ar", "قد يتم الرد على مكالمتك في المغرب، يرجى الانتظار."),
        ("ru", "Ваш звонок может быть обработан в Марокко."),
        ("pt-BR", "A sua chamada pode ser atendida em Marrocos, aguarde por favor."),
        ("es-MX", "Su llamada podrá atenderse en Marruecos, espere por favor."),
    ],
)
def test_a_sentence_reaches_the_telephone(engine: EspeakNg, language: str, text: str) -> None:
    speech = engine.speak(text, language)
    heard = audio.to_telephone(speech.samples, speech.rate)
    assert 2.0 < len(heard) / audio.RATE < 6.0
    assert float(np.abs(speech.samples).max()) < 1.0


def seconds(speech: Speech) -> float:
    """How long it is; eSpeak NG leaves a hundredth of it to chance."""
    return len(speech.samples) / speech.rate


def test_it_speaks_more_than_a_hundred_languages(engine: EspeakNg) -> None:
    assert len(engine.languages) > 100
    assert {"fr", "en", "ar", "pt", "zh"} <= set(engine.languages)


def test_another_language_in_between_leaves_no_trace(engine: EspeakNg) -> None:
    before = seconds(engine.speak("Bonjour.", "fr"))
    engine.speak("Hello.", "en")
    assert seconds(engine.speak("Bonjour.", "fr")) == pytest.approx(before, rel=0.02)


def test_a_lower_rate_is_slower() -> None:
    slow, fast = (len(EspeakNg(rate).speak("Bonjour.", "fr").samples) for rate in (100, 200))
    assert slow > 1.5 * fast


def test_threads_do_not_talk_over_each_other(engine: EspeakNg) -> None:
    texts = ["Bonjour.", "Votre appel pourra être traité en Tunisie.", "Merci de patienter."]
    alone = [seconds(engine.speak(text, "fr")) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: seconds(engine.speak(text, "fr")), texts * 8))
    assert together == pytest.approx(alone * 8, rel=0.02)


def test_a_country_it_takes_for_english_is_respelt(engine: EspeakNg) -> None:
    countries, respelt = "Éthiopie " * 8, "Étiopie " * 8
    assert seconds(engine.speak(countries, "fr")) == pytest.approx(
        seconds(engine.speak(respelt, "fr")), rel=0.02
    )


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Votre appel: المغرب."),
        ("de", "Ваш звонок"),
        ("ja", "日本"),
        ("fr", "α"),
        ("ar", "а"),
    ],
)
def test_what_it_would_spell_out_is_refused(engine: EspeakNg, language: str, text: str) -> None:
    with pytest.raises(SoundError, match="would leave out"):
        engine.speak(text, language)


@pytest.mark.parametrize("text", ["<break time='9s'/>oui", "[[b'O~ZuR]] oui", "[[oui"])
def test_markup_is_read_out_not_obeyed(engine: EspeakNg, text: str) -> None:
    assert len(engine.speak(text, "fr").samples) > len(engine.speak("oui", "fr").samples)


def test_its_own_commands_are_refused(engine: EspeakNg) -> None:
    with pytest.raises(SoundError, match=r"U\+0001"):
        engine.speak("\x0150S vite", "fr")


@pytest.mark.parametrize("text", ["", "  ", "…"])
def test_nothing_said_is_an_error(engine: EspeakNg, text: str) -> None:
    with pytest.raises(SoundError, match="said nothing"):
        engine.speak(text, "fr")


@pytest.mark.parametrize("language", ["xx", "", "../fr", "fr\0"])
def test_an_unknown_language_is_refused_with_those_it_speaks(
    engine: EspeakNg, language: str
) -> None:
    with pytest.raises(SoundError, match=r"does not speak .* it speaks af, .*\bfr\b"):
        engine.speak("Bonjour", language)


def test_it_warns(engine: EspeakNg) -> None:
    assert "hard to understand" in caution(engine)
    assert at_once(engine) is None


def test_the_manifest_learns_the_version(engine: EspeakNg) -> None:
    assert engine.name == "espeak-ng 1.52.0 (espeakng-loader 0.2.4)"


def test_it_travels_to_another_process(engine: EspeakNg) -> None:
    assert pickle.loads(pickle.dumps(engine)) == engine


def test_not_installed_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from callcentre_disclosure.speech.engines import espeak_ng

    espeak_ng._library.cache_clear()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(EngineError, match=r"pip install 'callcentre-disclosure\[espeak\]'"):
        EspeakNg().speak("Bonjour", "fr")
