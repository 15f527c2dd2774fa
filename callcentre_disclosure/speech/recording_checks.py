"""Is a recording fit for the telephone? What no chain can mend is heard here.

The limits were found with synthesised speech that was spoilt step by step. They let pass what a
headset records in an office (20 to 40 dB above the noise); Asterisk's own sounds have 33 to 59 dB.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from math import log10

import numpy as np

from callcentre_disclosure.errors import SoundError

from . import audio
from .audio import Samples
from .recording_files import Recording

FAINTEST = -50.0
"""dBov: a voice below is lifted by 28 dB or more, and the steps of 16-bit samples with it."""
SIGNAL_TO_NOISE = 20.0
"""dB between the voice (active speech level) and the noise in its pauses, in the telephone band.
Measured to 1 dB up to 30 dB, and never below 34 dB in speech without noise or pauses. A recording
in an echoing room, cut close, measures no better than its echo: 20 to 30 dB."""
CLIPPED = 0.01
"""Seconds of flat peaks. A sentence that is 3 dB too loud has 20 ms and more, 7 ms after MP3, and
one that is 1 dB too loud, which nobody hears, 1 to 13 ms. Without clipping there are none, even
behind a limiter."""
LONGEST_PAUSE = 1.5
"""Seconds between two words. Speakers pause for 0.2 to 0.8 s at a comma or a full stop."""
CUT = -3.0
"""dB: how far the first and the last 10 ms are below the voice, at least. Words that were cut at
-30 dB begin 4.8 dB and end 7 dB below it or more; half of all cuts within speech do not."""
KNOCK = 24.0
"""dB: how far a peak may be above the voice. In speech it is 10 to 21 dB, Asterisk's sounds
included; a table that was hit is above, and the limiter would leave it as loud as can be."""
FASTEST, SLOWEST = 25.0, 9.0
"""Letters a second. Pico speaks 9 to 21 of them, and up to 27 so that it can hardly be understood.
A sentence that is said twice gets 6 to 9."""

_FRAME = audio.RATE // 50
_EDGE = audio.RATE // 100
_DIGITAL_SILENCE = 1e-9  # power: a gate, not the noise of a room
_FLAT = 0.999  # of the loudest sample
_FLAT_FOR = 3 / 16000  # seconds: the peak of a wave that is not clipped is as flat for less
_SPEECH = -30.0  # dB relative to the voice
_ABOVE_NOISE = 8.0  # dB
_CLICK = 3  # frames: what is shorter is no syllable


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a recording, and what to do about it."""

    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a recording: how long somebody speaks in it (seconds), how far the noise
    is below the voice (dB), and its flaws."""

    seconds: float
    signal_to_noise: float
    flaws: tuple[Flaw, ...]


def examine(recording: Recording, text: str) -> Examined:
    """All that is wrong with a recording of a text."""
    narrow = audio.high_passed(audio.resampled(recording.samples, recording.rate, audio.RATE))
    try:
        voice = audio.level(narrow)
        words = audio.trimmed(narrow)
    except SoundError:
        return Examined(0.0, 0.0, (Flaw("nobody speaks in it", "record it again"),))
    power = _power(narrow)
    noise = _noise(power)
    seconds = len(words) / audio.RATE - 2 * audio.MARGIN
    flaws = [
        *_faint(voice),
        *_clipped(recording.samples, recording.rate),
        *_noisy(voice - noise),
        *_pauses(power, max(voice + _SPEECH, noise + _ABOVE_NOISE)),
    ]
    if knocks := list(_knocks(narrow, voice)):
        flaws += knocks  # it hides where the words begin and end
    else:
        flaws += [*_cut(recording, narrow, voice), *_length(seconds, text)]
    return Examined(seconds, voice - noise, tuple(flaws))


def _faint(voice: float) -> Iterator[Flaw]:
    if voice < FAINTEST:
        yield Flaw(
            f"is too faint ({voice:.0f} dBov) to be made louder without its noise",
            "record it with more gain, or closer to the microphone",
        )


def _clipped(samples: Samples, rate: int) -> Iterator[Flaw]:
    """Flat peaks, at whatever level: the volume may have been turned down after they were cut.
    What a decoder put above full scale was cut there, too."""
    kept = np.clip(samples, -1.0, 1.0)
    flat = np.where(np.abs(kept) >= _FLAT * np.abs(kept).max(), np.sign(kept), 0.0)
    turns = np.flatnonzero(np.diff(flat, prepend=0.0, append=0.0))
    starts, ends = turns[:-1], turns[1:]
    long = (flat[starts] != 0) & (ends - starts >= max(3, round(_FLAT_FOR * rate)))
    seconds = float((ends - starts)[long].sum()) / rate
    if seconds >= CLIPPED:
        tenths = np.bincount((starts[long] * 10) // rate, weights=(ends - starts)[long])
        yield Flaw(
            f"is clipped: {seconds * 1000:.0f} ms in all, most at {tenths.argmax() / 10:.1f} s",
            "record it again with less gain, or without the effect that makes it louder",
        )


def _noisy(signal_to_noise: float) -> Iterator[Flaw]:
    if signal_to_noise < SIGNAL_TO_NOISE:
        yield Flaw(
            f"is noisy: {signal_to_noise:.1f} dB below the voice, "
            f"where {SIGNAL_TO_NOISE:.0f} dB or more are needed",
            "record it in a quiet room, closer to the microphone",
        )


def _knocks(narrow: Samples, voice: float) -> Iterator[Flaw]:
    if audio.peak(narrow) > voice + KNOCK:
        at = int(np.abs(narrow).argmax()) / audio.RATE
        yield Flaw(f"has a knock or a click at {at:.1f} s, louder than any voice", "cut it out")


def _pauses(power: Samples, faintest: float) -> Iterator[Flaw]:
    spoken = 10 * np.log10(power + 1e-12) > faintest
    turns = np.flatnonzero(np.diff(spoken.astype(int), prepend=0, append=0)).reshape(-1, 2)
    syllables = turns[turns[:, 1] - turns[:, 0] >= _CLICK]
    for end, start in zip(syllables[:-1, 1] / 50, syllables[1:, 0] / 50, strict=True):
        if start - end >= LONGEST_PAUSE:
            yield Flaw(f"is silent from {end:.1f} s to {start:.1f} s", "cut the pause out of it")


def _cut(recording: Recording, narrow: Samples, voice: float) -> Iterator[Flaw]:
    if recording.cut:
        yield Flaw("is cut: the file announces more than there is", "copy or export it again")
        return
    for edge, verb, advice in (
        (narrow[:_EDGE], "begins", "before the first word"),
        (narrow[-_EDGE:], "ends", "after the last word"),
    ):
        if _decibels(float(np.mean(edge**2))) > voice + CUT:
            yield Flaw(f"{verb} in the middle of a word", f"leave a moment of silence {advice}")


def _length(seconds: float, text: str) -> Iterator[Flaw]:
    least, most = _expected(text)
    if not least <= seconds <= most:
        what = "only " if seconds < least else ""
        why = "is it cut, or another text?" if seconds < least else "is more said than the text?"
        yield Flaw(
            f"lasts {what}{seconds:.1f} s, and to say {text!r} takes {least:.1f} to {most:.1f} s",
            f"{why} record it again",
        )


def _expected(text: str) -> tuple[float, float]:
    """The least and the most time, in seconds, that it takes to say a text."""
    letters = spelt_out = 0.0
    for character in text:
        if character.isalpha():
            east_asian = unicodedata.east_asian_width(character) in "WF"
            unvowelled = unicodedata.bidirectional(character) in ("R", "AL")
            count = 3.0 if east_asian else 1.5 if unvowelled else 1.0
            letters, spelt_out = letters + count, spelt_out + count
        elif unicodedata.category(character)[0] in "NS":  # 24, %, €: one word each
            letters, spelt_out = letters + 1, spelt_out + 8
        elif character.isspace():
            letters, spelt_out = letters + 1, spelt_out + 1
    return letters / FASTEST, spelt_out / SLOWEST + 1.0


def _power(samples: Samples) -> Samples:
    """The power of every 20 ms."""
    power: Samples = (samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME) ** 2).mean(
        axis=1
    )
    return power


def _noise(power: Samples) -> float:
    """What is there while nobody speaks, in dBov: the faintest twentieth."""
    heard = power[power > _DIGITAL_SILENCE]
    return _decibels(float(np.percentile(heard, 5)) if len(heard) else _DIGITAL_SILENCE)


def _decibels(power: float) -> float:
    return 10 * log10(power + 1e-20)
