"""From speech to the telephone.

::

    mono ─ 8 kHz ─ high-pass 250 Hz ─ trim, 50 ms either side ─ -22 dBov active, peaks below -3 dBFS

Samples are floats between -1 and 1. A level in dBov is relative to a full-scale square wave
(ITU-T G.100.1), so that a full-scale sine is at -3.01 dBov; RFC 7874 recommends about -22 dBov.
"""

from __future__ import annotations

import io
import wave
from math import exp, inf, log10

from callcentre_disclosure.errors import SoundError

from .engines import INSTALL

try:
    import numpy as np
    import numpy.typing as npt
    import soxr
except ImportError as missing:
    raise SoundError(f"{missing.name} is not installed", remedy=INSTALL) from missing

Samples = npt.NDArray[np.float64]

RATE = 8000
"""Hz: what a telephone line carries."""
LEVEL = -22.0
"""dBov: the active speech level of every sound."""
TOLERANCE = 1.0
"""dB: how far from ``LEVEL`` a sound may be."""
PEAK = -3.0
"""dBFS: no sample is louder."""
MARGIN = 0.05
"""Seconds of lead and of tail. Whatever follows the last word delays the bridge."""

_HIGH_PASS = 250.0  # Hz, -6 dB there; below 200 Hz -50 dB
_TRIM = -45.0  # dB below the loudest 5 ms
_P56_MARGIN = 15.9  # dB between the active speech level and the threshold of activity


def to_telephone(samples: npt.ArrayLike, rate: int) -> Samples:
    """Speech of any rate (Hz) as a caller is to hear it: mono, 8 kHz, trimmed and levelled.

    ``samples`` is a row, or one column a channel. Raises ``SoundError`` where there is no speech.
    """
    mono = np.asarray(samples, dtype=np.float64)
    if mono.ndim == 2:
        mono = mono.mean(axis=1)
    if not mono.size or not np.isfinite(mono).all():
        raise _no_speech()
    narrow = soxr.resample(mono, rate, RATE, quality="VHQ") if rate != RATE else mono
    return levelled(trimmed(high_passed(narrow)))


def high_passed(samples: Samples) -> Samples:
    """8 kHz samples without hum, rumble and offset: linear phase, same length."""
    half = len(_TAPS) // 2
    whole: Samples = np.convolve(samples, _TAPS)
    return whole[half : half + len(samples)]


def trimmed(samples: Samples) -> Samples:
    """8 kHz samples with just ``MARGIN`` seconds before the first and after the last sound."""
    frame = RATE // 200
    whole = np.pad(samples, (0, -len(samples) % frame))
    power = (whole.reshape(-1, frame) ** 2).mean(axis=1)
    loudest = power.max(initial=0.0)
    if not loudest:
        raise _no_speech()
    heard = np.flatnonzero(power > loudest * 10 ** (_TRIM / 10))
    margin = round(MARGIN * RATE)
    padded = np.pad(whole, margin)
    kept: Samples = padded[heard[0] * frame : (heard[-1] + 1) * frame + 2 * margin].copy()
    ramp = np.linspace(0.0, 1.0, frame)
    kept[:frame] *= ramp
    kept[-frame:] *= ramp[::-1]
    return kept


def levelled(samples: Samples) -> Samples:
    """Samples at ``LEVEL`` with no peak above ``PEAK``.

    A gain, and where that makes peaks too high a look-ahead limiter, driven harder until the
    level is right again. Speech always gets there. Where a signal cannot (single clicks on
    silence), the peak holds and the level stays below; ``check`` then reports it.
    """
    drive = LEVEL - level(samples)
    for _ in range(8):
        loud = _limited(samples * 10 ** (drive / 20))
        missed = LEVEL - level(loud)
        if abs(missed) < 0.05:
            break
        drive += missed
    return loud


