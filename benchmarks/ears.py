"""What a packet of a call is: which 20 ms of which sound, or which agent's voice.

G.711 goes through Asterisk unchanged, so a packet is known by its bytes. One that is not known is
looked at once: where most of its power is an agent's tone, somebody let that agent be heard.
"""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

from callcentre_disclosure.testing.g711 import PCMU, SAMPLE_RATE
from callcentre_disclosure.testing.rtp import FRAME
from callcentre_disclosure.testing.sounds import word

#: What is heard that is neither a sound nor an agent: ringing, music.
OTHER = "other"
#: From this mean power on a packet is audible: -50 dBFS, as in ``recording.find_tone``.
_AUDIBLE = 100.0**2
_PURE = 0.8
#: The smallest sample of µ-law but 0, which has two bytes.
_SMALLEST = 8


class Frame(NamedTuple):
    """20 ms of something; ``number`` counts from 0 within a sound."""

    name: str
    number: int = 0


class Ear:
    """Knows the sounds of a call centre and the voices of its agents."""

    def __init__(self) -> None:
        self.lengths: dict[str, int] = {}
        """How many packets each sound has."""
        self.voices: set[str] = set()
        self._known: dict[bytes, Frame | None] = {}
        self._tones: dict[int, str] = {}

    def learn(self, name: str, samples: array[int]) -> None:
        """Remember a sound of whole packets, each unlike any other."""
        for number, start in enumerate(range(0, len(samples), FRAME)):
            self._remember(PCMU.encode(samples[start : start + FRAME]), Frame(name, number))
        self.lengths[name] = len(samples) // FRAME

    def learn_voice(self, name: str, hz: int, number: int) -> bytes:
        """Give an agent a voice, a tone in a multiple of 50 Hz, and return the packet that they say
        all the time. Its pauses of one sample spell the ``number`` of the agent, below 512."""
        turn = 2 * math.pi * hz / SAMPLE_RATE
        samples = [round(8000 * math.sin(turn * (n + 0.5))) for n in range(FRAME)]
        for bit in range(9):
            if number >> bit & 1:
                samples[16 * bit] = 0
        packet = PCMU.encode(samples)
        self._remember(packet, Frame(name))
        self._tones.setdefault(hz, f"{hz} Hz")
        self.voices |= {name, self._tones[hz]}
        return packet

    def heard(self, payload: bytes) -> Frame | None:
        """What a packet is; None for silence."""
        if payload not in self._known:
            self._known[payload] = self._look(payload)
        return self._known[payload]

    def complete(self, name: str, numbers: list[int], lost: int = 0) -> bool:
        """Whether these packets of a sound end with the whole of it, but for so many lost ones."""
        length = self.lengths[name]
        if numbers[-1] != length - 1:
            return False
        begin = len(numbers) - 1
        while begin and numbers[begin - 1] < numbers[begin]:
            begin -= 1
        return len(numbers) - begin >= length - lost

    def _remember(self, packet: bytes, frame: Frame) -> None:
        other = self._known.setdefault(packet, frame)
        assert other == frame, f"{frame} sounds like {other}"

    def _look(self, payload: bytes) -> Frame | None:
        samples = PCMU.decode(payload)
        power = sum(sample * sample for sample in samples)
        if power < len(samples) * _AUDIBLE:
            return None
        for hz, name in self._tones.items():
            turn = 2 * math.pi * hz / SAMPLE_RATE
            real = sum(sample * math.cos(turn * n) for n, sample in enumerate(samples))
            imaginary = sum(sample * math.sin(turn * n) for n, sample in enumerate(samples))
            if 2 * (real**2 + imaginary**2) / len(samples) >= _PURE * power:
                return Frame(name)
        return Frame(OTHER)


def spoken(text: str, packets: int) -> array[int]:
    """A stand-in for speech that fills so many packets, and that G.711 does not change: it can be
    told from any other by each of its packets."""
    samples = array("h")
    part = 0
    while len(samples) < packets * FRAME:
        part += 1
        samples += word(f"{text}.{part}")
    heard = PCMU.decode(PCMU.encode(samples[: packets * FRAME]))
    return array("h", (sample or _SMALLEST for sample in heard))
