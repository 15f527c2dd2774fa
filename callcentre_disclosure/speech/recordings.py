"""Recordings of a person, taken over in the place of a synthesised voice.

A studio gets the names of the sounds from `prompts list`, and names its files after them:
``fr/possible-ma-0dc21950.m4a``, or ``fr/possible-ma.m4a`` where no other text has this beginning.
What is fit for the telephone goes through the same chain as any sound; the rest is refused with
all that is wrong with it, and the sound that was there stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from callcentre_disclosure.config.manifest import ManifestEntry, SoundFormat
from callcentre_disclosure.config.near import did_you_mean
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import EngineError, Finding, SoundError

from .engines import Speech
from .formats import require
from .make import Made, Maker
from .plan import Speak
from .recording_checks import Examined, examine
from .recording_files import EXTENSIONS, Recording, read
from .store import Store, writing

_HASH = re.compile(r"-[0-9a-f]{8}$")


@dataclass(frozen=True, slots=True)
class Assigned:
    """Which file says what."""

    file: Path
    announcement: Announcement


@dataclass(frozen=True, slots=True)
class Assignment:
    """What some paths hold: recordings of announcements, files that cannot be told to be one, and
    files that are no sound."""

    recordings: tuple[Assigned, ...]
    findings: tuple[Finding, ...]
    passed_over: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A recording that is a sound now; the noise is ``signal_to_noise`` dB below the voice."""

    file: Path
    sound_name: str
    entry: ManifestEntry
    signal_to_noise: float


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of each recording, and all that is wrong with those that were refused."""

    taken_over: tuple[TakenOver, ...]
    findings: tuple[Finding, ...]


def assign(
    paths: Iterable[Path], announcements: Iterable[Announcement], sound: str | None = None
) -> Assignment:
    """Which announcement each file is a recording of: ``sound``, or the one it is named after.

    A folder stands for all files in it, hidden ones left out. Raises ``SoundError`` where one
    ``sound`` is said to be in several files.
    """
    names = _Names(announcements, "the configuration needs no sound")
    found: dict[str, list[Assigned]] = {}
    findings: list[Finding] = []
    files, passed_over = _sound_files(paths)
    if sound is not None and len(files) != 1:
        raise SoundError(
            f"{len(files)} files cannot be the one sound {sound!r}", remedy="name a single file"
        )
    for file in files:
        said = _named(file, sound, names)
        if isinstance(said, Finding):
            findings.append(said)
        else:
            found.setdefault(said.sound_name, []).append(Assigned(file, said))
    for name, several in found.items():
        if len(several) > 1:
            others = ", ".join(sorted(str(one.file) for one in several))
            findings += [
                Finding(str(one.file), 0, name, f"is in {others}", "keep one of them")
                for one in several
            ]
    recordings = tuple(several[0] for several in found.values() if len(several) == 1)
    return Assignment(recordings, tuple(findings), passed_over)


def import_recordings(
    recordings: Iterable[Assigned],
    folder: Path,
    *,
    formats: Sequence[SoundFormat],
    level: float,
    progress: Callable[[TakenOver], None] | None = None,
) -> ImportReport:
    """Take over the recordings that are fit: in all formats, at a level (dBov), in the manifest.

    Raises ``SoundError`` where the folder cannot be written, or something is not installed that
    all of them need.
    """
    require(formats)
    taken: list[TakenOver] = []
    findings: list[Finding] = []
    with writing(folder) as store:
        for one in recordings:
            result = _take_over(one, store, tuple(formats), level)
            if isinstance(result, TakenOver):
                taken.append(result)
                if progress:
                    progress(result)
            else:
                findings += result
    return ImportReport(tuple(taken), tuple(findings))


def forget(names: Iterable[str], folder: Path) -> tuple[str, ...]:
    """Take recordings away, so that a synthesised voice can say it again; returns their names.

    A name is that of a sound, with or without its hash. Raises ``SoundError`` for one of which
    there is no recording, and then leaves all of them.
    """
    with writing(folder) as store:
        recorded = [
            Announcement(name.partition("/")[0], entry.text, name)
            for name, entry in store.sounds.items()
            if entry.recorded
        ]
        known = _Names(recorded, "there is no recording of")
        chosen = [known.of(name).sound_name for name in names]
        for name in chosen:
            store.remove(name)
    return tuple(chosen)


@dataclass(frozen=True, slots=True)
class _Person:
    """An engine that says the one sentence that somebody has recorded."""

    name: str
    recording: Recording
    languages: tuple[str, ...] = ()

    def speak(self, text: str, language: str) -> Speech:  # noqa: ARG002
        return Speech(self.recording.samples.astype("float32"), self.recording.rate)


def _take_over(
    one: Assigned, store: Store, formats: tuple[SoundFormat, ...], level: float
) -> TakenOver | list[Finding]:
    """The recording as a sound that is published, or all that is wrong with it."""
    name = one.announcement.sound_name

    def finding(problem: str, remedy: str) -> Finding:
        return Finding(str(one.file), 0, name, problem, remedy)

    try:
        recording = read(one.file)
    except EngineError:
        raise
    except SoundError as problem:
        return [finding(problem.what, problem.remedy)]
    examined: Examined = examine(recording, one.announcement.text)
    if examined.flaws:
        return [finding(flaw.problem, flaw.remedy) for flaw in examined.flaws]
    maker = Maker(store.folder, _Person(one.file.name, recording), formats, level)
    made = maker(Speak(one.announcement))
    if not isinstance(made, Made):
        reason = made.explain() if isinstance(made, SoundError) else made.reason
        return [finding(reason, "the sound that was there stays")]
    entry = replace(made.entry, recorded=True)
    store.publish(made.staged, entry)
    return TakenOver(one.file, name, entry, examined.signal_to_noise)


def _sound_files(paths: Iterable[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The files that are meant, once each, and those of a folder that are no sounds."""
    files: dict[Path, None] = {}
    passed_over: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            files[path] = None
            continue
        inside = (file for file in sorted(path.rglob("*")) if file.is_file())
        for file in inside:
            if any(part.startswith((".", "__MACOSX")) for part in file.relative_to(path).parts):
                continue
            is_sound = file.suffix[1:].lower() in EXTENSIONS
            (files if is_sound else passed_over)[file] = None
    return tuple(files), tuple(passed_over)


