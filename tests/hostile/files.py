"""Targets: files that people, and Asterisk, write for us."""

from __future__ import annotations

import inspect
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from callcentre_disclosure.asterisk import dialplan as dialplans
from callcentre_disclosure.asterisk.dialplan import dialplan
from callcentre_disclosure.config.agent_files import read_agents
from callcentre_disclosure.config.binding import Bound
from callcentre_disclosure.config.compiled import CompiledFile
from callcentre_disclosure.config.compiling import write_compiled
from callcentre_disclosure.config.directory import directory, ledger_place
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.config.reading import read_yaml
from callcentre_disclosure.errors import ConfigurationError, EvidenceError, Finding
from callcentre_disclosure.evidence.reconcile import cdr, cel, queue_log
from callcentre_disclosure.evidence.reconcile.rows import Reading

#: The only lines that a written dialplan may have (but for those that are comments, or empty).
_CONTEXT = re.compile(r"\[disclosure-[a-z-]+\]")
_PRIORITY = re.compile(r"(exten => [^,;\s]+,[0-9]+| same => n(\([a-z]+\))?),[A-Z][A-Za-z]+\(.*\)")
_EXPRESSION = re.compile(r"\$\{+([A-Za-z_]+)")
#: What we write ourselves behind ``${``.
_EXPRESSIONS = set(_EXPRESSION.findall(inspect.getsource(dialplans)))


def configuration(data: bytes) -> None:
    """A configuration is loaded, or everything that is wrong with it said; of one that was loaded
    the dialplan is nothing but what we write, and the compiled file says the same."""
    path = _written("config.yaml", data)
    try:
        loaded = load(path)
    except ConfigurationError as error:
        _are_findings(error.findings, path)
        return
    written_safely(loaded)
    _is_compiled(loaded)


def yaml_tree(data: bytes) -> None:
    """Bytes are a tree of text, or one finding with its line."""
    path = _written("tree.yaml", data)
    try:
        read_yaml(path)
    except ConfigurationError as error:
        (finding,) = error.findings
        _are_findings([finding], path)
        assert finding.line <= data.count(b"\n") + data.count(b"\r") + 1 + 3 * len(data)


def agent_file(data: bytes) -> None:
    """Rows are agents, or are said to be wrong."""
    path = _written("agents.csv", data)
    bound = Bound()
    rows = []
    try:
        rows = list(read_agents(path, bound))
    except ConfigurationError as error:
        _are_findings(error.findings, path)
    _are_findings(bound.findings, path, least=0)
    for row, place in rows:
        assert row.interface.isprintable()
        assert place.line > 0


def records(data: bytes) -> None:
    """Call detail records, channel events and the log of the queues, which hold what callers call
    themselves, are calls, or an error."""
    path = str(_written("records", data))
    for calls in (cdr.calls, cel.calls, queue_log.calls):
        read: Callable[[list[str], Reading], Iterator[Any]] = calls
        try:
            for call in islice(read([path], Reading()), 10_000):
                assert call.ended.tzinfo
        except EvidenceError:
            continue


def written_safely(loaded: Configuration) -> None:
    """Every line of the dialplan is one of ours."""
    for text in (dialplan(loaded), dialplan(loaded, 16), dialplan(loaded, 18, freepbx=True)):
        for line in text.split("\n"):
            if not line or line.startswith(";"):
                assert not line.startswith(";--")
                assert line.isprintable()
                continue
            assert _CONTEXT.fullmatch(line) or _PRIORITY.fullmatch(line), line
            assert ";" not in line, line
            assert line.isprintable(), line
            assert set(_EXPRESSION.findall(line)) <= _EXPRESSIONS, line
            assert line.count("(") == line.count(")"), line


def _is_compiled(loaded: Configuration) -> None:
    wanted = directory(loaded)
    file = loaded.path.with_name("compiled")
    write_compiled(file, wanted, ledger_place(loaded), (), 0o600)
    opened = CompiledFile.open(str(file))
    assert opened is not None
    found = opened.compiled().directory
    for name in loaded.sites:
        assert found.sites.get(name) == wanted.sites.get(name)
    for name in loaded.routes:
        assert found.routes.get(name) == wanted.routes.get(name)
    for name in loaded.queues:
        assert found.queues.get(name) == wanted.queues.get(name)
    for name in loaded.agents:
        assert found.agents.get(name) == wanted.agents.get(name)


def _are_findings(findings: Iterable[Finding], path: Path, least: int = 1) -> None:
    findings = list(findings)
    assert least <= len(findings) <= 500
    for finding in findings:
        assert finding.file
        assert finding.problem
        assert finding.remedy
        assert str(finding).isprintable()
        assert len(str(finding)) < 100_000


def _folder() -> Path:
    memory = Path("/dev/shm")
    made = tempfile.mkdtemp(prefix="hostile-", dir=memory if os.access(memory, os.W_OK) else None)
    return Path(made)


_FOLDER: list[Path] = []


def _written(name: str, data: bytes) -> Path:
    """A file in memory. One folder a process: a run of millions makes no more."""
    if not _FOLDER:
        _FOLDER.append(_folder())
    path = _FOLDER[0] / name
    path.write_bytes(data)
    return path
