"""Sounds where Asterisk, or a web server, looks for them.

Several companies may install into one folder, and other people's sounds are in it too. So beside
the manifest there is a list of the files that each configuration has put there::

    {"schema": 1, "configurations": {"host:/etc/callcentre-disclosure/config.yaml":
        ["fr/possible-ma-0dc21950.wav", ...]}}

A file that is in nobody's list is never touched, nor are those of another host: where one is no
more, take it out of the list. The list is written with the old and the new files before any of
them is, and without the old ones when these are gone: whatever stops an installation, the next one
knows which files are ours.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from callcentre_disclosure.config.directory import manifest_sounds
from callcentre_disclosure.config.manifest import (
    MANIFEST,
    ManifestEntry,
    SoundFormat,
    read_manifest,
    sound_file,
)
from callcentre_disclosure.config.replacing import replacing
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import Finding, SoundError

from .store import Store, digest, stage, writing

USERS = "callcentre-disclosure-users.json"

_SCHEMA = 1
_ANY_URL = "https://any"
_FILE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_-]*\.("
    + "|".join(fmt.value for fmt in SoundFormat)
    + ")"
)
_BUILD = "run `callcentre-disclosure prompts build`"


@dataclass(frozen=True, slots=True)
class InstallReport:
    """The sounds that were put there, those that were there already, the files that were removed
    because no configuration needs them, and all that stood in the way. ``note``: what else there
    is to know, or nothing."""

    installed: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    findings: tuple[Finding, ...]
    note: str = ""


def install(
    announcements: Iterable[Announcement],
    sources: Sequence[Path],
    folder: Path,
    configuration: Path,
    *,
    for_web: bool = False,
) -> InstallReport:
    """Put the sounds of these announcements, in all formats that they have, into a folder.

    Of the ``sources`` the later wins. ``for_web`` lays them out as Asterisk asks a web server for
    them: in the first format alone, at the path that follows the URL. ``configuration`` is the
    file that needs them. What cannot be installed is a finding, and what was there of it stays.

    Raises ``SoundError`` where there is no such folder (one for the web is made), where it cannot
    be written, or where sounds are made in it.
    """
    _require_usable(folder, sources, for_web)
    found, findings = _found(announcements, sources, for_web)
    try:
        with writing(folder) as store:
            return _install(found, findings, store, _Users(folder, configuration))
    except OSError as problem:
        raise SoundError(
            f"cannot write there: {problem.strerror}",
            where=str(folder),
            remedy="make room or mend the rights, and install again",
        ) from problem


def _install(
    found: Mapping[str, _Found | None], findings: list[Finding], store: Store, users: _Users
) -> InstallReport:
    ours = users.files() | set(_files(store.sounds))
    fresh: dict[str, _Found] = {}
    kept: list[str] = []
    for name, one in found.items():
        if strange := list(_strange(store.folder, name, one, ours)):
            findings += strange
        elif one and (one.is_in(store, name) or _is_better(store, name, one, users)):
            kept.append(name)
        elif one:
            fresh[name] = one
    there = {name: store.sounds[name] for name in found if name in store.sounds}
    users.claim(_files({**there, **{name: one.entry for name, one in fresh.items()}}))
    owner = _Owner(store.folder)
    for name, one in fresh.items():
        owner.put(store, name, one)
    store.save()
    removed = users.release(store)
    owner.take([store.folder / MANIFEST, store.folder / USERS])
    return InstallReport(tuple(fresh), tuple(kept), removed, tuple(findings), owner.note)


@dataclass(frozen=True, slots=True)
class _Found:
    """A sound whose files are what its manifest says."""

    entry: ManifestEntry
    files: Mapping[SoundFormat, Path]

    def is_in(self, store: Store, name: str) -> bool:
        return store.sounds.get(name) == self.entry and all(
            _digest(sound_file(store.folder, name, fmt.value)) == self.entry.files[fmt.value]
            for fmt in self.files
        )


def _is_better(store: Store, name: str, one: _Found, users: _Users) -> bool:
    """Whether there is a person's recording of the same text, which somebody else installed."""
    there = store.sounds.get(name)
    return (
        there is not None
        and (there.recorded and not one.entry.recorded)
        and users.somebody_else_needs(_named(name, there))
        and all(_digest(store.folder / f"{name}.{ext}") == sha for ext, sha in there.files.items())
    )


def _require_usable(folder: Path, sources: Sequence[Path], for_web: bool) -> None:
    if folder.resolve() in {source.resolve() for source in sources}:
        raise SoundError(
            "sounds are made here, and cannot be installed where they are made",
            where=str(folder),
            remedy="choose the folder of Asterisk's sounds, or one of a web server",
        )
    if not for_web and not folder.is_dir():
        raise SoundError(
            "there is no such folder",
            where=str(folder),
            remedy="write Asterisk's folder of sounds as sounds.installed, or make this one",
        )


def _found(
    announcements: Iterable[Announcement], sources: Sequence[Path], for_web: bool
) -> tuple[dict[str, _Found | None], list[Finding]]:
    """What is to be installed, by the name that it gets; None for what cannot be."""
    manifests = [(folder, read_manifest(folder)) for folder in reversed(sources)]
    addresses = manifest_sounds(*sources, url=_ANY_URL) if for_web else {}
    found: dict[str, _Found | None] = {}
    findings: list[Finding] = []
    for said in announcements:
        name = said.sound_name
        source = next(((place, named[name]) for place, named in manifests if name in named), None)
        if source is None:
            found[name] = None
            findings.append(Finding(str(sources[-1] / name), 0, "", "is not built", _BUILD))
            continue
        place, entry = source
        files = {SoundFormat(ext): sound_file(place, name, ext) for ext in entry.files}
        if for_web:
            address = addresses[name].path.removeprefix(f"{_ANY_URL}/")
            name, _, extension = address.rpartition(".")
            files = {SoundFormat(extension): files[SoundFormat(extension)]}
            entry = replace(entry, files={extension: entry.files[extension]})
        wrong = list(_defects(said, entry, files))
        findings += wrong
        found[name] = None if wrong else _Found(entry, files)
    return found, findings


