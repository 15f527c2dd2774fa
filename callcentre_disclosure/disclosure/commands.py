"""What a session asks a door to do, and what the door reports."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .announcement import Prompt
from .outcome import PlaybackReport
from .record import LedgerRecord


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the call unless it is."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Let the caller hear without answering the call (SIP 183)."""


@dataclass(frozen=True, slots=True)
class SendText:
    """Send the caller a text message in the call."""

    text: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play a prompt to the caller, to its end. No key cuts it; the report tells whether ``key``
    was pressed meanwhile."""

    prompt: Prompt
    key: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Play a prompt that any key ends, and wait for one, up to some seconds after its end."""

    prompt: Prompt
    seconds: float


@dataclass(frozen=True, slots=True)
class FindExtension:
    """Tell whether the dialplan has an extension with a priority 1."""

    context: str
    extension: str


@dataclass(frozen=True, slots=True)
class FindChannel:
    """Tell whether somebody is still on the line, by the name of their channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class SetVariables:
    """Set channel variables; a name that begins with ``__`` is inherited by the agent's legs."""

    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Let the call go on somewhere else in the dialplan, or another ``channel``."""

    context: str
    extension: str
    priority: int = 1
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """Hang up an agent who waits."""

    channel: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, with a cause of ITU-T Q.850."""

    cause: int


Command: TypeAlias = (
    "Answer | Progress | SendText | Play | Ask | FindExtension | FindChannel | SetVariables"
    "| Redirect | Release | HangUp"
)
Report: TypeAlias = "PlaybackReport | None"
Session: TypeAlias = "Generator[Command, Report, LedgerRecord]"
