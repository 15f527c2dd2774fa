"""Make the sounds that are missing, and check those that are there.

A sound is written beside its place and moved there in one step, and the manifest names it only
afterwards. So whatever stops a build, no half sound has a name, and what the manifest does not
name is made again.

Engines such as Pico hold the interpreter while they speak: many sounds are made by several
processes, few by this one.
"""

from __future__ import annotations

import fcntl
import io
import os
import re
import signal
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from callcentre_disclosure.config.manifest import (
    MANIFEST,
    ManifestEntry,
    read_manifest,
    write_manifest,
)
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import SoundError

if TYPE_CHECKING:
    from .engines import Engine

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)+")
_HEADER = 44  # bytes before the samples in the .wav that we write
_BYTES_PER_SECOND = 16000
_SAVE_EVERY = 2.0  # seconds between two writes of the manifest
_WORTH_A_PROCESS = 16  # sounds: below that, a process takes longer to start than to do them
_TEMPORARY = ".making."


@dataclass(frozen=True, slots=True)
class Built:
    """A sound that was made: the ``done``-th of ``total``, those that failed counted too."""

    sound_name: str
    entry: ManifestEntry
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A sound that could not be made, and why."""

    sound_name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.sound_name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of each sound asked for; ``kept`` holds the names of those already there."""

    built: tuple[Built, ...]
    kept: tuple[str, ...]
    failed: tuple[Failed, ...]


class Defect(str, Enum):
    """What can be wrong with a sound."""

    MISSING = "missing"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    FORMAT = "format"
    CHANGED = "changed"
    LEVEL = "level"
    PEAK = "peak"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SoundFinding:
    """One thing wrong with one sound: its file, what it is, what to do about it."""

    sound_name: str
    file: str
    defect: Defect
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}; {self.remedy}"


def build(
    announcements: Iterable[Announcement],
    folder: Path,
    engine: Engine,
    *,
    jobs: int | None = None,
    progress: Callable[[Built], None] | None = None,
) -> BuildReport:
    """Make ``folder/<sound_name>.wav`` for every announcement that has none, and the manifest.

    A sound is kept where the manifest gives it this text and the file has the size it had (and,
    if it was touched since, the same SHA-256). One that fails does not stop the others.
    ``jobs`` is the number of processes; by default one for each processor, where there is enough
    to do. With more than one, a script that calls this needs ``if __name__ == "__main__":``.

    Raises ``SoundError`` where nothing can be built: the engine is not installed, the folder
    cannot be written, another build is at work in it.
    """
    wanted: dict[str, Announcement] = {}
    failed = []
    for announcement in announcements:
        name = announcement.sound_name
        if not _NAME.fullmatch(name):
            failed.append(Failed(name, "not a name for a sound: use letters, digits, - and _"))
        elif wanted.setdefault(name, announcement).text != announcement.text:
            failed.append(Failed(name, f"a second text has this name: {announcement.text!r}"))

    missing = _missing(wanted.values(), folder, _named_in(folder))
    built: list[Built] = []
    if missing:
        _require(engine)
        with _alone_in(folder):
            sounds = _named_in(folder)  # once more: another build may just have ended
            missing = _missing(wanted.values(), folder, sounds)
            results = _made(missing, folder, engine, jobs)
            with closing(results), _saved(folder, sounds, missing) as save:
                for done, (name, result) in enumerate(results, start=1):
                    if isinstance(result, str):
                        failed.append(Failed(name, result))
                        continue
                    built.append(Built(name, result, done, len(missing)))
                    save(name, result)
                    if progress:
                        progress(built[-1])
    to_make = {announcement.sound_name for announcement in missing}
    kept = tuple(name for name in wanted if name not in to_make)
    return BuildReport(tuple(built), kept, tuple(failed))


