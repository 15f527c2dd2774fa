"""An engine without a voice: what it says is a tone in syllables, quickly made."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callcentre_disclosure.config.manifest import SoundFormat
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import EngineError, SoundError
from callcentre_disclosure.speech.build import BuildReport, build
from callcentre_disclosure.speech.engines import Engine, Speech

LEVEL = -22.0


@dataclass(frozen=True)
class Tones:
    """Speaks any text, but for those that begin with what should go wrong."""

    name: str = "tones 1.0"
    languages: tuple[str, ...] = ("fr", "en")
    at_once: int | None = None

    def speak(self, text: str, language: str) -> Speech:
        import numpy as np

        match text.partition(" ")[0]:
            case "unspeakable":
                raise SoundError("cannot say that", remedy="reword it")
            case "broken":
                raise AssertionError("no text to speak")
            case "offline":
                raise EngineError("there is no network", remedy="connect")
            case "silent":
                return Speech(np.zeros(16000, np.float32), 16000)
            case "interrupt":
                raise KeyboardInterrupt
            case "crash":
                os._exit(3)
        time = np.arange(16000) / 16000
        syllables = np.sin(2 * np.pi * 4 * time) ** 2
        pitch = 500 + sum(text.encode()) % 500
        return Speech((syllables * np.sin(2 * np.pi * pitch * time)).astype(np.float32), 16000)


def saying(text: str, name: str = "fr/hello") -> Announcement:
    return Announcement(name.partition("/")[0], text, name)


def many(count: int) -> list[Announcement]:
    return [saying(f"sentence {number}", f"fr/sentence-{number}") for number in range(count)]


def made(
    wanted: Iterable[Announcement],
    folder: Path,
    *formats: SoundFormat,
    engine: Engine | None = None,
    level: float = LEVEL,
    **rest: Any,
) -> BuildReport:
    """What ``build`` does with an engine for every language; ``.wav`` where no format is given."""
    engines = dict.fromkeys(("fr", "en"), engine or Tones())
    return build(
        wanted, folder, engines, formats=formats or (SoundFormat.WAV,), level=level, **rest
    )
