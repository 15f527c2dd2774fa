"""How the calls to some numbers are treated."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class FailurePolicy(str, Enum):
    """What a call gets that could not be told its country.

    GENERIC: a sentence that names no country, then the call goes on. ALL: one that names every
    country of the configuration, and where that fails GENERIC. SILENT: the call goes on. REFUSE: a
    sentence that says so, and nobody is connected.
    """

    GENERIC = "generic"
    ALL = "all"
    SILENT = "silent"
    REFUSE = "refuse"


class Media(str, Enum):
    """How a caller hears an announcement: in a call that was answered for it, and is billed, or
    before the answer (SIP 183)."""

    ANSWERED = "answered"
    EARLY = "early"


@dataclass(frozen=True, slots=True)
class Route:
    """The treatment of the calls to some dialled numbers, and the sites that may answer them.

    ``company`` is the name that callers hear first, ``segments`` the sentences that are added.
    ``profile`` is the rule that is answered to. With ``text`` callers get every sentence as a text
    message, too. ``choice`` is the queue that callers may choose where the profile offers one,
    ``dial`` the agents who are called where there is no queue, in turn, and with ``&`` at once.
    """

    id: str
    on_failure: FailurePolicy
    sites: tuple[str, ...] = ()
    language: str | None = None
    company: str | None = None
    segments: tuple[str, ...] = ()
    profile: str | None = None
    media: Media = Media.ANSWERED
    text: bool = False
    choice: str | None = None
    dial: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trunk:
    """An endpoint that calls come in by: the sites that may answer them, and whether it lets its
    callers hear something before the answer."""

    sites: tuple[str, ...]
    media: Media = Media.EARLY
