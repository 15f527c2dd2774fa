"""What can be wrong with one file of a sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path

from callcentre_disclosure.config.manifest import ManifestEntry, SoundFormat
from callcentre_disclosure.errors import SoundError

from . import audio
from .formats import MalformedError, decoded, overshoot, rate, size
from .loudness import PEAK, TOLERANCE
from .store import digest

ASTERISK = "asterisk"
"""The user that Asterisk runs as; its group has the same name."""


class Defect(str, Enum):
    """What can be wrong with a sound."""

    MISSING = "missing"
    LANGUAGE = "language"  #: all sounds of a language are missing
    INCOMPLETE = "incomplete"  #: it was not made in a format that is wanted
    UNREADABLE = "unreadable"  #: by us, or by Asterisk
    EMPTY = "empty"
    TRUNCATED = "truncated"
    FORMAT = "format"
    CHANGED = "changed"
    TEXT = "text"
    LEVEL = "level"
    PEAK = "peak"


def file_defects(
    file: Path, fmt: SoundFormat, entry: ManifestEntry, names: Mapping[str, str], level: float
) -> Iterator[tuple[Defect, str]]:
    """Each defect of a file with a sentence on it.

    ``names`` are the sounds of its folder by SHA-256. Raises ``SoundError`` where what decodes
    the format is not installed.
    """
    try:
        data = file.read_bytes()
        open_to_asterisk = is_open(file)
    except FileNotFoundError:
        yield Defect.MISSING, "is in the manifest but not there"
        return
    except OSError as problem:
        yield Defect.UNREADABLE, f"cannot be read: {problem.strerror}"
        return
    if not open_to_asterisk:
        yield Defect.UNREADABLE, "can be read by its owner alone"

    right = digest(data) == entry.files[fmt.value]
    if not right and (other := names.get(digest(data))):
        yield Defect.CHANGED, f"is the sound of {other}"
        return
    try:
        samples = decoded(data, fmt)
    except MalformedError as malformed:
        yield Defect(malformed.kind), malformed.what
        return
    if len(data) < (whole := size(entry.seconds, fmt)):
        yield Defect.TRUNCATED, f"has {len(data)} of its {whole} bytes"
        return
    if not right:
        yield Defect.CHANGED, "is not the file that was made"
    yield from _loudness(samples, fmt, level)


def _loudness(
    samples: audio.Samples, fmt: SoundFormat, wanted: float
) -> Iterator[tuple[Defect, str]]:
    try:
        level = audio.level(samples, rate(fmt))
    except SoundError:
        yield Defect.EMPTY, "holds no speech"
        return
    if abs(level - wanted) > TOLERANCE:
        should = f"{wanted:g} ± {TOLERANCE:g} dBov"
        yield Defect.LEVEL, f"speaks at {level:.1f} dBov instead of {should}"
    if (peak := audio.peak(samples)) > PEAK + overshoot(fmt):
        yield Defect.PEAK, f"is clipped: it reaches {peak:.1f} dBFS, above {PEAK:g}"


def is_open(path: Path) -> bool:
    """Whether Asterisk, which runs as a user of its own, may read a file or enter a folder."""
    mode = path.stat().st_mode
    need = 0o5 if path.is_dir() else 0o4
    shifts = [0]
    with suppress(KeyError):  # a user or a group without a name
        shifts += [3] * (path.group() == ASTERISK) + [6] * (path.owner() == ASTERISK)
    return any(mode >> shift & need == need for shift in shifts)
