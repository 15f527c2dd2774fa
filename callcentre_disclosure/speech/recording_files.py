"""The files that people record: whatever comes from a studio, a recorder or a telephone.

WAV, AIFF, FLAC, Ogg and MP3 are read by soundfile. What it cannot read (m4a, aac, wma) is decoded
by ffmpeg through pydub, to 16-bit samples at the rate that it has; pydub resamples without a
filter against aliases, so that is left to the chain.
"""

from __future__ import annotations

import math
import re
import shutil
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callcentre_disclosure.errors import SoundError

from .audio import Samples
from .engines.installed import install, module

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LONGEST = 120.0
"""Seconds: more is no announcement, and is not read."""

EXTENSIONS = frozenset(
    [
        *("wav", "wave", "w64", "rf64", "aif", "aifc", "aiff", "au", "caf", "flac"),
        *("mp2", "mp3", "ogg", "oga", "opus"),
        *("3gp", "aac", "amr", "m4a", "m4b", "mka", "mp4", "webm", "wma"),
    ]
)
"""What the name of a sound file ends in, in lower case."""

_STREAMED = 0x7FFFFF00  # bytes: what a header announces that was written before the sound
_ALL = 0.98  # of what is announced; the rest is padding, or a header that was miscounted
_SIZES = re.compile(r": (\d+) \(should be (\d+)\)")


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds: the samples of its loudest channel, between -1 and 1, and their rate in
    Hz; ``cut`` where it announces more than there is."""

    samples: Samples
    rate: int
    cut: bool = False


def read(file: Path) -> Recording:
    """A file of any format.

    One channel is taken, not the mean: two microphones, or one that is wired the wrong way round,
    cancel each other. Raises ``SoundError`` for what is no sound, is longer than ``LONGEST``, or
    cannot be read with what is installed.
    """
    soundfile = module("soundfile", "speech")
    try:
        if not file.stat().st_size:
            raise SoundError("has no bytes", remedy="copy or record it again")
        sound = soundfile.SoundFile(str(file))
    except soundfile.SoundFileError:
        return _by_ffmpeg(file)
    except OSError as problem:
        raise SoundError(
            f"cannot be read: {problem.strerror}", remedy="mend its rights, or copy it again"
        ) from problem
    with sound:
        _require_short(sound.frames / sound.samplerate)
        try:
            samples = sound.read(sound.frames, dtype="float64", always_2d=True)
        except soundfile.SoundFileError as problem:
            raise SoundError("is damaged, or cut", remedy="copy or export it again") from problem
        cut = len(samples) < _ALL * sound.frames or _is_cut(sound, file)
        loudest = _loudest(samples)
        if sound.subtype in ("FLOAT", "DOUBLE"):  # these hold more than full scale, unclipped
            loudest = loudest / max(1.0, abs(loudest).max())
        return Recording(loudest, sound.samplerate, cut)


def _is_cut(sound: Any, file: Path) -> bool:
    """Whether the header of an open file tells of more than the file has."""
    sizes = ((int(told), int(there)) for told, there in _SIZES.findall(sound.extra_info))
    if any(there < _ALL * told for told, there in sizes if told < _STREAMED):
        return True
    if sound.format != "OGG":
        return False
    data = file.read_bytes()
    last_page = data.rfind(b"OggS")
    return not data[last_page + 5] & 0x04  # the flag of a stream's last page


def _by_ffmpeg(file: Path) -> Recording:
    import numpy as np

    pydub, ffmpeg = _pydub(), _ffmpeg()
    if pydub is None or ffmpeg is None:
        missing, remedy = ("ffmpeg", "apt install ffmpeg")
        if pydub is None:
            missing, remedy = ("pydub", install("recordings"))
        raise SoundError(
            f"is no WAV, AIFF, FLAC, Ogg or MP3, and {missing}, which reads m4a and others, "
            "is not installed",
            remedy=f"{remedy}; or save it as WAV",
        )
    sounds = pydub.AudioSegment
    sounds.converter = ffmpeg
    try:
        # Unlike from_file, this needs no ffprobe.
        sound = sounds.from_file_using_temporary_files(str(file.absolute()))
    except (pydub.exceptions.CouldntDecodeError, OSError, EOFError) as problem:
        raise SoundError(
            "holds no sound that can be read", remedy="export or record it again"
        ) from problem
    _require_short(sound.duration_seconds)
    samples = np.array(sound.get_array_of_samples(), dtype=np.float64)
    full_scale = float(1 << (8 * sound.sample_width - 1))
    return Recording(_loudest(samples.reshape(-1, sound.channels) / full_scale), sound.frame_rate)


def _pydub() -> Any:
    """pydub, or None; on Python 3.13 it needs audioop-lts, which the extra brings."""
    with warnings.catch_warnings():  # it looks for ffmpeg when it is imported, and warns
        warnings.simplefilter("ignore")
        try:
            return import_module("pydub")
        except ImportError:
            return None


def _ffmpeg() -> str | None:
    """The ffmpeg of this machine, or that of the package imageio-ffmpeg."""
    if found := shutil.which("ffmpeg"):
        return found
    try:
        program: str = import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None
    return program


def _require_short(seconds: float) -> None:
    if seconds > LONGEST:
        raise SoundError(
            f"lasts {seconds:.0f} s, and an announcement less than {LONGEST:.0f} s",
            remedy="cut the announcement out of it",
        )


def _loudest(samples: npt.NDArray[np.float64]) -> Samples:
    """The channel with the most energy, of a column each."""
    if not samples.size:
        raise SoundError("holds no sound", remedy="record it again")
    energies = (samples * samples).sum(axis=0)
    if not math.isfinite(energies.sum()):
        raise SoundError("holds samples that are no numbers", remedy="export it again")
    loudest: Samples = samples[:, int(energies.argmax())]
    return loudest
