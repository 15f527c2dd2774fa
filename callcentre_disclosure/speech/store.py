"""A folder of sounds: the only place that writes one.

A sound is *staged* in temporary files beside its place, by any process. The one that holds the
folder then *publishes* it: every two seconds, and at the end whatever happens, what was staged is
moved to its place and the manifest that names it is written. So a call always finds a sound, the
old or the new one, and only for that moment may find the old one's name with the new one's bytes.
What is killed in that moment is made again: the file is not the one that the manifest tells.

::

    with writing(folder) as store:
        staged = stage(folder, "fr/generic-0a1b2c3d", {SoundFormat.WAV: data})
        store.publish(staged, ManifestEntry(files=staged.files, ...))
        store.remove("fr/generic-4e5f6a7b")
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic

from callcentre_disclosure.config.manifest import (
    MANIFEST,
    ManifestEntry,
    SoundFormat,
    read_manifest,
    sound_file,
    write_manifest,
)
from callcentre_disclosure.errors import SoundError

_SAVE_EVERY = 2.0  # seconds
_TEMPORARY = ".making."


@dataclass(frozen=True, slots=True)
class Staged:
    """A sound in temporary files, by extension; ``files`` is what a manifest says of them."""

    name: str
    temporary: Mapping[str, Path]
    files: Mapping[str, str]


@contextmanager
def writing(folder: Path) -> Iterator[Store]:
    """Hold a folder, made where there is none, against all others who write it.

    What was published is in its place when this ends, also by an exception; what was staged and
    not published is gone. Raises ``SoundError`` where the folder is held by another, or cannot be
    written, or has a manifest that cannot be read: the recordings that it names must not be lost.
    """
    with _alone_in(folder):
        _clear(folder)
        store = Store(folder)
        try:
            yield store
        finally:
            try:
                store.save()
            except KeyboardInterrupt:
                store.save()  # what it interrupted
                raise
            finally:
                _clear(folder)


def stage(folder: Path, name: str, data: Mapping[SoundFormat, bytes]) -> Staged:
    """Write a sound beside its place. Raises ``OSError``, and then leaves nothing behind."""
    place = folder / name
    _make_folder(place.parent)
    temporary: dict[str, Path] = {}
    try:
        for fmt, content in data.items():
            descriptor, path = tempfile.mkstemp(dir=place.parent, prefix=_TEMPORARY)
            temporary[fmt.value] = Path(path)
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                os.fchmod(descriptor, 0o644)  # sounds are played by another user
                os.fsync(descriptor)
    except BaseException:
        for file in temporary.values():
            file.unlink(missing_ok=True)
        raise
    return Staged(name, temporary, {fmt.value: digest(content) for fmt, content in data.items()})


def digest(content: bytes) -> str:
    """What a manifest knows a file by: its SHA-256."""
    return sha256(content).hexdigest()


class Store:
    """A folder that is held. ``sounds`` is its manifest, as it will be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sounds = read_manifest(folder)
        self._staged: dict[str, Staged] = {}
        self._changed: set[str] = set()
        self._unsaved = False
        self._saved = monotonic()

    def publish(self, staged: Staged, entry: ManifestEntry) -> None:
        """Put a staged sound in the place of the one of its name; within two seconds."""
        self._staged[staged.name] = staged
        self.sounds[staged.name] = entry
        self._change(staged.name)

    def remove(self, name: str) -> None:
        """Take a sound out of the manifest, then away; nothing happens where it names none."""
        if self.sounds.pop(name, None):
            self._staged.pop(name, None)
            self._change(name)

    def disown(self, names: Iterable[str]) -> None:
        """Have no call play these sounds from now on, and leave their files."""
        for name in names:
            self._unsaved |= self.sounds.pop(name, None) is not None
        self.save()

    def save(self) -> None:
        """Bring files and manifest in line, now. Raises ``SoundError``."""
        if not self._unsaved:
            return
        try:
            self._move()
            write_manifest(self.folder, self.sounds)
            self._tidy()
        except OSError as problem:
            raise SoundError(
                f"cannot write there: {problem.strerror}",
                where=str(self.folder),
                remedy="make room or mend the rights, and do it again",
            ) from problem
        self._unsaved = False
        self._saved = monotonic()

    def _change(self, name: str) -> None:
        self._unsaved = True
        self._changed.add(name)
        if monotonic() - self._saved > _SAVE_EVERY:
            self.save()

    def _move(self) -> None:
        for staged in self._staged.values():
            for extension, file in staged.temporary.items():
                if file.exists():  # where it does not, Ctrl-C came after it was moved
                    file.replace(sound_file(self.folder, staged.name, extension))
        self._staged.clear()

    def _tidy(self) -> None:
        """Remove what the manifest no longer names: Asterisk plays any format that it finds."""
        for name in self._changed:
            named = self.sounds[name].files if name in self.sounds else ()
            for fmt in SoundFormat:
                if fmt.value not in named:
                    sound_file(self.folder, name, fmt.value).unlink(missing_ok=True)
        self._changed.clear()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    try:
        _make_folder(folder)
        held = (folder / ".lock").open("a")
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
                "another build or import is at work in it",
                where=str(folder),
                remedy="wait for its end",
            ) from busy
        yield


def _clear(folder: Path) -> None:
    """Remove what was staged and will not be published."""
    for pattern in (f"*/{_TEMPORARY}*", f".{MANIFEST}.*"):
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make a folder, and those it is in, that others can read, whatever the umask."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
