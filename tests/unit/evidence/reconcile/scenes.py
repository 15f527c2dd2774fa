"""Calls as Asterisk's channel events tell them, second by second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from callcentre_disclosure.evidence.reconcile.assembling import ChannelEvent, calls
from callcentre_disclosure.evidence.reconcile.calls import Call

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
CALLER, AMINA, YASMINE = "PJSIP/carrier-00000000", "PJSIP/201-00000001", "PJSIP/301-00000002"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


class Scene:
    """Notes down events; the unique id of a channel is made from its name."""

    def __init__(self, linked_id: str = "L1") -> None:
        self.events: list[ChannelEvent] = []
        self.linked_id = linked_id
        self._bridges: dict[str, str] = {}

    def start(self, seconds: float, *channels: str, extension: str = "s") -> Scene:
        for channel in channels:
            self.note("CHAN_START", seconds, channel, extension=extension)
        return self

    def note(self, kind: str, seconds: float, channel: str, **more: str) -> Scene:
        more.setdefault("linked_id", self.linked_id)
        self.events.append(ChannelEvent(kind, at(seconds), channel, f"U-{channel}", **more))
        return self

    def come_to_us(self, seconds: float, channel: str = CALLER) -> Scene:
        data = "agi://127.0.0.1/disclose,stage=possible"
        return self.note("APP_START", seconds, channel, application="AGI", data=data)

    def enter(
        self, seconds: float, bridge: str, *channels: str, technology: str = "simple_bridge"
    ) -> Scene:
        for channel in channels:
            self._bridges[channel] = bridge
            self.note("BRIDGE_ENTER", seconds, channel, bridge=bridge, technology=technology)
        return self

    def leave(self, seconds: float, *channels: str) -> Scene:
        for channel in channels:
            self.note("BRIDGE_EXIT", seconds, channel, bridge=self._bridges.pop(channel))
        return self

    def end(self, seconds: float, *channels: str) -> Scene:
        for channel in channels:
            self.note("CHAN_END", seconds, channel)
        return self

    def calls(self) -> Iterator[Call]:
        return calls(self.events)

    def only(self) -> Call:
        (call,) = self.calls()
        return call


def talked(call: Call) -> list[tuple[str, str, float, float | None]]:
    """Who with whom, from when to when, in seconds after noon."""
    found = []
    for one in call.connections:
        assert one.since
        until = (one.until - NOON).total_seconds() if one.until else None
        since = (one.since - NOON).total_seconds()
        found.append((one.first.channel, one.second.channel, since, until))
    return found
