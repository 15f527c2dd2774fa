"""Agents whom a fake Asterisk can call."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(slots=True)
class FakeAgent:
    """An agent's telephone, whoever calls it.

    It rings for ``answers_after`` seconds (None: for ever) and is answered; ``rejects`` is the SIP
    status with which a call is refused instead (486 is busy). ``hangs_up_after``: the agent leaves
    so many seconds after the answer. It may be changed at any time, for the calls that come after.

    ``timeline`` tells what happened at it, call after call: ``rings``, ``answered``, each text or
    ``tone`` that the agent was played, ``connected to`` and ``parted from`` the other side,
    ``refused``, ``released`` while it rang, and ``hung up`` (with the cause where it was not the
    agent who did).
    """

    answers_after: float | None = 0.0
    rejects: int = 0
    hangs_up_after: float | None = None
    timeline: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)


#: What Asterisk makes of a refusal: the cause of ITU-T Q.850, and the status of the ``Dial`` event.
REFUSALS = MappingProxyType(
    {
        404: (1, "CONGESTION"),
        480: (19, "NOANSWER"),
        486: (17, "BUSY"),
        503: (34, "CONGESTION"),
        603: (21, "NOANSWER"),
    }
)
