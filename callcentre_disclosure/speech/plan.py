"""What has to be made, and what is there already: read from a manifest and the sizes of files.

A build that has nothing to do does no more than this, so that nothing here needs numpy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from callcentre_disclosure.config.manifest import (
    MANIFEST,
    ManifestEntry,
    SoundFormat,
    read_manifest,
    sound_file,
)
from callcentre_disclosure.disclosure.announcement import Announcement

from .formats import rate, size
from .loudness import TOLERANCE
from .store import digest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_-]*")
_BEST_FIRST = (
    SoundFormat.SLN16,
    SoundFormat.WAV,
    SoundFormat.G722,
    SoundFormat.ULAW,
    SoundFormat.ALAW,
    SoundFormat.GSM,
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A sound that could not be made, and why."""

    sound_name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.sound_name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Speak:
    """A sentence to be spoken. What it replaces is ``stale`` where a file of it is damaged, or it
    says something else."""

    announcement: Announcement
    stale: bool = False

    @property
    def sound_name(self) -> str:
        return self.announcement.sound_name


@dataclass(frozen=True, slots=True)
class Convert:
    """A recording to be written in formats that it is missing in, from one of its files.

    ``entry`` is what the manifest says of it now.
    """

    sound_name: str
    entry: ManifestEntry
    source: SoundFormat
    missing: tuple[SoundFormat, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for the announcements that are wanted, by sound."""

    work: tuple[Speak | Convert, ...]
    kept: tuple[str, ...]
    failed: tuple[Failed, ...]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which something has to be spoken."""
        return tuple(dict.fromkeys(step.announcement.language for step in self._spoken()))

    @property
    def stale(self) -> tuple[str, ...]:
        """The sounds that must not be played any more, whether or not a new one can be made."""
        return tuple(step.sound_name for step in self._spoken() if step.stale)

    def _spoken(self) -> Iterator[Speak]:
        return (step for step in self.work if isinstance(step, Speak))


def plan(
    announcements: Iterable[Announcement],
    folder: Path,
    *,
    formats: Collection[SoundFormat],
    level: float,
    again: bool = False,
) -> Plan:
    """What it takes to have every announcement in all these formats, at a level (dBov).

    A sound is kept where the manifest gives it this text, and each of its files has the size it
    had and, where it was touched since, the same SHA-256. ``again`` keeps recordings alone.
    Raises ``SoundError`` for a manifest that cannot be read.
    """
    sounds = read_manifest(folder)
    written = _written(folder)
    work: list[Speak | Convert] = []
    kept: list[str] = []
    failed: list[Failed] = []
    for announcement in _named_once(announcements, failed):
        name = announcement.sound_name
        entry = sounds.get(name)
        if entry is None or entry.text != announcement.text:
            work.append(Speak(announcement, stale=True))
            continue
        whole = {fmt for fmt in _formats(entry) if _is_whole(folder, name, entry, fmt, written)}
        damaged = len(whole) < len(entry.files)
        right = not damaged and whole.issuperset(formats) and abs(entry.level - level) <= TOLERANCE
        if right and (entry.recorded or not again):
            kept.append(name)
        elif not entry.recorded:
            work.append(Speak(announcement, stale=damaged))
        elif step := _convert(name, entry, whole, formats, level):
            work.append(step)
        else:
            failed.append(Failed(name, _GONE if damaged else _TOO_NARROW))
    return Plan(tuple(work), tuple(kept), tuple(failed))


_GONE = "its recording is gone or was changed; import it again"
_TOO_NARROW = "its recording is kept at 8 kHz alone, too little for sln16 and g722; import it again"


def _named_once(
    announcements: Iterable[Announcement], failed: list[Failed]
) -> Iterator[Announcement]:
    seen: dict[str, str] = {}
    for announcement in announcements:
        name, text = announcement.sound_name, announcement.text
        if not _NAME.fullmatch(name):
            failed.append(Failed(name, "not a name for a sound: use letters, digits, - and _"))
        elif name not in seen:
            seen[name] = text
            yield announcement
        elif seen[name] != text:
            failed.append(Failed(name, f"a second text has this name: {text!r}"))


def _written(folder: Path) -> int:
    """When the manifest was written, in ns; 0 where there is none."""
    try:
        return (folder / MANIFEST).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _formats(entry: ManifestEntry) -> Iterator[SoundFormat]:
    known = {fmt.value: fmt for fmt in SoundFormat}
    return (known[extension] for extension in entry.files if extension in known)


def _is_whole(
    folder: Path, name: str, entry: ManifestEntry, fmt: SoundFormat, written: int
) -> bool:
    """Whether a file is the one in the manifest, which was ``written`` then (ns)."""
    file = sound_file(folder, name, fmt.value)
    try:
        status = file.stat()
        if status.st_size != size(entry.seconds, fmt):
            return False
        # A file that was moved or copied to its place keeps the time of its bytes: st_ctime tells.
        if max(status.st_mtime_ns, status.st_ctime_ns) < written:
            return True
        return digest(file.read_bytes()) == entry.files[fmt.value]
    except OSError:
        return False


def _convert(
    name: str,
    entry: ManifestEntry,
    whole: Collection[SoundFormat],
    wanted: Collection[SoundFormat],
    level: float,
) -> Convert | None:
    """How to have a recording in all the formats that it had and in those that are wanted."""
    both = dict.fromkeys((*wanted, *_formats(entry)))
    same_level = abs(entry.level - level) <= TOLERANCE
    missing = tuple(fmt for fmt in both if not (same_level and fmt in whole))
    narrowest = max(map(rate, missing))
    sources = (fmt for fmt in _BEST_FIRST if fmt in whole and rate(fmt) >= narrowest)
    source = next(sources, None)
    return Convert(name, entry, source, missing) if source else None
