"""What a fake Asterisk is made of: channels, bridges and playbacks, as ARI describes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeAlias, TypeVar

from .fake_agent import FakeAgent
from .fake_call import FakeCall

_Result = TypeVar("_Result")
#: Something that a channel does when it comes to it: one command at a time, in their order.
Command: TypeAlias = Callable[[], Awaitable[None]]

#: The causes of ITU-T Q.850 that ARI has names for.
CAUSES = {
    "normal": 16,
    "busy": 17,
    "congestion": 34,
    "no_answer": 19,
    "timeout": 18,
    "rejected": 21,
    "unallocated": 1,
    "normal_unspecified": 31,
    "number_incomplete": 28,
    "codec_mismatch": 58,
    "interworking": 127,
    "failure": 38,
    "answered_elsewhere": 26,
}
_CAUSE_TEXTS = {
    0: "Unknown",
    1: "Unallocated (unassigned) number",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    21: "Call Rejected",
    26: "Answered elsewhere",
    34: "Circuit/channel congestion",
    38: "Network out of order",
}


def cause_text(cause: int) -> str:
    """A cause in Asterisk's words."""
    return _CAUSE_TEXTS.get(cause, "Unknown")


def timestamp() -> str:
    """The time as Asterisk writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


@dataclass(eq=False, slots=True)
class Playback:
    """Sounds or a tone that a channel or a bridge plays. ``ending`` becomes ``done`` or
    ``failed``."""

    id: str
    media: list[str]
    target: str
    language: str
    ending: asyncio.Future[str]
    state: str = "queued"
    position: int = 0
    deleted: bool = False

    def end(self, state: str) -> None:
        """It has come to its end, or was ended."""
        if not self.ending.done():
            self.ending.set_result(state)

    def described(self) -> dict[str, Any]:
        """As ARI has it."""
        following = self.media[self.position + 1 : self.position + 2]
        return {
            "id": self.id,
            "media_uri": self.media[self.position],
            **({"next_media_uri": following[0]} if following else {}),
            "target_uri": self.target,
            "language": self.language,
            "state": self.state,
        }


@dataclass(eq=False, slots=True)
class Bridge:
    """Where channels talk to one another. ``options`` is what else was said of its type:
    ``dtmf_events``, ``proxy_media``. ``apps`` have had a channel in it.
    """

    id: str
    type: str
    options: frozenset[str] = frozenset()
    name: str = ""
    members: list[Channel] = field(default_factory=list)
    apps: set[str] = field(default_factory=set)
    talking: list[tuple[Channel, Channel]] = field(default_factory=list)
    playbacks: asyncio.Queue[Playback] = field(default_factory=asyncio.Queue)
    player: asyncio.Task[None] | None = None
    created: str = field(default_factory=timestamp)

    def described(self) -> dict[str, Any]:
        """As ARI has it."""
        return {
            "id": self.id,
            "technology": "holding_bridge" if self.type == "holding" else "simple_bridge",
            "bridge_type": self.type,
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": self.name,
            "channels": [member.id for member in reversed(self.members)],
            "creationtime": self.created,
            "video_mode": "talker",
        }


@dataclass(eq=False, slots=True)
class Channel:
    """One side of a call: that of a caller, or with ``agent`` the one to an agent's telephone.

    ``call`` is what is lived at its end. ``app`` is the application whose it is, empty where none
    has it; ``apps`` are told what happens to it. ``kept`` says that they are told even then, to its
    end.
    """

    id: str
    name: str
    call: FakeCall
    exten: str
    context: str = "from-trunk"
    caller: str = ""
    connected: str = ""
    agent: FakeAgent | None = None
    application: tuple[str, str] = ("", "")
    app: str = ""
    apps: set[str] = field(default_factory=set)
    kept: bool = False
    inherited: dict[str, str] = field(default_factory=dict)
    commands: asyncio.Queue[Command] = field(default_factory=asyncio.Queue)
    leaving: bool = False
    cause: int | None = None
    tech_cause: int | None = None
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    bridge: Bridge | None = None
    playing: Playback | None = None
    ringing: bool = False
    music: bool = False
    created: str = field(default_factory=timestamp)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> str:
        """``Down``, ``Ring``, ``Ringing`` or ``Up``."""
        return self.call.variables["CHANNEL(state)"]

    @state.setter
    def state(self, state: str) -> None:
        self.call.variables["CHANNEL(state)"] = state

    @property
    def in_conversation(self) -> bool:
        """Whether it hears the others in its bridge."""
        busy = self.ringing or self.music or self.playing
        return self.call.up and not (self.leaving or busy)

    def note(self, what: str) -> None:
        """What is lived at its end, as long as somebody is there."""
        if not self.call.gone:
            self.call.timeline.append(what)

    def described(self) -> dict[str, Any]:
        """As ARI has it."""
        application, data = self.application
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "protocol_id": f"{self.id}@fake",
            "caller": {"name": "", "number": self.caller},
            "connected": {"name": "", "number": self.connected},
            "accountcode": "",
            "dialplan": {
                "context": self.context,
                "exten": self.exten,
                "priority": 2,
                "app_name": application,
                "app_data": data,
            },
            "creationtime": self.created,
            "language": self.call.variables.get("CHANNEL(language)", self.call.language),
        }


async def within(seconds: float | None, awaited: asyncio.Future[_Result]) -> _Result | None:
    """What comes of it within so many seconds; None where nothing does."""
    done, _ = await asyncio.wait((awaited,), timeout=seconds)
    return awaited.result() if done else None
