"""Sound files as speech: whatever libsndfile reads (WAV, FLAC, Ogg, MP3, ...)."""

from __future__ import annotations

import io
from pathlib import Path

from .installed import module
from .port import Speech


class UnreadableError(Exception):
    """Bytes that are no sound."""


def decoded(sound: bytes | Path) -> Speech:
    """The speech in a file, or in its bytes, mono; raises ``UnreadableError``."""
    soundfile = module("soundfile", "speech")
    source = io.BytesIO(sound) if isinstance(sound, bytes) else sound
    try:
        samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as problem:
        raise UnreadableError(str(problem)) from problem
    return Speech(samples.mean(axis=1), rate)
