"""The errors of this package, by whose fault they are.

    DisclosureError            every error below; ``explain()`` says what, where and what to do
    ├── ConfigurationError     the integrator's files: carries every ``Finding`` of one run
    ├── SoundError             a sound that cannot be made, read or found
    │   └── EngineError        an engine that can say nothing at all: no other sentence helps
    ├── EvidenceError          a record that could not be written or read
    ├── LocalProtocolError     our own misuse of a protocol (a newline inside an AGI argument)
    └── RemoteProtocolError    Asterisk, or whoever connected, said something that is no AGI

A caller who hangs up is an outcome (``DisclosureOutcome.ABANDONED``), never an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def plain(text: str) -> str:
    """A line of text that moves no terminal, whoever wrote what is in it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing wrong in a file: where it stands, what it is, what to do about it."""

    file: str
    line: int
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        key = f"{self.key}: " if self.key else ""
        return plain(f"{where}{key}{self.problem}; {self.remedy}")


class DisclosureError(Exception):
    """What happened, where, and what to do about it."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def explain(self) -> str:
        """One sentence for the person who has to mend it."""
        where = f"{self.where}: " if self.where else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{where}{self.what}{remedy}"

    __str__ = explain


class ConfigurationError(DisclosureError):
    """A configuration that cannot be used; ``findings`` holds everything wrong with it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        many = f"{len(self.findings)} findings" if len(self.findings) != 1 else "1 finding"
        super().__init__(many)

    def explain(self) -> str:
        return "\n".join(map(str, self.findings))

    __str__ = explain


class SoundError(DisclosureError):
    """A sound that cannot be made, read or found."""


class EngineError(SoundError):
    """An engine that can say nothing at all: not installed, no network, its voice missing.

    A build stops here, where for any other ``SoundError`` it goes on with the next sentence.
    """


class EvidenceError(DisclosureError):
    """A record that could not be written or read."""


class LocalProtocolError(DisclosureError):
    """We tried to send what the protocol cannot carry."""


class RemoteProtocolError(DisclosureError):
    """The other side sent what the protocol does not know."""
