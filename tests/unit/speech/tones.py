"""An engine without a voice: what it says is a tone in syllables, quickly made."""

from __future__ import annotations

import os
from dataclasses import dataclass

from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.speech.engines import Speech


@dataclass(frozen=True)
class Tones:
    """Speaks any text, but for those that begin with what should go wrong."""

    name: str = "tones 1.0"
    languages: tuple[str, ...] = ("fr", "en")

    def speak(self, text: str, language: str) -> Speech:
        import numpy as np

        match text.partition(" ")[0]:
            case "unspeakable":
                raise SoundError("cannot say that", remedy="reword it")
            case "broken":
                raise AssertionError("no text to speak")
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