def check(announcements: Iterable[Announcement], folders: Sequence[Path]) -> list[SoundFinding]:
    """Everything wrong with the sounds of these announcements, from the bytes of each file.

    The first folder whose manifest names a sound is the one it is played from. Raises
    ``SoundError`` for a manifest that cannot be read.
    """
    manifests = [(folder, read_manifest(folder)) for folder in folders]
    findings = []
    for announcement in dict.fromkeys(announcements):
        name = announcement.sound_name
        for folder, sounds in manifests:
            if name in sounds:
                file, entry = _file(folder, name), sounds[name]
                defects = _defects(announcement, file, entry)
                break
        else:
            file = _file(folders[0], name) if folders else Path(f"{name}.wav")
            defects = iter([(Defect.MISSING, "no manifest names this sound", _BUILD)])
        findings += [SoundFinding(name, str(file), *defect) for defect in defects]
    return findings


_BUILD = "run `callcentre-disclosure prompts build`"
_REPLACE = f"delete it and {_BUILD}"


def _named_in(folder: Path) -> dict[str, ManifestEntry]:
    """The sounds of a folder; none where its manifest cannot be read, so that all are made."""
    try:
        return read_manifest(folder)
    except SoundError:
        return {}


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.wav"


def _missing(
    wanted: Iterable[Announcement], folder: Path, sounds: Mapping[str, ManifestEntry]
) -> list[Announcement]:
    try:
        written = (folder / MANIFEST).stat().st_mtime_ns
    except OSError:
        return list(wanted)
    return [a for a in wanted if not _is_there(a, folder, sounds.get(a.sound_name), written)]


def _is_there(
    announcement: Announcement, folder: Path, entry: ManifestEntry | None, written: int
) -> bool:
    """Whether the file is the one in the manifest, which was ``written`` then (ns)."""
    if entry is None or entry.text != announcement.text:
        return False
    file = _file(folder, announcement.sound_name)
    try:
        status = file.stat()
        if status.st_size != _HEADER + round(entry.seconds * _BYTES_PER_SECOND):
            return False
        return status.st_mtime_ns <= written or _hash(file.read_bytes()) == entry.sha256
    except OSError:
        return False


def _require(engine: Engine) -> None:
    """Say once, rather than for each sound, that something is not installed."""
    _ = engine.name
    from . import audio  # noqa: F401


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder against other builds, without what a build that was killed left in it."""
    lock = folder / ".lock"
    try:
        _make_folder(folder)
        held = lock.open("a")
    except OSError as problem:
        raise SoundError(
            f"cannot write there: {problem.strerror}",
            where=str(folder),
            remedy="run as its owner, or choose another folder",
        ) from problem
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise SoundError(
                "another build is at work in it", where=str(folder), remedy="wait for its end"
            ) from busy
        for pattern in (f"*/{_TEMPORARY}*", f".{MANIFEST}.*"):
            for left in folder.glob(pattern):
                left.unlink(missing_ok=True)
        yield


@contextmanager
def _saved(
    folder: Path, sounds: dict[str, ManifestEntry], missing: Sequence[Announcement]
) -> Iterator[Callable[[str, ManifestEntry], None]]:
    """A manifest that no longer names what is to be made, learns each sound that has been made,
    and is written now and then, and at the end whatever happens."""
    written = time.monotonic()

    def write() -> None:
        try:
            write_manifest(folder, sounds)
        except OSError as problem:
            raise SoundError(
                f"cannot write it: {problem.strerror}",
                where=str(folder / MANIFEST),
                remedy="make room or mend the rights, and build again",
            ) from problem

    def save(name: str, entry: ManifestEntry) -> None:
        nonlocal written
        sounds[name] = entry
        if time.monotonic() - written > _SAVE_EVERY:
            write()
            written = time.monotonic()

    stale = [sounds.pop(a.sound_name) for a in missing if a.sound_name in sounds]
    if stale:
        write()
    try:
        yield save
    finally:
        write()


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)


def _made(
    missing: Sequence[Announcement], folder: Path, engine: Engine, jobs: int | None
) -> Generator[tuple[str, ManifestEntry | str], None, None]:
    """Each sound's name with its entry, or with the reason why there is none."""
    if jobs is None:
        jobs = min(len(os.sched_getaffinity(0)), len(missing) // _WORTH_A_PROCESS)
    if jobs < 2:
        for announcement in missing:
            yield announcement.sound_name, _make(announcement, folder, engine)
        return

    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _follow_parent)
    pending = dict.fromkeys(announcement.sound_name for announcement in missing)
    try:
        futures = {pool.submit(_make, a, folder, engine): a.sound_name for a in missing}
        for future in as_completed(futures):
            name, result = futures[future], future.result()
            del pending[name]
            yield name, result
    except BrokenProcessPool:
        for name in pending:
            yield name, "a process of the build ended; build again with one job to see where"
    finally:
        pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """In a process of the build: leave Ctrl-C to the parent, and end when the parent does."""
    from multiprocessing import connection, parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def follow() -> None:
            connection.wait([sentinel])
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _make(announcement: Announcement, folder: Path, engine: Engine) -> ManifestEntry | str:
    """Make one sound. A reason, not an exception: that of a foreign engine may not pickle."""
    from . import audio

    try:
        speech = engine.speak(announcement.text, announcement.language)
        samples = audio.to_telephone(speech.samples, speech.rate)
        data = audio.wav(samples)
        _put(_file(folder, announcement.sound_name), data)
        return ManifestEntry(
            text=announcement.text,
            sha256=_hash(data),
            seconds=len(samples) / audio.RATE,
            level=round(audio.level(samples), 2),
            engine=engine.name,
        )
    except SoundError as problem:
        return problem.explain()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


