"""gTTS against a Google of our own, with a certificate that nobody signed."""

from __future__ import annotations

import pickle
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from importlib import metadata
from typing import Protocol

import pytest

from callcentre_disclosure.errors import EngineError, SoundError
from callcentre_disclosure.speech.engines import Gtts, at_once, caution

from .fake_web import CERTIFICATE, Answer, FakeWeb, fake_web, mp3, sentences_of, spoken

TEXT = "Votre appel pourra être traité au Maroc, merci de patienter."
BUSY = Answer(429, b"<html>unusual traffic</html>")


class Google(Protocol):
    def __call__(self, *answers: Answer) -> tuple[FakeWeb, Gtts]: ...


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def google(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """A Google that gives these answers, with an engine that trusts it and only notes pauses."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ExitStack() as stack:

        def started(*answers: Answer) -> tuple[FakeWeb, Gtts]:
            web = stack.enter_context(fake_web(answers, tls=True))
            return web, Gtts(web.address, pauses.append)

        yield started


def test_a_sentence_is_sent_and_heard(google: Google) -> None:
    web, engine = google(spoken(mp3(0.5)))
    speech = engine.speak(TEXT, "fr")
    assert speech.rate == 24000
    assert 0.4 < len(speech.samples) / speech.rate < 0.8
    assert speech.samples.any()
    assert sentences_of(web) == [(TEXT, "fr")]


def test_a_long_sentence_goes_in_parts(google: Google) -> None:
    web, engine = google(spoken(mp3(0.5)))
    long = ", ".join(["au Maroc", "en Tunisie", "à Madagascar"] * 5)
    speech = engine.speak(long, "fr")
    assert len(web.asked) > 1
    assert len(speech.samples) / speech.rate > 0.4 * len(web.asked)


@pytest.mark.parametrize(
    ("language", "sent"),
    [("fr-BE", "fr"), ("fr-ca", "fr-CA"), ("en-GB", "en"), ("zh-Hans", "zh")],
)
def test_a_region_falls_back_to_its_language(google: Google, language: str, sent: str) -> None:
    web, engine = google(spoken(mp3()))
    engine.speak("a", language)
    assert [tag for _, tag in sentences_of(web)] == [sent]


def test_a_certificate_that_nobody_signed_is_refused(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gTTS itself would send: it switches the checks off."""
    web, engine = google(spoken(mp3()))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(EngineError, match=r"certificate.*REQUESTS_CA_BUNDLE"):
        engine.speak(TEXT, "fr")
    assert web.asked == []


def test_a_redirection_is_not_followed(google: Google) -> None:
    web, engine = google(Answer(302, headers={"Location": "http://127.0.0.1:1/sorry"}))
    with pytest.raises(EngineError, match="answers 302"):
        engine.speak(TEXT, "fr")
    assert len(web.asked) == 1


def test_no_network_is_said_at_once(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"https://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(EngineError) as stopped:
            Gtts(host, pauses.append).speak(TEXT, "fr")
    assert stopped.match(f"gTTS needs {host}, which cannot be reached: .*refused")
    assert stopped.match("; build with another engine, or when online$")
    assert pauses == []


def test_a_limit_is_waited_for(google: Google, pauses: list[float]) -> None:
    web, engine = google(BUSY, Answer(503), spoken(mp3()))
    assert engine.speak(TEXT, "fr").samples.any()
    assert len(web.asked) == 3
    assert pauses == sorted(pauses)
    assert len(pauses) == 2
    assert min(pauses) > 0


@pytest.mark.parametrize(("asked", "waited"), [("60", 60.0), ("1", 5.0), ("soon", 5.0)])
def test_retry_after_is_honoured(
    google: Google, pauses: list[float], asked: str, waited: float
) -> None:
    _, engine = google(Answer(429, headers={"Retry-After": asked}), spoken(mp3()))
    engine.speak(TEXT, "fr")
    assert pauses == [waited]


def test_retry_after_may_be_a_date(google: Google, pauses: list[float]) -> None:
    then = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=100), usegmt=True)
    _, engine = google(Answer(429, headers={"Retry-After": then}), spoken(mp3()))
    engine.speak(TEXT, "fr")
    assert pauses[0] == pytest.approx(100, abs=30)


def test_too_long_a_wait_is_not_begun(google: Google, pauses: list[float]) -> None:
    _, engine = google(Answer(429, headers={"Retry-After": "3600"}))
    with pytest.raises(EngineError, match="429 Too Many Requests, and asks to wait 3600 s"):
        engine.speak(TEXT, "fr")
    assert pauses == []


def test_limits_without_end_stop_the_build(google: Google, pauses: list[float]) -> None:
    web, engine = google(BUSY)
    with pytest.raises(EngineError, match="answers 429 Too Many Requests; build with another"):
        engine.speak(TEXT, "fr")
    assert len(web.asked) == len(pauses) + 1 == 4


def test_a_refusal_is_not_asked_again(google: Google, pauses: list[float]) -> None:
    web, engine = google(Answer(403))
    with pytest.raises(EngineError, match="answers 403 Forbidden"):
        engine.speak(TEXT, "fr")
    assert (len(web.asked), pauses) == (1, [])


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(200), "there is no sound"),
        (Answer(200, b"<html>Before you continue to Google</html>"), "there is no sound"),
        (Answer(200, b'[["wrb.fr","jQ1olc",null,null]]'), "there is no sound"),
        (spoken(b""), "there is no sound"),
        (spoken(b"no MP3"), "cannot be read"),
        (Answer(200, b'[["wrb.fr","jQ1olc","[]",null]]'), "cannot be read"),
        (Answer(200, b'[["wrb.fr","jQ1olc","[7]",null]]'), "cannot be read"),
        (Answer(200, b'[["wrb.fr","jQ1olc","[\\"a\\"]",null]]'), "cannot be read"),
        (spoken(mp3(loudness=0)), "said nothing"),
    ],
)
def test_an_answer_without_speech_is_an_error(google: Google, answer: Answer, problem: str) -> None:
    _, engine = google(answer)
    with pytest.raises(SoundError, match=problem) as refused:
        engine.speak(TEXT, "fr")
    assert not isinstance(refused.value, EngineError)


@pytest.mark.parametrize("text", ["", "  ", "…"])
def test_nothing_to_say_is_not_sent(google: Google, text: str) -> None:
    web, engine = google(spoken(mp3()))
    with pytest.raises(SoundError, match="said nothing"):
        engine.speak(text, "fr")
    assert web.asked == []


def test_an_unknown_language_is_not_sent(google: Google) -> None:
    web, engine = google(spoken(mp3()))
    with pytest.raises(SoundError, match=r"gTTS does not speak 'br'; it speaks .*\bfr, fr-CA\b"):
        engine.speak(TEXT, "br")
    assert web.asked == []


def test_it_warns_and_speaks_alone() -> None:
    assert at_once(Gtts()) == 1
    assert "to Google" in caution(Gtts())


def test_the_manifest_learns_the_version() -> None:
    assert Gtts().name == f"gTTS {metadata.version('gTTS')}"


def test_it_travels_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Gtts())) == Gtts()


def test_not_installed_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gtts", None)
    monkeypatch.setitem(sys.modules, "gtts.lang", None)
    with pytest.raises(EngineError, match=r"pip install 'callcentre-disclosure\[gtts\]'"):
        Gtts().speak(TEXT, "fr")
