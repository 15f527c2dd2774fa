"""What a caller heard, and which sound that was.

A ``Recording`` is the audio one phone received in one call, laid out on that call's own clock.
``find`` looks for a sound file in it, ``find_tone`` for a tone.

**How a sound is recognised.** The reference is cut into windows of a quarter of a second, half
overlapping. The loudest windows vote for the place where the reference starts; then every window
in which there is something to hear is compared with the recording at that place, by normalised
cross-correlation: 1 is the same sound at whatever volume, 0 another sound. G.711 costs about 0.001
of it. The sound is *complete* only when **every** window is there, so that two announcements which
differ in one word (« Maroc », « Tunisie ») are told apart, and one that was cut is not taken for a
whole one. A sound that stood still and went on where it was, as on a busy machine, is whole: what
is between its two parts must be silence, and nothing of it may lack.

Needs numpy, which is imported when a search starts and not before.
"""

from __future__ import annotations

import sys
import wave
from array import array
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from callcentre_disclosure.errors import SoundError
from callcentre_disclosure.testing.g711 import PCMA, PCMU, SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Signal = npt.NDArray[np.float64]

WINDOW = 0.25
"""Length of a window of the reference, in seconds; windows overlap by half."""

SAME_SOUND = 0.9
"""Correlation from which a window counts as heard: a fifth of its power may be another's, which is
less than a syllable and more than two lost packets."""

WANDER = 0.05
"""How far, in seconds, a window may lie from where its predecessor puts it (a late packet)."""

PAUSE = 0.5
"""For how long, in seconds, a sound may stand still on its way."""

AUDIBLE = 0.02
"""A window quieter than this share of the loudest one (-34 dB) is a pause, and is not compared."""

_SILENCE = 0.1
"""A pause has less than this share of the power of the sound around it."""

_VOTERS = 48
_WINDOW = round(WINDOW * SAMPLE_RATE)
_HOP = _WINDOW // 2
_CUT = 80
_EDGE = 480
#: So many windows in a row hold a moment in which the sound stood still.
_BROKEN = 3
_TONE_FRAME = SAMPLE_RATE // 50


#: What a file without a header holds, by its extension.
_RAW = {".ulaw": PCMU, ".alaw": PCMA}


@dataclass(frozen=True)
class Recording:
    """16-bit mono audio at 8,000 Hz; ``t0`` is ``time.monotonic()`` at the first sample, in
    seconds: the moment of the INVITE."""

    samples: array[int] = field(repr=False)
    t0: float = 0.0

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE

    def save(self, path: Path) -> None:
        """Writes a WAV file: 8 kHz, 16 bit, mono."""
        samples = self.samples[:]
        if sys.byteorder == "big":
            samples.byteswap()
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(samples.tobytes())

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads what Asterisk plays: a WAV file of 8 kHz, 16 bit, mono, or ``.ulaw`` or ``.alaw``.

        A path without an extension, as Asterisk takes it, is that of whichever there is. Raises
        ``SoundError`` for anything else.
        """
        if not path.suffix:
            there = filter(Path.is_file, map(path.with_suffix, (".wav", *_RAW)))
            path = next(there, path)
        try:
            if law := _RAW.get(path.suffix):
                return cls(law.decode(path.read_bytes()))
            with wave.open(str(path), "rb") as file:
                shape = (file.getframerate(), file.getsampwidth() * 8, file.getnchannels())
                data = file.readframes(file.getnframes())
        except (OSError, EOFError, wave.Error) as error:
            raise SoundError(f"cannot be read ({error})", where=str(path)) from error
        if shape != (SAMPLE_RATE, 16, 1):
            raise SoundError(
                "is {} Hz, {} bit, {} channel(s)".format(*shape),
                where=str(path),
                remedy=f"use {SAMPLE_RATE} Hz, 16 bit, 1 channel",
            )
        samples = array("h")
        samples.frombytes(data)
        if sys.byteorder == "big":
            samples.byteswap()
        return cls(samples)


@dataclass(frozen=True)
class Match:
    """Where a sound was heard. Times in seconds from the start of the recording."""

    start: float
    """When the first part that was heard began."""
    end: float
    """When the last part that was heard ended."""
    heard: float
    """How much of the reference was heard, in seconds, its own pauses included."""
    length: float
    """How long the reference is from its first sound to its last, in seconds."""
    score: float
    """Mean correlation of the reference's windows, 0 to 1; those not heard count as well."""
    missing: tuple[tuple[float, float], ...] = ()
    """The parts that were not heard, in seconds from the start of the reference's file."""

    @property
    def complete(self) -> bool:
        """Whether the whole of the reference was heard, from its first sound to its last."""
        return not self.missing

    def __str__(self) -> str:
        verdict = "complete" if self.complete else f"{self.heard:.2f} of {self.length:.2f} s"
        return f"{self.start:.2f}-{self.end:.2f} s, {verdict}, score {self.score:.2f}"


