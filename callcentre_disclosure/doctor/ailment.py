"""What an examination comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing wrong: by which name it is known (docs/administrators.md), what it is, where, and
    what to do about it."""

    name: str
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy} [{self.name}]"


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be looked at, and why."""

    why: str


Judgement: TypeAlias = "Iterator[Ailment | Unseen]"
