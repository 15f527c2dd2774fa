"""What is known of a call when it asks to be announced."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Direction(str, Enum):
    """Who started the call, seen from the call centre."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Stage(str, Enum):
    """When the announcement is made: before an agent is sought, or once one has answered."""

    POSSIBLE = "possible"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call as its door saw it.

    ``None`` means that the door was not told. ``agent`` is the interface of the agent who
    answered (``PJSIP/201``), ``site`` a site id that the dialplan insists on, ``trunk`` the
    endpoint the call came in by. ``language`` is what the dialplan asked for,
    ``channel_language`` what the channel is set to (Asterisk's default is ``en`` everywhere).
    """

    unique_id: str
    channel: str
    door: str
    direction: Direction = Direction.INBOUND
    stage: Stage = Stage.POSSIBLE
    linked_id: str | None = None
    dialled_number: str | None = None
    caller_number: str | None = None
    queue: str | None = None
    agent: str | None = None
    site: str | None = None
    trunk: str | None = None
    language: str | None = None
    channel_language: str | None = None


def endpoint_of(channel: str) -> str:
    """The interface a channel belongs to: ``PJSIP/201-0000001a`` -> ``PJSIP/201``.

    Asterisk appends ``-`` and eight hexadecimal digits to the interface; the two halves of a
    Local channel carry ``;1`` or ``;2`` behind that.
    """
    name, _, half = channel.partition(";")
    stem, dash, suffix = name.rpartition("-")
    if dash and len(suffix) == 8 and all(c in "0123456789abcdef" for c in suffix):
        return stem
    return name if half in ("1", "2") else channel
