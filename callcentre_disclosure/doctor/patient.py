"""What the parts of an examination share: the configuration, its Asterisk and its servers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from callcentre_disclosure.config.location import DEFAULT_CONFIGURATION
from callcentre_disclosure.config.model import Configuration

from .access import User
from .console import Ask, Switch
from .dialplan import uses_script, written

PROGRAM = "callcentre-disclosure"
_KINDS = ("fastagi", "ari")


@dataclass(frozen=True, slots=True)
class Process:
    """A server of a configuration that runs on this machine; ``began`` in seconds since 1970."""

    pid: int
    kind: str
    user: User
    options: tuple[str, ...]
    began: float

    def option(self, name: str) -> str | None:
        """What was said after ``--name``."""
        for option, following in pairwise((*self.options, "")):
            if option == f"--{name}":
                return following
            if option.startswith(f"--{name}="):
                return option.partition("=")[2]
        return None


@dataclass(frozen=True)
class Patient:
    """An installation; ``switch`` is None where no Asterisk answers, ``user`` runs it."""

    configuration: Configuration
    ask: Ask
    switch: Switch | None
    user: User | None
    servers: tuple[Process, ...] = ()

    @cached_property
    def dialplan(self) -> str:
        """What we would write for this Asterisk."""
        return written(self.configuration, self.switch)

    @property
    def users(self) -> tuple[User, ...]:
        """Who announces: those who run the servers and, where it may start the script, Asterisk."""
        known = [server.user for server in self.servers]
        if self.user and (self.switch is None or uses_script(self.switch)):
            known.append(self.user)
        return tuple(dict.fromkeys(known))


def servers(configuration: Path) -> tuple[Process, ...]:
    """The servers that run here with a configuration: of each, the process that has the others.

    Those that we may not look into are passed over.
    """
    found = {pid: one for pid, one in _all() if one[1] == configuration.resolve()}
    return tuple(one for pid, (one, _, parent) in found.items() if parent not in found)


def _all() -> Iterator[tuple[int, tuple[Process, Path, int]]]:
    boot = _booted()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            at = next((i for i, word in enumerate(words) if Path(word).name == PROGRAM), None)
            if at is None or len(words) < at + 2 or words[at + 1] not in _KINDS:
                continue
            environ = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            here = (folder / "cwd").resolve()
        except OSError:
            continue
        pid = int(folder.name)
        user = User.of_process(pid)
        if user is None:
            continue
        began = boot + int(status[19]) / os.sysconf("SC_CLK_TCK")
        process = Process(pid, words[at + 1], user, tuple(words[at + 2 :]), began)
        named = dict(one.split("=", 1) for one in environ if "=" in one)
        default = named.get("CALLCENTRE_DISCLOSURE_CONFIG", str(DEFAULT_CONFIGURATION))
        path = here / (process.option("config") or default)
        yield pid, (process, path.resolve(), int(status[1]))


def _booted() -> float:
    found = re.search(r"^btime (\d+)", Path("/proc/stat").read_text(), re.MULTILINE)
    assert found is not None, "the kernel says when it began"
    return float(found[1])
