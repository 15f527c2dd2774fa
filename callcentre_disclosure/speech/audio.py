"""From speech to the telephone.

::

    mono ─ 8 or 16 kHz ─ high-pass 250 Hz ─ trim, 50 ms either side ─ -22 dBov active, peaks below
    -3 dBFS

Samples are floats between -1 and 1. A level in dBov is relative to a full-scale square wave
(ITU-T G.100.1), so that a full-scale sine is at -3.01 dBov; RFC 7874 recommends about -22 dBov.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from math import exp, inf, log10

from callcentre_disclosure.errors import SoundError

from .engines import INSTALL
from .loudness import LEVEL as LEVEL
from .loudness import PEAK as PEAK

try:
    import numpy as np
    import numpy.typing as npt
    import soxr
except ImportError as missing:
    raise SoundError(f"{missing.name} is not installed", remedy=INSTALL) from missing

Samples = npt.NDArray[np.float64]

RATE = 8000
"""Hz: what most telephone lines carry; wideband ones carry 16000."""
MARGIN = 0.05
"""Seconds of lead and of tail. Whatever follows the last word delays the bridge."""

_HIGH_PASS = 250.0  # Hz, -6 dB there; below 200 Hz -50 dB
# dB relative to the loudest 5 ms of a recording:
_CLEAR = -20.0  # what is louder is speech, whatever the noise
_PLAIN = -30.0  # what is fainter, and has nothing louder near it, is a click or a breath
_FAINT = -45.0  # what is fainter is not heard
_NEAR = 60  # frames of 5 ms
_ABOVE_NOISE = 10.0  # dB above the steady noise of a room: what is fainter is the room
_STEADY = 5.0  # dB: frames of noise differ by less, pauses and consonants by more
_P56_MARGIN = 15.9  # dB between the active speech level and the threshold of activity


def to_telephone(
    samples: npt.ArrayLike, rate: int, *, out_rate: int = RATE, level: float = LEVEL
) -> Samples:
    """Speech of any rate (Hz) as a caller is to hear it: mono, at ``out_rate``, trimmed, and at
    an active speech ``level`` (dBov).

    ``samples`` is a row, or one column a channel. Raises ``SoundError`` where there is no speech.
    """
    return versions(samples, rate, [out_rate], level)[out_rate]


def versions(
    samples: npt.ArrayLike, rate: int, rates: Collection[int], level: float = LEVEL
) -> dict[int, Samples]:
    """The same speech at several rates, each as ``to_telephone`` makes it and as long as the
    others: where it begins and ends is heard once, at the highest rate."""
    mono = np.asarray(samples, dtype=np.float64)
    if mono.ndim == 2:
        mono = mono.mean(axis=1)
    if not mono.size or not np.isfinite(mono).all():
        raise _no_speech()
    widest = max(rates)
    wide = trimmed(high_passed(resampled(mono, rate, widest), widest), widest)
    return {out: levelled(resampled(wide, widest, out), out, level) for out in rates}


def silence(seconds: float, rate: int = RATE) -> Samples:
    return np.zeros(round(seconds * rate))


def resampled(samples: Samples, rate: int, out_rate: int) -> Samples:
    """Samples at another rate, without what it cannot carry."""
    if rate == out_rate:
        return samples
    converted: Samples = soxr.resample(samples, rate, out_rate, quality="VHQ")
    return converted


def high_passed(samples: Samples, rate: int = RATE) -> Samples:
    """Samples without hum, rumble and offset: linear phase, same length."""
    taps = _high_pass_taps(rate)
    half = len(taps) // 2
    whole: Samples = np.convolve(samples, taps)
    return whole[half : half + len(samples)]


def trimmed(samples: Samples, rate: int = RATE) -> Samples:
    """Samples with just ``MARGIN`` seconds before the first and after the last sound.

    Neither the steady noise of a room nor a faint click on its own (Pico's, long after the last
    word) is a sound.
    """
    frame = rate // 200
    whole = np.pad(samples, (0, -len(samples) % frame))
    power = (whole.reshape(-1, frame) ** 2).mean(axis=1)
    loudest = power.max(initial=0.0)
    if not loudest:
        raise _no_speech()
    faintest = max(loudest * _ratio(_FAINT), _noise(power) * _ratio(_ABOVE_NOISE))
    heard = np.flatnonzero(power > min(faintest, loudest * _ratio(_CLEAR)))
    plain = np.flatnonzero(power > loudest * _ratio(_PLAIN))
    heard = heard[(heard >= plain[0] - _NEAR) & (heard <= plain[-1] + _NEAR)]
    margin = round(MARGIN * rate)
    padded = np.pad(whole, margin)
    kept: Samples = padded[heard[0] * frame : (heard[-1] + 1) * frame + 2 * margin].copy()
    ramp = np.linspace(0.0, 1.0, frame)
    kept[:frame] *= ramp
    kept[-frame:] *= ramp[::-1]
    return kept


def levelled(samples: Samples, rate: int = RATE, wanted: float = LEVEL) -> Samples:
    """Samples at a level (dBov) with no peak above ``PEAK``.

    A gain, and where that makes peaks too high a look-ahead limiter, driven harder until the
    level is right again. Speech always gets to ``LEVEL``. Where a signal cannot get to what is
    wanted (single clicks on silence), the peak holds and the level stays below.
    """
    drive = wanted - level(samples, rate)
    for _ in range(8):
        loud = _limited(samples * 10 ** (drive / 20), rate)
        missed = wanted - level(loud, rate)
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


@lru_cache
def _high_pass_taps(rate: int) -> Samples:
    """A windowed sinc (Hamming): all that is there, less what is below ``_HIGH_PASS``."""
    half = round(127 * rate / RATE)
    offsets = np.arange(-half, half + 1)
    low_pass = np.sinc(2 * _HIGH_PASS / rate * offsets) * np.hamming(len(offsets))
    taps: Samples = -low_pass / low_pass.sum()
    taps[half] += 1.0
    return taps


def _noise(power: Samples) -> float:
    """The power of the steady noise under a recording, from that of its frames of 5 ms; 0.0
    where there is none.

    It is what the quietest sixth of a recording has in common. Without noise these are the
    fainter consonants and the pauses between words, which have nothing in common.
    """
    longer = power[: len(power) // 4 * 4].reshape(-1, 4).mean(axis=1)  # 20 ms: steadier
    if not len(longer):
        return 0.0
    low, middle, high = np.quantile(longer, (0.02, 0.08, 0.16))
    return float(middle) if high < low * _ratio(_STEADY) else 0.0


def _limited(samples: Samples, rate: int) -> Samples:
    """The samples turned down around every peak above ``PEAK``, 5 ms ahead and 5 ms after."""
    ceiling = 10 ** ((PEAK - 0.05) / 20)
    loudest = np.abs(samples)
    if loudest.max() <= ceiling:
        return samples
    half = rate // 200
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


def _ratio(decibels: float) -> float:
    ratio: float = 10.0 ** (decibels / 10)
    return ratio


def _no_speech() -> SoundError:
    return SoundError("no speech in it", remedy="listen to it; make or record it again")