def _defects(
    said: Announcement, entry: ManifestEntry, files: Mapping[SoundFormat, Path]
) -> Iterator[Finding]:
    for fmt, file in files.items():
        if entry.text != said.text:
            yield Finding(str(file), 0, "", f"says {entry.text!r}, not {said.text!r}", _BUILD)
        elif _digest(file) != entry.files[fmt.value]:
            yield Finding(str(file), 0, "", "is not there, or not the file that was made", _BUILD)


def _strange(folder: Path, name: str, one: _Found | None, ours: set[str]) -> Iterator[Finding]:
    """Files of this name that somebody else put there: Asterisk might play them."""
    for fmt in SoundFormat:
        file = sound_file(folder, name, fmt.value)
        if f"{name}.{fmt.value}" in ours or not os.path.lexists(file):
            continue
        if one is None or fmt not in one.files or _digest(file) != one.entry.files[fmt.value]:
            problem = "was not put here by `prompts install`, and is not touched"
            yield Finding(str(file), 0, "", problem, "move it away, and install again")


class _Users:
    """Which configuration has put which files into a folder."""

    def __init__(self, folder: Path, configuration: Path) -> None:
        self._path = folder / USERS
        self._folder = folder
        self._me = f"{platform.node()}:{configuration.absolute()}"
        self._lists = self._read()
        self._mine: set[str] = set()

    def files(self) -> set[str]:
        return {file for files in self._lists.values() for file in files}

    def somebody_else_needs(self, files: set[str]) -> bool:
        others = (theirs for user, theirs in self._lists.items() if user != self._me)
        return any(files <= theirs for theirs in others)

    def claim(self, files: Iterable[str]) -> None:
        """These are what this configuration needs; what it needed before stays in its list."""
        self._mine = set(files)
        self._write({**self._lists, self._me: self._mine | self._lists.get(self._me, set())})

    def release(self, store: Store) -> tuple[str, ...]:
        """Remove what no configuration needs: from the manifest, then the files; returns these."""
        lists = {user: files for user, files in self._lists.items() if _is_there(user)}
        lists[self._me] = self._mine
        gone = self.files() - {file for files in lists.values() for file in files}
        store.disown([name for name, entry in store.sounds.items() if gone >= _named(name, entry)])
        removed = tuple(file for file in sorted(gone) if (self._folder / file).is_file())
        for file in removed:
            (self._folder / file).unlink()
        self._write(lists)
        return removed

    def _read(self) -> dict[str, set[str]]:
        try:
            document = json.loads(self._path.read_bytes())
            if document["schema"] != _SCHEMA:
                raise ValueError(f"schema {document['schema']} is not {_SCHEMA}")
            lists = {user: set(files) for user, files in document["configurations"].items()}
            for file in (file for files in lists.values() for file in files):
                if not _FILE.fullmatch(file):
                    raise ValueError(f"{file!r} is no sound")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise SoundError(
                f"cannot be read: {problem}",
                where=str(self._path),
                remedy="restore it from a backup; or delete it, and what is installed stays",
            ) from problem
        return lists

    def _write(self, lists: Mapping[str, set[str]]) -> None:
        document = {
            "schema": _SCHEMA,
            "configurations": {user: sorted(lists[user]) for user in sorted(lists)},
        }
        # A name of this kind is cleared away like that of a manifest, where it is left over.
        with replacing(self._path, prefix=f".{MANIFEST}.") as file:
            file.write(json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")


def _is_there(user: str) -> bool:
    """Whether a configuration still exists, as far as this host can tell."""
    host, _, path = user.partition(":")
    if host != platform.node():
        return True
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


class _Owner:
    """Whose sounds they are to be: those of the folder's owner and group, where root installs."""

    def __init__(self, folder: Path) -> None:
        status = folder.stat()
        self._ids = (status.st_uid, status.st_gid)
        self._hands_over = os.geteuid() == 0 and self._ids != (0, 0)
        self.note = ""
        if os.geteuid() not in (0, status.st_uid):
            self.note = (
                f"the sounds belong to user {os.geteuid()} and {folder} to user {status.st_uid}: "
                "run it as root, or as that user, where this matters"
            )

    def put(self, store: Store, name: str, one: _Found) -> None:
        language = (store.folder / name).parent
        made = [] if language.exists() else [language]
        staged = stage(
            store.folder, name, {fmt: file.read_bytes() for fmt, file in one.files.items()}
        )
        self.take([*made, *staged.temporary.values()])
        store.publish(staged, one.entry)

    def take(self, paths: Iterable[Path]) -> None:
        if not self._hands_over:
            return
        try:
            for path in paths:
                os.lchown(path, *self._ids)  # who owns the folder may have put a link there
        except OSError as problem:
            self.note = f"the sounds stay root's: {problem.strerror}"


def _files(sounds: Mapping[str, ManifestEntry]) -> Iterator[str]:
    for name, entry in sounds.items():
        yield from _named(name, entry)


def _named(name: str, entry: ManifestEntry) -> set[str]:
    return {f"{name}.{extension}" for extension in entry.files}


def _digest(file: Path) -> str:
    """The SHA-256 of a file; empty where it cannot be read."""
    try:
        return digest(file.read_bytes())
    except OSError:
        return ""
