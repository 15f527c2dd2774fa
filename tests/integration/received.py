"""What callers received, kept for those who want to judge it: ``make intelligibility``."""

from __future__ import annotations

import os
from array import array
from dataclasses import replace
from pathlib import Path

from callcentre_disclosure.config.manifest import read_manifest, sound_file, write_manifest
from callcentre_disclosure.testing.g711 import SAMPLE_RATE
from callcentre_disclosure.testing.recording import Match, Recording

VARIABLE = "CALLCENTRE_DISCLOSURE_RECEIVED"
"""Names the folder; without it nothing is kept."""

_AROUND = 0.1  # seconds: what comes before and after may be an agent's tone


def are_kept() -> bool:
    return VARIABLE in os.environ


def keep(recording: Recording, match: Match, sounds: Path, name: str, asterisk: str) -> None:
    """Keep the part of a call in which a sound of a folder was heard, as a sound in a folder with
    a manifest that says what it ought to say."""
    if not are_kept():
        return
    folder = Path(os.environ[VARIABLE])
    folder.mkdir(parents=True, exist_ok=True)
    there = read_manifest(folder)
    entry = read_manifest(sounds)[name]
    start = max(0, round((match.start - _AROUND) * SAMPLE_RATE))
    end = round((match.end + _AROUND) * SAMPLE_RATE)
    kept = f"{len(there) + 1}/{name}"
    file = sound_file(folder, kept, "wav")
    file.parent.mkdir(parents=True)
    Recording(array("h", recording.samples[start:end])).save(file)
    engine = f"{entry.engine}, Asterisk {asterisk}"
    write_manifest(folder, {**there, kept: replace(entry, files={"wav": ""}, engine=engine)})
