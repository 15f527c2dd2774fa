"""The files that Asterisk plays: samples to bytes and back, in each format.

All but ``wav`` are raw: nothing in them tells their rate, and only their size shows that they were
cut. Asterisk reads them without an index or a header, so that a raw file begins at once.
"""

from __future__ import annotations

import io
import wave
from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from callcentre_disclosure.config.manifest import SoundFormat
from callcentre_disclosure.errors import SoundError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .audio import Samples

_WAV_HEADER = 44  # bytes
_GSM_FRAME = 33  # bytes, of 160 samples
_BY_SOUNDFILE = {
    SoundFormat.ULAW: "ULAW",
    SoundFormat.ALAW: "ALAW",
    SoundFormat.GSM: "GSM610",
}


class MalformedError(SoundError):
    """Bytes that are no sound of their format: there are none, some are gone, or it is another."""

    def __init__(self, kind: Literal["empty", "truncated", "format"], what: str) -> None:
        super().__init__(what)
        self.kind = kind


def rate(fmt: SoundFormat) -> int:
    """Samples a second of a format."""
    return 16000 if fmt in (SoundFormat.SLN16, SoundFormat.G722) else 8000


def size(seconds: float, fmt: SoundFormat) -> int:
    """Bytes of the file of a sound that lasts so long."""
    samples = round(seconds * rate(fmt))
    match fmt:
        case SoundFormat.WAV:
            return _WAV_HEADER + 2 * samples
        case SoundFormat.SLN16:
            return 2 * samples
        case SoundFormat.ULAW | SoundFormat.ALAW:
            return samples
        case SoundFormat.GSM:
            return -(-samples // 160) * _GSM_FRAME
        case SoundFormat.G722:
            return -(-samples // 2)


def overshoot(fmt: SoundFormat) -> float:
    """How far above the peak of the samples (dB) that of the decoded file may be."""
    return {SoundFormat.WAV: 0.0, SoundFormat.SLN16: 0.0, SoundFormat.GSM: 2.0}.get(fmt, 0.5)


def require(formats: Iterable[SoundFormat]) -> None:
    """Raise ``SoundError`` where what makes or encodes one of them is not installed: once, rather
    than for each sound."""
    from .audio import silence

    for fmt in formats:
        encoded(silence(0.02), fmt)


def encoded(samples: Samples, fmt: SoundFormat) -> bytes:
    """Samples, at the rate of a format, as the bytes of its file.

    Raises ``EngineError`` where the library that encodes it is not installed.
    """
    import numpy as np

    pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
    match fmt:
        case SoundFormat.WAV:
            return _wav(pcm.tobytes())
        case SoundFormat.SLN16:
            return pcm.tobytes()
        case SoundFormat.G722:
            even = np.pad(pcm, (0, len(pcm) % 2))
            return bytes(_g722().encode(array("h", even.astype("=i2").tobytes())))
    file = io.BytesIO()
    _soundfile().write(file, pcm, rate(fmt), format="RAW", subtype=_BY_SOUNDFILE[fmt])
    return file.getvalue()


def decoded(data: bytes, fmt: SoundFormat) -> Samples:
    """The samples of a file, at the rate of its format.

    Raises ``MalformedError`` for bytes that Asterisk would not play, or not to the end, and
    ``EngineError`` where the library that decodes it is not installed.
    """
    import numpy as np

    if not data:
        raise MalformedError("empty", "has no bytes")
    match fmt:
        case SoundFormat.WAV:
            return _from_pcm(np.frombuffer(_wav_samples(data), "<i2"))
        case SoundFormat.SLN16:
            if len(data) % 2:
                raise MalformedError("truncated", f"has {len(data)} bytes: half a sample is gone")
            return _from_pcm(np.frombuffer(data, "<i2"))
        case SoundFormat.G722:
            return _from_pcm(np.asarray(_g722().decode(data), np.int16))
        case SoundFormat.GSM:
            _require_whole_frames(data)
    subtype = _BY_SOUNDFILE[fmt]
    samples: Samples
    samples, _ = _soundfile().read(
        io.BytesIO(data), samplerate=rate(fmt), channels=1, format="RAW", subtype=subtype
    )
    return samples


def _from_pcm(pcm: npt.NDArray[np.int16]) -> Samples:
    samples: Samples = pcm / 32768.0
    return samples


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(pcm)
    return file.getvalue()


def _wav_samples(data: bytes) -> bytes:
    try:
        with wave.open(io.BytesIO(data)) as file:
            hertz, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            frames = file.getnframes()
            pcm: bytes = file.readframes(frames)
    except EOFError as problem:
        raise MalformedError("truncated", "ends within its header") from problem
    except wave.Error as problem:
        raise MalformedError("format", f"is not a PCM .wav: {problem}") from problem
    if (hertz, width, channels) != (8000, 2, 1):
        shape = f"{hertz} Hz, {8 * width} bits, {channels} channel(s)"
        raise MalformedError("format", f"is {shape} instead of 8000 Hz, 16 bits, 1 channel")
    if not frames:
        raise MalformedError("empty", "has no samples")
    if len(pcm) < 2 * frames:
        raise MalformedError(
            "truncated", f"has {len(pcm)} of the {2 * frames} bytes that it announces"
        )
    return pcm


def _require_whole_frames(data: bytes) -> None:
    if len(data) % _GSM_FRAME:
        raise MalformedError("truncated", f"has {len(data)} bytes: part of a GSM frame is gone")
    if {byte >> 4 for byte in data[::_GSM_FRAME]} != {0xD}:
        raise MalformedError("format", "is not GSM 06.10")


def _soundfile() -> Any:
    from .engines.installed import module

    return module("soundfile", "speech")


def _g722() -> Any:
    """The codec in its first state, which goes on from one call of it to the next."""
    from .engines.installed import module

    return module("G722", "speech").G722(16000, 64000)
