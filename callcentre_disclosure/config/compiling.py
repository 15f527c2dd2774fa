"""Makes compiled files; see ``compiled`` for what they are."""

from __future__ import annotations

import fcntl
import json
import os
import time
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.errors import ConfigurationError, DisclosureError, Finding

from . import compiled, rows
from .compiled import FORMAT, Compiled, CompiledFile, compiled_name
from .directory import directory, ledger_place, sound_folders
from .loader import load
from .manifest import MANIFEST
from .model import Configuration
from .place import LedgerPlace
from .replacing import replacing
from .sources import Source

#: A configuration that failed is tried again after so many seconds, even if none of the files that
#: were wrong has changed.
_PATIENCE = 60.0


def recompile(path: Path, caches: Sequence[str]) -> Compiled:
    """Load a configuration, and keep it compiled for the next call.

    One process compiles at a time. While it does, others go on with the last compiled file, as
    everybody does when the configuration has become unusable; without one they wait. Where no
    folder can be written the configuration is used from memory.
    """
    name = compiled_name(path)
    folders = [Path(cache) for cache in caches]
    older = _newest_first(folder / name for folder in folders)
    folder = next(filter(_is_writable, folders), None)
    if folder is None:
        return _loaded(path, older, None)._replace(kept=False)
    with _lock(folder / f"{name}.lock", wait=not older) as is_ours:
        if not is_ours:
            return older[0].compiled()
        made = CompiledFile.open(str(folder / name))
        if made and made.is_current():  # by whoever had the lock before us
            return made.compiled()
        return _loaded(path, older, folder / name)


def sources(configuration: Configuration) -> tuple[Source, ...]:
    """Everything that the answers to a call depend on, as it is now."""
    manifests = (folder / MANIFEST for folder in sound_folders(configuration))
    zones = {site.timezone for site in configuration.sites.values() if site.timezone}
    clocks = (Path(root, zone) for zone in sorted(zones) for root in zoneinfo.TZPATH)
    return (
        *configuration.sources,
        *map(Source.of, manifests),
        *(Source.of(clock) for clock in clocks if clock.is_file()),
        Source.of(compiled.__file__),
    )


def write_compiled(
    file: Path, lookup: Directory, evidence: LedgerPlace, made_from: Sequence[Source], mode: int
) -> None:
    """Write a compiled file in one step: readers see the old one or the new one."""
    heading = {
        "format": FORMAT,
        "sources": made_from,
        "languages": lookup.languages,
        "domestic_country": lookup.domestic_country,
        "every_country": lookup.every_country,
        "evidence": rows.place_row(evidence),
        "default": rows.route_row(lookup.default_route),
    }
    lines = sorted(line.encode() for line in _lines(lookup))
    with replacing(file, prefix=f".{file.name}.", mode=mode) as output:
        output.write(_json(heading).encode() + b"\n")
        output.writelines(lines)


def _newest_first(files: Iterable[Path]) -> list[CompiledFile]:
    there = sorted(map(Source.of, files), key=lambda source: source.modified, reverse=True)
    return [opened for source in there if (opened := CompiledFile.open(source.path))]


def _loaded(path: Path, older: Sequence[CompiledFile], target: Path | None) -> Compiled:
    """The configuration as it is now, or as it was when it last could be used."""
    memory = target.with_suffix(".failed") if target else None
    findings = _remembered(memory) if memory else ()
    if not findings:
        try:
            return _compiled(path, target)
        except ConfigurationError as error:
            findings = error.findings
        except DisclosureError as error:
            findings = (Finding(error.where, 0, "", error.what, error.remedy),)
        if memory:
            known = {source.path for file in older for source in file.sources()}
            files = {str(path), *known, *(finding.file for finding in findings)}
            _remember(memory, findings, sorted(files))
    if not older:
        raise ConfigurationError(findings)
    return older[0].compiled(findings)


def _compiled(path: Path, target: Path | None) -> Compiled:
    configuration = load(path)
    made_from = sources(configuration)
    evidence = ledger_place(configuration)
    lookup = directory(configuration)
    if target:
        with suppress(OSError):  # a full disk does not keep a call from being announced
            mode = path.stat().st_mode & 0o666 | 0o600  # who may read the one may read the other
            write_compiled(target, lookup, evidence, made_from, mode)
    return Compiled(lookup, evidence)


def _lines(lookup: Directory) -> Iterator[str]:
    tables: tuple[tuple[str, Any, Any], ...] = (
        ("site", lookup.sites, rows.site_row),
        ("agent", lookup.agents, rows.agent_row),
        ("queue", lookup.queues, list),
        ("trunk", lookup.trunks, rows.trunk_row),
        ("number", lookup.numbers, str),
        ("route", lookup.routes, rows.route_row),
        ("profile", lookup.profiles, rows.profile_row),
        ("wording", lookup.wordings, rows.wording_row),
        ("sound", lookup.sounds, rows.sound_row),
    )
    for name, table, row in tables:
        for key, value in table.items():
            yield f"{name}\t{key}\t{_json(row(value))}\n"
    yield f"patterns\t\t{_json([rows.agent_row(agent) for agent in lookup.agent_patterns])}\n"


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _remember(memory: Path, findings: Sequence[Finding], files: Sequence[str]) -> None:
    document = {
        "tried": time.time(),
        "sources": [Source.of(file) for file in files],
        "findings": [astuple(finding) for finding in findings],
    }
    with suppress(OSError):
        memory.write_text(_json(document), encoding="utf-8")


def _remembered(memory: Path) -> tuple[Finding, ...]:
    """The findings of a try that would fail again, as nothing has changed since."""
    try:
        document = json.loads(memory.read_text(encoding="utf-8"))
        recent = abs(time.time() - document["tried"]) < _PATIENCE
        same = all(Source(*source).is_current() for source in document["sources"])
        return tuple(Finding(*row) for row in document["findings"]) if recent and same else ()
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


@contextmanager
def _lock(path: Path, *, wait: bool) -> Iterator[bool]:
    """Whether this process may compile; the lock goes with the process that holds it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:  # somebody else's lock: compiling twice does no harm
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)
