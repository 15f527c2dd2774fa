"""A configuration as an AGI script reads it: one file that is ready to be looked up in.

A script is a process a call, so the caller waits for whatever it imports and reads. The file is
sorted text, on each line a table, a key and a value in JSON with tabs between them::

    agent   PJSIP/201   ["PJSIP/201","MA","casablanca"]

found by bisection, as ``look(1)`` does, so that a call reads a few pages of it whether there are
ten agents or a hundred thousand. A heading names the files it was made from; when one of them has
changed, ``compiling`` makes it again. Nothing here imports more than a call needs, and a tuple
with names is made in a fraction of the time that a frozen dataclass takes.
"""

# ruff: noqa: PTH100, PTH123
# Importing pathlib would cost every call 2 ms.

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from callcentre_disclosure.disclosure.directory import Directory

from . import rows
from .place import LedgerPlace
from .sources import Source

if TYPE_CHECKING:
    from callcentre_disclosure.disclosure.sites import Agent
    from callcentre_disclosure.errors import Finding

T = TypeVar("T")

#: Changes with the lines of the file. (A new version of the package is a new source of it.)
FORMAT = "callcentre-disclosure 4"


class Compiled(NamedTuple):
    """A configuration that is ready for a call.

    ``findings`` is empty unless the configuration has become unusable since this was compiled;
    say so loudly, calls are still announced as they were. It was not ``kept`` where no cache folder
    can be written.
    """

    directory: Directory
    evidence: LedgerPlace
    findings: tuple[Finding, ...] = ()
    kept: bool = True


def compiled_name(path: str | os.PathLike[str]) -> str:
    """The name of the compiled file of a configuration."""
    return sha256(os.fsencode(os.path.abspath(path))).hexdigest()[:16]


class CompiledFile:
    """The sorted lines of a compiled file."""

    def __init__(self, data: mmap | bytes) -> None:
        self._data = data
        self._start = data.find(b"\n") + 1
        self._heading: dict[str, Any] = json.loads(data[: self._start])

    @classmethod
    def open(cls, path: str) -> CompiledFile | None:
        """The file, or None where there is none that can be read."""
        try:
            with open(path, "rb") as file:
                opened = cls(mmap(file.fileno(), 0, access=ACCESS_READ))
        except (OSError, ValueError):
            return None
        return opened if opened._heading.get("format") == FORMAT else None

    def sources(self) -> Iterator[Source]:
        """The files that this was made from, as they were then."""
        return (Source(*source) for source in self._heading["sources"])

    def is_current(self) -> bool:
        """Whether none of its sources has changed."""
        return all(source.is_current() for source in self.sources())

    def compiled(self, findings: tuple[Finding, ...] = ()) -> Compiled:
        """The configuration, with what has been found wrong with it since."""
        directory = Directory(
            sites=Table(self, "site", rows.site),
            agents=Table(self, "agent", rows.agent),
            agent_patterns=Patterns(self),
            queues=Table(self, "queue", tuple),
            trunks=Table(self, "trunk", rows.trunk),
            numbers=Table(self, "number", str),
            routes=Table(self, "route", rows.route),
            default_route=rows.route(self._heading["default"]),
            languages=tuple(self._heading["languages"]),
            wordings=Table(self, "wording", rows.wording),
            sounds=Table(self, "sound", rows.sound),
            profiles=Table(self, "profile", rows.profile),
            domestic_country=self._heading["domestic_country"],
            every_country=tuple(self._heading["every_country"]),
        )
        return Compiled(directory, rows.place(self._heading["evidence"]), findings)

    def row(self, table: str, key: str) -> Any:
        """The value of a key, None where there is none."""
        wanted = f"{table}\t{key}\t".encode(errors="replace")
        low, high = self._start, len(self._data)
        while low < high:
            start = max(low, self._data.rfind(b"\n", low, (low + high) // 2) + 1)
            end = self._data.find(b"\n", start)
            line = self._data[start:end]
            if line.startswith(wanted):
                return json.loads(line[len(wanted) :])
            if line < wanted:
                low = end + 1
            else:
                high = start
        return None


class Table(Generic[T]):
    """One kind of thing in a compiled file (a ``Lookup``)."""

    def __init__(self, file: CompiledFile, name: str, read: Callable[[Any], T]) -> None:
        self._file = file
        self._name = name
        self._read = read

    def get(self, key: str, /) -> T | None:
        row = self._file.row(self._name, key)
        return None if row is None else self._read(row)


class Patterns(Sequence["Agent"]):
    """The agents that are known by a pattern; read when the first of them is asked for."""

    def __init__(self, file: CompiledFile) -> None:
        self._file = file
        self._agents: list[Agent] | None = None

    def __len__(self) -> int:
        return len(self._all())

    def __getitem__(self, index: Any) -> Any:
        return self._all()[index]

    def _all(self) -> list[Agent]:
        if self._agents is None:
            self._agents = [rows.agent(row) for row in self._file.row("patterns", "") or ()]
        return self._agents
