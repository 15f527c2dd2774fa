"""What a running Asterisk says of itself (``asterisk -rx``), and how that is to be read."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

#: Asks Asterisk; None where it does not answer.
Ask: TypeAlias = Callable[[str], "str | None"]

_SECONDS = 20.0
#: The lines of a context, by extension: ``1. Answer()``.
Context: TypeAlias = "dict[str, list[str]]"


def console(command: Sequence[str]) -> Ask:
    """Asks the Asterisk of a command (``asterisk``, ``asterisk -C /etc/other/asterisk.conf``)."""

    def ask(text: str) -> str | None:
        try:
            done = subprocess.run(
                [*command, "-rx", text],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return None if done.returncode else done.stdout.decode(errors="replace")

    return ask


@dataclass(frozen=True)
class Switch:
    """An Asterisk that runs.

    ``settings`` are those of ``core show settings``; ``modules`` run; ``applications`` and
    ``functions`` are in capitals; ``formats`` has the codec of each extension of a sound file;
    ``contexts`` is the dialplan; ``includes`` are the contexts that others include.
    """

    version: tuple[int, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    applications: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    formats: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, Context] = field(default_factory=dict)
    includes: frozenset[str] = frozenset()

    @property
    def major(self) -> int:
        return self.version[0]

    @property
    def folder(self) -> Path:
        """Where its configuration is."""
        return Path(self.settings.get("Configuration directory", "/etc/asterisk"))

    def lines(self) -> Iterator[tuple[str, str]]:
        """Every line of the dialplan, with its context."""
        for name, context in self.contexts.items():
            for lines in context.values():
                yield from ((name, line) for line in lines)


def look(ask: Ask) -> Switch | None:
    """The Asterisk that answers; None where none does."""
    settings = read_settings(ask("core show settings") or "")
    version = re.match(r"(?:certified/)?(\d+(?:\.\d+)*)", settings.get("Version", ""))
    if version is None:
        return None
    contexts, includes = read_dialplan(ask("dialplan show") or "")
    return Switch(
        version=tuple(map(int, version[1].split("."))),
        settings=settings,
        modules=read_modules(ask("module show") or ""),
        applications=read_names(r" *(\w+): ", ask("core show applications") or ""),
        functions=read_names(r"(\w+) +\w+\(", ask("core show functions") or ""),
        formats=read_formats(ask("core show file formats") or ""),
        contexts=contexts,
        includes=includes,
    )


def read_settings(text: str) -> dict[str, str]:
    """``core show settings``; the same for other lists of ``name: value``."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip(" :") for name, colon, value in pairs if colon}


def read_modules(text: str) -> frozenset[str]:
    """The modules of ``module show`` that run, without ``.so``."""
    return frozenset(re.findall(r"^(\w+)\.so .*(?<!Not) Running ", text, re.MULTILINE))


def read_names(pattern: str, text: str) -> frozenset[str]:
    return frozenset(name.upper() for name in re.findall(f"^{pattern}", text, re.MULTILINE))


def read_formats(text: str) -> dict[str, str]:
    """The codec of each extension, by ``core show file formats``."""
    rows = (line.split() for line in text.splitlines()[2:])
    return {extension: row[0] for row in rows if len(row) == 3 for extension in row[2].split("|")}


def read_dialplan(text: str) -> tuple[dict[str, Context], frozenset[str]]:
    """``dialplan show``: the contexts, and which of them others include."""
    contexts: dict[str, Context] = {}
    includes = set()
    lines: list[str] = []
    for line in text.splitlines():
        if found := re.match(r"\[ (?:Included c|C)ontext '(.+)' created by ", line):
            context = contexts.setdefault(found[1], {})
        elif found := re.match(r"  Include => +'([^']+)'", line):
            includes.add(found[1])
        elif found := _LINE.match(line):
            if found[1]:
                lines = context.setdefault(found[1], [])
            lines.append(found[2].rstrip())
    return contexts, frozenset(includes)


_LINE = re.compile(
    r"  (?:'(.+?)' (?:\(CID match '.*'\) )?=>)?(?:   \[.+\])? +(\d+\. .+?)(?: *\[[^\[\]]+\])?$"
)


def written_dialplan(text: str) -> dict[str, Context]:
    """The contexts of an extensions.conf that we have written, as ``dialplan show`` shows them."""
    contexts: dict[str, Context] = {}
    for line in text.splitlines():
        if found := re.fullmatch(r"\[(.+)\]", line):
            context = contexts.setdefault(found[1], {})
        elif found := re.fullmatch(r"exten => (.+?),(\d+),(.+)", line):
            lines = context.setdefault(found[1], [])
            lines.append(f"{found[2]}. {found[3]}".rstrip())
        elif found := re.fullmatch(r" same => n(?:\(\w+\))?,(.+)", line):
            lines.append(f"{len(lines) + 1}. {found[1]}".rstrip())
    return contexts
