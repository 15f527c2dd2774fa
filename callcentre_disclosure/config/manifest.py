"""The manifest of a folder of sounds: what each one says, and what it was when it was made.

A call plays only what a manifest names, so that a sound that was never checked is never heard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from callcentre_disclosure.errors import SoundError

from .replacing import replacing

MANIFEST = "callcentre-disclosure.json"
_SCHEMA = 2


class SoundFormat(str, Enum):
    """A format that Asterisk 16 to 22 play, by the extension of its files."""

    WAV = "wav"  #: 16-bit PCM, 8 kHz
    SLN16 = "sln16"  #: raw 16-bit PCM, 16 kHz, for wideband calls
    ULAW = "ulaw"  #: raw G.711 µ-law
    ALAW = "alaw"  #: raw G.711 A-law
    GSM = "gsm"  #: raw GSM 06.10 full rate
    G722 = "g722"  #: raw G.722, 64 kbit/s, for wideband calls


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One sound: its exact text, the SHA-256 of its file in each format, its duration in seconds,
    its active speech level in dBov (ITU-T P.56), and the engine with its version.

    A ``recorded`` sound was spoken by a person; ``engine`` is then the file it was imported from.
    """

    text: str
    files: Mapping[str, str]
    seconds: float
    level: float
    engine: str
    recorded: bool = False


def sound_file(folder: Path, name: str, extension: str) -> Path:
    """The file of a sound (``fr/possible-ma-0a1b2c3d``) in one format."""
    return folder / f"{name}.{extension}"


def read_manifest(folder: Path) -> dict[str, ManifestEntry]:
    """The sounds of a folder by name (``fr/possible-ma-0a1b2c3d``); none where it has no manifest.

    Raises ``SoundError`` for a manifest that cannot be read.
    """
    path = folder / MANIFEST
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] != _SCHEMA:
            raise ValueError(f"schema {document['schema']} is not {_SCHEMA}")
        return {name: ManifestEntry(**entry) for name, entry in document["sounds"].items()}
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise SoundError(
            f"the list of the sounds cannot be read: {problem.strerror}",
            where=str(path),
            remedy="let this user read and enter that folder",
        ) from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise SoundError(
            f"unreadable manifest: {problem}",
            where=str(path),
            remedy="restore it from a backup; or delete it, build again and import the recordings",
        ) from problem


def write_manifest(folder: Path, sounds: Mapping[str, ManifestEntry]) -> None:
    """Replace the manifest of a folder in one step; readers see the old one or the new one."""
    document = {
        "schema": _SCHEMA,
        "sounds": {name: asdict(sounds[name]) for name in sorted(sounds)},
    }
    with replacing(folder / MANIFEST, prefix=f".{MANIFEST}.") as file:
        file.write(json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
