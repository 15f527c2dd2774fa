"""How the calls to some numbers are treated."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FailurePolicy(str, Enum):
    """What a call gets that could not be told its country.

    GENERIC: a sentence that names no country, then the call goes on. SILENT: the call goes on.
    REFUSE: nobody is connected.
    """

    GENERIC = "generic"
    SILENT = "silent"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Route:
    """The treatment of the calls to some dialled numbers, and the sites that may answer them.

    ``company`` is the name that callers hear first, ``segments`` the sentences that are added.
    """

    id: str
    on_failure: FailurePolicy
    sites: tuple[str, ...] = ()
    language: str | None = None
    company: str | None = None
    segments: tuple[str, ...] = ()
