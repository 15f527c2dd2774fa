"""Recordings as people make them: a synthesised voice in a room, at a microphone, in a file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.speech import audio
from callcentre_disclosure.speech.audio import Samples
from callcentre_disclosure.speech.engines import NanoTts

MOROCCO = Announcement(
    "fr",
    "Votre appel pourra être traité au Maroc, merci de patienter.",
    "fr/possible-ma-0dc21950",
)
TUNISIA = Announcement(
    "fr",
    "Votre appel pourra être traité en Tunisie, merci de patienter.",
    "fr/possible-tn-1d1d8b5b",
)
ENGLISH = Announcement(
    "en", "Your call may be handled in Morocco, please hold.", "en/possible-ma-ce3a5118"
)
RATE = 16000


@lru_cache
def voice(said: Announcement = MOROCCO, speed: float = 0.95) -> Samples:
    """Somebody says it, at -29 dBov or so, with half a second of silence on either side."""
    speech = NanoTts(speed=speed, volume=0.3).speak(said.text, said.language)
    assert speech.rate == RATE
    spoken: Samples = np.pad(speech.samples.astype(np.float64), RATE // 2)
    spoken.setflags(write=False)
    return spoken


def noisy(samples: Samples, signal_to_noise: float) -> Samples:
    """The voice in a room whose noise is so many dB below it, where a telephone carries both."""
    noise = np.random.default_rng(3).normal(size=len(samples))
    narrow = audio.high_passed(audio.resampled(noise, RATE, audio.RATE))
    heard = audio.high_passed(audio.resampled(samples, RATE, audio.RATE))
    wanted = audio.level(heard) - signal_to_noise
    gain = 10 ** ((wanted - 10 * np.log10(np.mean(narrow**2))) / 20)
    both: Samples = samples + noise * gain
    return both


def save(file: Path, samples: Samples, rate: int = RATE) -> Path:
    """A file in the format that its name ends in; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, samples, rate)
    return file