def find(recording: Recording, reference: Path | Recording, *, after: float = 0.0) -> Match | None:
    """The place where a recording holds a sound, or ``None`` where it holds nothing of it.

    ``reference`` is a WAV file of 8 kHz, 16 bit, mono. Where the sound was heard several times,
    the most complete is reported; ``after`` (seconds) begins the search later. Raises
    ``SoundError`` for a reference that cannot be read or is silent.
    """
    import numpy as np

    sound = reference if isinstance(reference, Recording) else Recording.load(reference)
    wanted = np.array(sound.samples, dtype=np.float64)
    windows = _audible_windows(wanted)
    if not windows:
        raise SoundError("is silent: there is nothing to recognise", where=str(reference))

    # The sound may have begun before the recording or go on after it: silence on both sides.
    around = len(wanted)
    begin = round(after * SAMPLE_RATE)
    signal = np.pad(np.array(recording.samples[begin:], dtype=np.float64), around)
    place = _vote(signal, wanted, windows)

    scores: list[float] = []
    places: list[int] = []
    for window in windows:
        piece = wanted[window.start : window.stop]
        score, shift = _compare(signal, piece, place + window.start, WANDER, WANDER)
        scores.append(score)
        if score >= SAME_SOUND:
            place += shift
        places.append(place)

    heard = [score >= SAME_SOUND for score in scores]
    if any(heard) and not all(heard):
        vote = places[heard.index(True)]
        if ends := _with_pauses(signal, wanted, windows, vote):
            places[0], places[-1] = ends
            heard = [True] * len(windows)
    if not any(heard):
        return None
    first, last = heard.index(True), len(heard) - 1 - heard[::-1].index(True)
    missing = _missing(windows, heard)
    origin = begin - around
    length = windows[-1].stop - windows[0].start
    return Match(
        start=(origin + places[first] + windows[first].start) / SAMPLE_RATE,
        end=(origin + places[last] + windows[last].stop) / SAMPLE_RATE,
        heard=(length - sum(map(len, missing))) / SAMPLE_RATE,
        length=length / SAMPLE_RATE,
        score=float(np.clip(scores, 0, 1).mean()),
        missing=tuple((gap.start / SAMPLE_RATE, gap.stop / SAMPLE_RATE) for gap in missing),
    )


def _missing(windows: list[range], heard: list[bool]) -> list[range]:
    """The stretches of windows that were not heard, less what their neighbours prove was."""
    gaps: list[range] = []
    for was_heard, run in groupby(range(len(windows)), heard.__getitem__):
        if was_heard:
            continue
        indexes = list(run)
        start, stop = windows[indexes[0]].start, windows[indexes[-1]].stop
        before = [windows[indexes[0] - 1].stop] if indexes[0] else []
        behind = [window.start for window in windows[indexes[-1] + 1 :][:1]]
        gap = range(max([start, *before]), min([stop, *behind]))
        gaps.append(gap or range(start, stop))
    return gaps


def _audible_windows(sound: Signal) -> list[range]:
    """The windows of a sound that hold something to hear, from its first sound to its last."""
    import numpy as np

    loud = np.flatnonzero(np.abs(sound) > AUDIBLE * np.abs(sound).max(initial=0))
    if not len(loud):
        return []
    start, stop = int(loud[0]), int(loud[-1]) + 1
    starts = [*range(start, stop - _WINDOW, _HOP), max(stop - _WINDOW, start)]
    windows = [range(at, min(at + _WINDOW, stop)) for at in starts]
    loudness = [np.sqrt(np.mean(sound[window.start : window.stop] ** 2)) for window in windows]
    floor = AUDIBLE * max(loudness)
    return [window for window, rms in zip(windows, loudness, strict=True) if rms >= floor]