def _named(file: Path, sound: str | None, names: _Names) -> Announcement | Finding:
    try:
        return names.of(sound) if sound else names.of_file(file)
    except SoundError as problem:
        return Finding(str(file), 0, "", problem.what, problem.remedy)


class _Names:
    """Announcements by what people may call their sounds."""

    def __init__(self, announcements: Iterable[Announcement], absent: str) -> None:
        self._absent = absent
        self._known = {said.sound_name.casefold(): said for said in announcements}
        self._short: dict[str, list[Announcement]] = {}
        for name, said in self._known.items():
            base = name.rpartition("/")[2]
            for short in {_without_hash(name), base, _without_hash(base)}:
                self._short.setdefault(short, []).append(said)

    def of_file(self, file: Path) -> Announcement:
        """The announcement that a file is named after, in a folder named after its language.

        Only a name with its hash tells the language by itself: ``possible-ma.wav`` may be a sound
        of a language that is not configured. Raises ``SoundError`` for a name of no announcement,
        or of several.
        """
        absolute = file.absolute()
        base = absolute.stem
        if base.casefold() in self._short and _without_hash(base.casefold()) != base.casefold():
            return self.of(base)
        return self.of(f"{absolute.parent.name}/{base}")

    def of(self, name: str) -> Announcement:
        """The announcement of a name, with or without its hash, or its language.

        Raises ``SoundError`` for a name of none, or of several.
        """
        key = name.casefold()
        if key in self._known:
            return self._known[key]
        meant = self._short.get(key, [])
        if len(meant) == 1:
            return meant[0]
        if meant:
            several = ", ".join(said.sound_name for said in meant)
            raise SoundError(f"{name!r} may be {several}", remedy="write one of these names")
        if now := self._short.get(_without_hash(key)):
            told = "; ".join(f"{said.sound_name}: {said.text!r}" for said in now)
            raise SoundError(f"the text of {name!r} has changed since", remedy=f"record {told}")
        near = did_you_mean(name, [short for short in self._short if "/" in short])
        raise SoundError(f"{self._absent} {name!r}", remedy=near)


def _without_hash(name: str) -> str:
    return _HASH.sub("", name)
