"""The manifest of a folder of sounds: what each one says, and what it was when it was built.

A call plays only what a manifest names, so that a sound that was never checked is never heard.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from callcentre_disclosure.errors import SoundError

MANIFEST = "manifest.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One sound: its exact text, the SHA-256 and duration in seconds of its 8 kHz ``.wav``, its
    active speech level in dBov (ITU-T P.56), and the engine with its version."""

    text: str
    sha256: str
    seconds: float
    level: float
    engine: str


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
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise SoundError(
            f"unreadable manifest: {problem}",
            where=str(path),
            remedy="run `callcentre-disclosure prompts build`",
        ) from problem


def write_manifest(folder: Path, sounds: Mapping[str, ManifestEntry]) -> None:
    """Replace the manifest of a folder in one step; readers see the old one or the new one."""
    document = {
        "schema": _SCHEMA,
        "sounds": {name: asdict(sounds[name]) for name in sorted(sounds)},
    }
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{MANIFEST}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(0o644)  # sounds are played by another user
    Path(temporary).replace(folder / MANIFEST)
