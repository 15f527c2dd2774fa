"""Sounds for rehearsals, made on the spot: tones, pauses, and stand-ins for speech.

All are 16-bit mono samples at 8,000 Hz. A stand-in is no language, but it swells, glides and
pauses as speech does, and the same text always gives the same samples, so that tests of the
telephone path need no speech engine.
"""

from __future__ import annotations

import math
import random
from array import array

from callcentre_disclosure.testing.g711 import SAMPLE_RATE


def pause(seconds: float) -> array[int]:
    """Digital silence."""
    return array("h", bytes(2 * round(seconds * SAMPLE_RATE)))


def tone(hz: float, seconds: float) -> array[int]:
    """A sine at -12 dBFS."""
    turn = 2 * math.pi * hz / SAMPLE_RATE
    count = round(seconds * SAMPLE_RATE)
    return array("h", [round(8000 * math.sin(turn * i)) for i in range(count)])


def word(text: str) -> array[int]:
    """0.3 to 0.5 s that sound like no other word: a gliding voice, its harmonics and breath."""
    chance = random.Random(text)  # noqa: S311
    length = round(chance.uniform(0.3, 0.5) * SAMPLE_RATE)
    pitch, glide = chance.uniform(90, 220), chance.uniform(-40, 40)
    harmonics = [chance.uniform(0, 1) / math.sqrt(n) for n in range(1, 13)]
    samples = array("h")
    phase = 0.0
    for i in range(length):
        phase += 2 * math.pi * (pitch + glide * i / length) / SAMPLE_RATE
        voice = sum(share * math.sin(n * phase) for n, share in enumerate(harmonics, 1))
        swell = 2500 * math.sin(math.pi * i / length)
        samples.append(round(swell * (voice + chance.gauss(0, 0.4))))
    return samples


def sentence(text: str) -> array[int]:
    """The words of a text, 50 ms apart."""
    samples = array("h")
    for part in text.split():
        samples += (pause(0.05) if samples else pause(0)) + word(part)
    return samples
