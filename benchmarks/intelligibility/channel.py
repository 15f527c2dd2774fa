"""A telephone line, for sounds that have not been through one."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import soxr

from callcentre_disclosure.testing.g711 import PCMU

Samples = npt.NDArray[np.float64]

RATE = 8000
"""Hz."""
BAND = (300.0, 3400.0)
"""Hz, -6 dB at both ends: what ITU-T calls telephone bandwidth."""


def telephone(samples: Samples, rate: int) -> Samples:
    """Sound of any rate as a caller receives it: 8 kHz, 300 to 3400 Hz, through G.711 µ-law."""
    narrow = soxr.resample(samples, rate, RATE, quality="VHQ") if rate != RATE else samples
    pcm = np.clip(np.rint(np.convolve(narrow, _taps(), mode="same") * 32768), -32768, 32767)
    received: Samples = _mu_law()[pcm.astype(np.int32) + 32768] / 32768
    return received


@cache
def _taps() -> Samples:
    offsets = np.arange(-127, 128)
    low, high = (2 * edge / RATE for edge in BAND)
    taps: Samples = high * np.sinc(high * offsets) - low * np.sinc(low * offsets)
    taps *= np.hamming(len(offsets))
    return taps


@cache
def _mu_law() -> Samples:
    """What becomes of each 16-bit sample."""
    return np.array([PCMU.to_pcm[PCMU.from_pcm(sample)] for sample in range(-32768, 32768)], float)