def level(samples: npt.ArrayLike, rate: int = RATE) -> float:
    """Active speech level in dBov by ITU-T P.56 method B: the level while somebody speaks.

    Speech is active where its envelope (two smoothings of 0.03 s) is above a threshold, and for
    0.2 s after. The threshold sought lies 15.9 dB below the level that it yields: it is
    interpolated between those of a ladder in steps of 6 dB. Raises ``SoundError`` on silence.
    """
    signal = np.asarray(samples, dtype=np.float64)
    energy = float((signal * signal).sum())
    if not energy:
        raise _no_speech()
    hangover = round(0.2 * rate)
    envelope = _envelope(signal, rate)
    # The active level is no less than that of the whole: lower rungs cannot be the ones sought.
    overall = 10 * log10(energy / len(signal))
    lowest = min(15, int((_P56_MARGIN - overall) / (20 * log10(2))) + 1)
    below: tuple[float, float] | None = None  # the rung below: its active level, its distance
    for bits in range(lowest, 0, -1):
        active = _samples_active(envelope >= 2.0**-bits, hangover)
        if not active:
            break
        active_level = 10 * log10(energy / active)
        distance = active_level + bits * 20 * log10(2)
        if distance > _P56_MARGIN:
            below = active_level, distance
        elif below is None:
            break
        else:
            share = (below[1] - _P56_MARGIN) / (below[1] - distance)
            return below[0] + share * (active_level - below[0])
    raise _no_speech()


def peak(samples: npt.ArrayLike) -> float:
    """The loudest sample in dBFS; minus infinity for silence."""
    loudest = float(np.abs(np.asarray(samples, dtype=np.float64)).max(initial=0.0))
    return 20 * log10(loudest) if loudest else -inf


def wav(samples: Samples) -> bytes:
    """8 kHz samples as the bytes of a ``.wav``: PCM, 16 bits, mono."""
    pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(pcm.tobytes())
    return file.getvalue()


def from_pcm(pcm: bytes) -> Samples:
    """16-bit little-endian PCM as samples."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32768


def _high_pass_taps() -> Samples:
    """A windowed sinc (Hamming): all that is there, less what is below ``_HIGH_PASS``."""
    offsets = np.arange(-127, 128)
    low_pass = np.sinc(2 * _HIGH_PASS / RATE * offsets) * np.hamming(len(offsets))
    taps: Samples = -low_pass / low_pass.sum()
    taps[len(taps) // 2] += 1.0
    return taps


_TAPS = _high_pass_taps()


def _limited(samples: Samples) -> Samples:
    """The samples turned down around every peak above ``PEAK``, 5 ms ahead and 5 ms after."""
    ceiling = 10 ** ((PEAK - 0.05) / 20)
    loudest = np.abs(samples)
    if loudest.max() <= ceiling:
        return samples
    half = RATE // 200
    gain = np.pad(ceiling / np.maximum(loudest, ceiling), 2 * half, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(gain, 2 * half + 1).min(axis=1)
    window = np.hanning(2 * half + 3)[1:-1]  # reaches no further than `lowest` looks
    return samples * np.convolve(lowest, window / window.sum(), mode="valid")


def _envelope(signal: Samples, rate: int) -> Samples:
    """P.56's two smoothings in series, by their impulse response: (1-g)² (n+1) gⁿ."""
    decay = exp(-1 / (0.03 * rate))
    length = min(len(signal), round(1.2 * rate))  # 40 time constants: 1e-16 is left
    offsets = np.arange(length)
    response = (1 - decay) ** 2 * (offsets + 1) * decay**offsets
    size = 1 << (len(signal) + length).bit_length()
    spectrum = np.fft.rfft(np.abs(signal), size) * np.fft.rfft(response, size)
    envelope: Samples = np.fft.irfft(spectrum, size)[: len(signal)]
    return envelope


def _samples_active(loud: npt.NDArray[np.bool_], hangover: int) -> int:
    """How many samples are loud, or at most ``hangover`` samples after one that is."""
    where = np.flatnonzero(loud)
    gaps = np.diff(where, append=len(loud))
    return int(np.minimum(gaps, hangover + 1).sum())


def _no_speech() -> SoundError:
    return SoundError("no speech in it", remedy="listen to it; make or record it again")