def _vote(signal: Signal, wanted: Signal, windows: list[range]) -> int:
    """Where the reference's first sample lies in the signal, according to most of its windows."""
    import numpy as np

    size = 1 << (len(signal) + _WINDOW).bit_length()
    spectrum = np.fft.rfft(signal, size)
    places = max(len(signal) - len(wanted), 0) + 1
    votes = np.zeros(places)
    for window in windows[:: -(-len(windows) // _VOTERS)]:
        piece = wanted[window.start : window.stop]
        likeness = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)
        here = slice(window.start, window.start + places)
        likeness = likeness[here] / (np.linalg.norm(piece) * _loudness(signal, len(piece))[here])
        votes += np.clip(likeness, 0, 1) ** 8  # one window that is right outweighs many that err
    return int(votes.argmax())


def _with_pauses(
    signal: Signal, wanted: Signal, windows: list[range], place: int
) -> tuple[int, int] | None:
    """Where a whole sound that stood still begins according to its first window and its last, of
    which one or the other is near ``place``; None where anything of it lacks."""
    start, stop = windows[0].start, windows[-1].stop
    # It may have stood still in its first window, or in its last.
    windows = [range(start, start + _EDGE), *windows, range(stop - _EDGE, stop)]
    last = -1
    before = PAUSE
    places: list[int] = []
    for index, window in enumerate(windows):
        piece = wanted[window.start : window.stop]
        score, shift = _compare(signal, piece, place + window.start, before, PAUSE)
        if score < SAME_SOUND:
            if last < 0 or index - last > _BROKEN:
                return None
            continue
        place += shift
        if last >= 0 and (index - last > 1 or place - places[-1] > WANDER * SAMPLE_RATE):
            stretch = range(windows[last].start, window.stop)
            if not _stood_still(signal, wanted, stretch, places[-1], place):
                return None
        last, before = index, WANDER
        places.append(place)
    return (places[0], places[-1]) if last == len(windows) - 1 else None


def _stood_still(signal: Signal, wanted: Signal, stretch: range, before: int, after: int) -> bool:
    """Whether a stretch of a sound was heard at two places: up to some moment at the one, from then
    on at the other, with silence between."""
    import numpy as np

    if after <= before:
        return False
    power = float(np.mean(wanted[stretch.start : stretch.stop] ** 2))
    for cut in range(stretch.start - stretch.start % _CUT, stretch.stop + _CUT, _CUT):
        cut = min(max(cut, stretch.start), stretch.stop)
        between = signal[before + cut : after + cut]
        if (
            np.mean(between**2) <= _SILENCE * power
            and _alike(signal, wanted, range(stretch.start, cut), before)
            and _alike(signal, wanted, range(cut, stretch.stop), after)
        ):
            return True
    return False


def _alike(signal: Signal, wanted: Signal, part: range, place: int) -> bool:
    """Whether a part of a sound is exactly there, or has nothing to hear."""
    import numpy as np

    piece = wanted[part.start : part.stop]
    there = signal[place + part.start : place + part.stop]
    norm = np.linalg.norm(piece)
    if norm <= AUDIBLE * np.abs(wanted).max() * np.sqrt(len(piece)):
        return True
    return bool(piece @ there >= SAME_SOUND * norm * np.linalg.norm(there))


def _compare(
    signal: Signal, piece: Signal, place: int, before: float, after: float
) -> tuple[float, int]:
    """How like the signal is to a piece of sound near a place, so many seconds before or after it
    at most, and how far off it lies, in samples. Of places that are equally alike, the nearest."""
    import numpy as np

    start = max(place - round(before * SAMPLE_RATE), 0)
    wander = round(after * SAMPLE_RATE)
    near = signal[start : place + len(piece) + wander]
    if len(near) < len(piece):
        return 0.0, 0
    likeness = np.correlate(near, piece) / (np.linalg.norm(piece) * _loudness(near, len(piece)))
    shifts = np.arange(len(likeness)) + start - place
    best = int((likeness - 0.02 * np.abs(shifts) / wander).argmax())
    return float(likeness[best]), int(shifts[best])


def _loudness(signal: Signal, size: int) -> Signal:
    """The norm of every stretch of ``size`` samples; at least that of G.711's idle noise."""
    import numpy as np

    energy = np.concatenate(([0.0], np.cumsum(signal**2)))
    norms: Signal = np.sqrt(np.maximum(energy[size:] - energy[:-size], size * 8.0**2))
    return norms


def find_tone(recording: Recording, hz: float) -> list[tuple[float, float]]:
    """When a tone of this frequency was heard: (start, end) in seconds, to 20 ms.

    A stretch counts where four fifths of its power are the tone's, above -50 dBFS, for 40 ms or
    more; breaks of up to 60 ms are bridged.
    """
    import numpy as np

    count = len(recording.samples) // _TONE_FRAME
    samples = np.array(recording.samples[: count * _TONE_FRAME], dtype=np.float64)
    frames = samples.reshape(count, _TONE_FRAME)
    turn = np.exp(-2j * np.pi * hz / SAMPLE_RATE * np.arange(_TONE_FRAME))
    tone = 2 * np.abs(frames @ turn) ** 2 / _TONE_FRAME
    power = np.sum(frames**2, axis=1)
    heard = np.flatnonzero((tone >= 0.8 * power) & (power >= _TONE_FRAME * 100.0**2))

    spans: list[tuple[int, int]] = []
    for frame in map(int, heard):
        if spans and frame - spans[-1][1] <= 3:
            spans[-1] = (spans[-1][0], frame + 1)
        else:
            spans.append((frame, frame + 1))
    seconds = _TONE_FRAME / SAMPLE_RATE
    return [(start * seconds, stop * seconds) for start, stop in spans if stop - start >= 2]