def _put(file: Path, data: bytes) -> None:
    """Write a file so that there is all of it or none."""
    _make_folder(file.parent)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=_TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fchmod(out.fileno(), 0o644)
            os.fsync(out.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()


def _defects(
    announcement: Announcement, file: Path, entry: ManifestEntry
) -> Iterator[tuple[Defect, str, str]]:
    from . import audio

    if entry.text != announcement.text:
        yield Defect.TEXT, f"says {entry.text!r} instead of {announcement.text!r}", _REPLACE
    try:
        data = file.read_bytes()
        pcm = _pcm(data)
    except FileNotFoundError:
        yield Defect.MISSING, "is in the manifest but not there", _BUILD
        return
    except OSError as problem:
        yield Defect.MISSING, f"cannot be read: {problem.strerror}", "check owner and mode"
        return
    except _MalformedError as malformed:
        yield malformed.defect, malformed.problem, _REPLACE
        return
    if _hash(data) != entry.sha256:
        yield Defect.CHANGED, "is not the file that was built", _REPLACE
    samples = audio.from_pcm(pcm)
    try:
        level = audio.level(samples)
    except SoundError:
        yield Defect.EMPTY, "holds no speech", _REPLACE
        return
    if abs(level - audio.LEVEL) > audio.TOLERANCE:
        wanted = f"{audio.LEVEL:g} ± {audio.TOLERANCE:g} dBov"
        yield Defect.LEVEL, f"speaks at {level:.1f} dBov instead of {wanted}", _REPLACE
    if (peak := audio.peak(samples)) > audio.PEAK:
        yield Defect.PEAK, f"reaches {peak:.1f} dBFS, above {audio.PEAK:g}", _REPLACE


class _MalformedError(Exception):
    def __init__(self, defect: Defect, problem: str) -> None:
        super().__init__(problem)
        self.defect = defect
        self.problem = problem


def _pcm(data: bytes) -> bytes:
    """The samples of a ``.wav`` as Asterisk plays it; raises ``_MalformedError`` for any other."""
    if not data:
        raise _MalformedError(Defect.EMPTY, "has no bytes")
    try:
        with wave.open(io.BytesIO(data)) as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            frames = file.getnframes()
            pcm: bytes = file.readframes(frames)
    except EOFError as problem:
        raise _MalformedError(Defect.TRUNCATED, "ends within its header") from problem
    except wave.Error as problem:
        raise _MalformedError(Defect.FORMAT, f"is not a PCM .wav: {problem}") from problem
    if (rate, width, channels) != (8000, 2, 1):
        shape = f"{rate} Hz, {8 * width} bits, {channels} channel(s)"
        raise _MalformedError(Defect.FORMAT, f"is {shape} instead of 8000 Hz, 16 bits, 1 channel")
    if not frames:
        raise _MalformedError(Defect.EMPTY, "has no samples")
    if len(pcm) < frames * width:
        raise _MalformedError(
            Defect.TRUNCATED, f"has {len(pcm)} of the {frames * width} bytes it announces"
        )
    return pcm
