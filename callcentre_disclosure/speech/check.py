"""What is wrong with the sounds that a configuration needs, from the bytes of each file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from callcentre_disclosure.config.manifest import SoundFormat, read_manifest, sound_file
from callcentre_disclosure.disclosure.announcement import Announcement

from .defects import Defect, file_defects, is_open
from .loudness import LEVEL

__all__ = ["Defect", "SoundFinding", "check"]

_BUILD = "run `callcentre-disclosure prompts build`"
_REPLACE = f"delete it and {_BUILD}"
_IMPORT = "import the recording again"
_RIGHTS = "check owner and mode"


@dataclass(frozen=True, slots=True)
class SoundFinding:
    """One thing wrong, with one sound or with several: where, what it is, what to do about it."""

    sound_names: tuple[str, ...]
    file: str
    defect: Defect
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}; {self.remedy}"


def check(
    announcements: Iterable[Announcement],
    folders: Mapping[Path, Collection[SoundFormat]],
    *,
    level: float = LEVEL,
) -> list[SoundFinding]:
    """Everything wrong with the sounds of these announcements, which are to be at a level (dBov).

    ``folders`` come in the order in which a call looks into them, the one that wins first, each
    with the formats that its sounds must have; what else they have is checked as well. A language
    without any sound is one finding, and so is a folder that Asterisk cannot enter.

    Raises ``SoundError`` for a manifest that cannot be read, and where what decodes a format is
    not installed.
    """
    places = [_Place(folder, formats) for folder, formats in folders.items()]
    findings: list[SoundFinding] = []
    for language, wanted in _by_language(announcements).items():
        there = {a: next((p for p in places if a.sound_name in p.sounds), None) for a in wanted}
        if len(wanted) > 1 and not any(p and p.has(a.sound_name) for a, p in there.items()):
            findings.append(_language_missing(language, wanted, places))
            continue
        for announcement, place in there.items():
            if place:
                findings += place.findings(announcement, level)
            else:
                findings.append(_missing(announcement, places))
        for place in places:
            names = tuple(a.sound_name for a, found in there.items() if found is place)
            findings += place.closed(language, names)
    return _together(findings)


class _Place:
    """A folder of sounds."""

    def __init__(self, folder: Path, formats: Collection[SoundFormat]) -> None:
        self.folder = folder
        self.formats = formats
        self.sounds = read_manifest(folder)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {
            digest: name for name, entry in self.sounds.items() for digest in entry.files.values()
        }

    def has(self, name: str) -> bool:
        """Whether at least one file of a sound is there."""
        return any(sound_file(self.folder, name, e).exists() for e in self.sounds[name].files)

    def findings(self, announcement: Announcement, level: float) -> Iterator[SoundFinding]:
        name = announcement.sound_name
        entry = self.sounds[name]

        def finding(extension: str, defect: Defect, problem: str, remedy: str) -> SoundFinding:
            file = sound_file(self.folder, name, extension)
            return SoundFinding((name,), str(file), defect, problem, remedy)

        if entry.text != announcement.text:
            problem = f"says {entry.text!r} instead of {announcement.text!r}"
            yield finding(next(iter(entry.files)), Defect.TEXT, problem, _REPLACE)
        for fmt in self.formats:
            if fmt.value not in entry.files:
                problem = "was not made in this format"
                yield finding(fmt.value, Defect.INCOMPLETE, problem, _BUILD)
        for extension in entry.files:
            fmt, file = SoundFormat(extension), sound_file(self.folder, name, extension)
            for defect, problem in file_defects(file, fmt, entry, self._names, level):
                remedy = _remedy(defect, entry.recorded)
                yield finding(extension, defect, problem, remedy)

    def closed(self, language: str, names: tuple[str, ...]) -> Iterator[SoundFinding]:
        """The folders of some sounds that Asterisk cannot enter."""
        if names:
            for folder in (self.folder, self.folder / language):
                if folder.is_dir() and not is_open(folder):
                    problem = "can be entered by its owner alone"
                    yield SoundFinding(names, str(folder), Defect.UNREADABLE, problem, _RIGHTS)


def _remedy(defect: Defect, recorded: bool) -> str:
    if defect is Defect.UNREADABLE:
        return _RIGHTS
    if recorded:
        return _IMPORT
    return _BUILD if defect is Defect.MISSING else _REPLACE


def _by_language(announcements: Iterable[Announcement]) -> dict[str, list[Announcement]]:
    languages: dict[str, list[Announcement]] = {}
    for announcement in dict.fromkeys(announcements):
        languages.setdefault(announcement.language, []).append(announcement)
    return languages


def _missing(announcement: Announcement, places: list[_Place]) -> SoundFinding:
    name = announcement.sound_name
    file = places[0].folder / name if places else Path(name)
    return SoundFinding((name,), str(file), Defect.MISSING, "no manifest names this sound", _BUILD)


def _language_missing(
    language: str, wanted: list[Announcement], places: list[_Place]
) -> SoundFinding:
    names = tuple(announcement.sound_name for announcement in wanted)
    folder = places[0].folder / language if places else Path(language)
    problem = f"none of the {len(names)} sounds of this language is there"
    return SoundFinding(names, str(folder), Defect.LANGUAGE, problem, _BUILD)


def _together(findings: Iterable[SoundFinding]) -> list[SoundFinding]:
    """The findings, those that say the same of one folder for several languages as one."""
    sounds: dict[tuple[str, Defect, str, str], tuple[str, ...]] = {}
    for f in findings:
        key = (f.file, f.defect, f.problem, f.remedy)
        sounds[key] = (*sounds.get(key, ()), *f.sound_names)
    return [SoundFinding(names, *what) for what, names in sounds.items()]
