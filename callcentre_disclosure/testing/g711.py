"""G.711, the audio of the telephone network: one byte a sample, 8,000 samples a second.

µ-law (RTP payload type 0) and A-law (8) to and from 16-bit PCM. The standard library's ``audioop``
did this until Python 3.13 removed it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SAMPLE_RATE = 8000
"""Samples a second, Hz."""

_BIAS = 0x84
_LOUDEST = 32635


def _ulaw_to_pcm(byte: int) -> int:
    byte ^= 0xFF
    magnitude = ((((byte & 0x0F) << 3) + _BIAS) << ((byte >> 4) & 7)) - _BIAS
    return -magnitude if byte & 0x80 else magnitude


def _pcm_to_ulaw(sample: int) -> int:
    magnitude = min(abs(sample), _LOUDEST) + _BIAS
    exponent = magnitude.bit_length() - 8
    byte = exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F
    return (byte | (0x80 if sample < 0 else 0)) ^ 0xFF


def _alaw_to_pcm(byte: int) -> int:
    byte ^= 0x55
    exponent = (byte >> 4) & 7
    magnitude = ((byte & 0x0F) << 4) + 8
    if exponent:
        magnitude = (magnitude + 0x100) << (exponent - 1)
    return magnitude if byte & 0x80 else -magnitude


def _pcm_to_alaw(sample: int) -> int:
    magnitude = sample if sample >= 0 else ~sample
    exponent = max(magnitude.bit_length() - 8, 0)
    byte = exponent << 4 | (magnitude >> max(exponent + 3, 4)) & 0x0F
    return (byte | (0x80 if sample >= 0 else 0)) ^ 0x55


@dataclass(frozen=True)
class Codec:
    """One of the two laws, under its names in SDP and in RTP."""

    name: str
    payload_type: int
    to_pcm: tuple[int, ...] = field(repr=False)
    from_pcm: Callable[[int], int] = field(repr=False)

    def decode(self, payload: bytes) -> array[int]:
        """The 16-bit samples of an RTP payload."""
        return array("h", [self.to_pcm[byte] for byte in payload])

    def encode(self, samples: Iterable[int]) -> bytes:
        """The RTP payload of 16-bit samples."""
        return bytes(map(self.from_pcm, samples))


PCMU = Codec("PCMU", 0, tuple(map(_ulaw_to_pcm, range(256))), _pcm_to_ulaw)
PCMA = Codec("PCMA", 8, tuple(map(_alaw_to_pcm, range(256))), _pcm_to_alaw)

BY_PAYLOAD_TYPE = {codec.payload_type: codec for codec in (PCMU, PCMA)}
