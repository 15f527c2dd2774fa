"""From channel events, in the order of time, to calls.

A channel is in one bridge at a time. The two halves of a Local channel carry sound from the bridge
of the one into the bridge of the other, so people are connected who are in the same bridge or in
bridges between which there are Local channels; when those are optimised away the people stay
connected. Channels belong to one call that share a linked id, a bridge or, where the source tells
no linked ids, a Local channel. A call is over when its last channel is; only calls that are not
over are held in memory.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations

from .calls import SILENT, Call, Connection, Party

#: A connection that is made again within this time has never been interrupted: channels change
#: bridges when Local channels are optimised away.
_CHANGE_OF_BRIDGE = timedelta(seconds=0.5)
_BETWEEN_LOOKS = timedelta(hours=1)

#: Channels that nobody speaks on: announcers, recorders, listeners, media of programs.
_NOBODY = frozenset(
    [
        "Announcer",
        "AsyncGoto",
        "AudioSocket",
        "CBAnn",
        "CBRec",
        "Message",
        "MulticastRTP",
        "Recorder",
        "Snoop",
        "Surrogate",
        "UnicastRTP",
        "WebSocket",
    ]
)
#: Who is in such a bridge (parked, waiting) hears music, and not the others.
_WAITING = "holding_bridge"
#: How a dialplan comes to us, by its application and what it hands over.
_COMES_TO_US = re.compile(r"(?is)(?:E|Dead)?AGI .*disclos|Stasis callcentre-disclosure")
_OUR_ROUTES = "disclosure-calls-"


@dataclass(frozen=True, slots=True)
class ChannelEvent:
    """One row of CEL, as far as it matters here; ``kind`` as CEL names it (``BRIDGE_ENTER``)."""

    kind: str
    at: datetime
    channel: str
    unique_id: str
    linked_id: str = ""
    extension: str = ""
    context: str = ""
    dialled: str = ""
    application: str = ""
    data: str = ""
    bridge: str = ""
    technology: str = ""


@dataclass(slots=True)
class _Channel:
    name: str
    unique_id: str
    order: int
    bridge: str = ""

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]


@dataclass(slots=True)
class _Open:
    """A connection that is not over; ``until`` is set while it is interrupted."""

    since: datetime
    via: tuple[str, ...]
    until: datetime | None = None


@dataclass(slots=True, eq=False)
class _Group:
    """A call that is not over."""

    last: datetime
    ids: set[str] = field(default_factory=set)
    channels: dict[str, _Channel] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    bridges: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    open: dict[tuple[str, str], _Open] = field(default_factory=dict)
    over: list[Connection] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)
    route: str | None = None
    numbers: dict[str, None] = field(default_factory=dict)

    def absorb(self, other: _Group) -> None:
        self.last = max(self.last, other.last)
        self.ids |= other.ids
        self.channels |= other.channels
        self.alive |= other.alive
        self.open |= other.open
        self.numbers |= other.numbers
        for bridge, members in other.bridges.items():
            self.bridges[bridge] |= members
        self.over += other.over
        self.asked_at += other.asked_at
        self.route = self.route or other.route

    def connected(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Who hears whom now, with the Local channels between them."""
        found = {}
        for bridges in self._joined():
            members = [self.channels[one] for bridge in bridges for one in self.bridges[bridge]]
            via = tuple(sorted(one.name for one in members if one.kind == "Local"))
            people = [one for one in members if one.kind not in _NOBODY and one.kind != "Local"]
            people.sort(key=lambda one: one.order)
            for first, second in combinations(people, 2):
                found[first.unique_id, second.unique_id] = via
        return found

    def _joined(self) -> list[set[str]]:
        """The bridges in sets between which sound passes."""
        joined: dict[str, set[str]] = {
            bridge: {bridge} for bridge, in_it in self.bridges.items() if in_it
        }
        halves: dict[str, str] = {}
        for bridge in list(joined):
            for one in self.bridges[bridge]:
                name, _, half = self.channels[one].name.partition(";")
                if not half:
                    continue
                other = halves.setdefault(name, bridge)
                if joined[other] is not joined[bridge]:
                    joined[other] |= joined[bridge]
                    for moved in joined[bridge]:
                        joined[moved] = joined[other]
        return list({id(bridges): bridges for bridges in joined.values()}.values())

    def note(self, at: datetime) -> None:
        """Compare who hears whom with what was before."""
        now = self.connected()
        for pair, one in list(self.open.items()):
            if one.until and at - one.until > _CHANGE_OF_BRIDGE:
                self._close(pair, self.open.pop(pair))
            elif pair not in now and one.until is None:
                one.until = at
        for pair, via in now.items():
            if known := self.open.get(pair):
                known.until = None
                known.via = tuple(dict.fromkeys((*known.via, *via)))
            else:
                self.open[pair] = _Open(at, via)

    def _close(self, pair: tuple[str, str], one: _Open) -> None:
        first, second = (self.channels[unique_id] for unique_id in pair)
        self.over.append(
            Connection(
                Party(first.name, first.unique_id, one.via),
                Party(second.name, second.unique_id, one.via),
                one.since,
                one.until,
            )
        )

    def _place(self, one: Connection) -> tuple[datetime, int, int]:
        first, second = (self.channels[party.unique_id].order for party in (one.first, one.second))
        return one.since or self.last, first, second

    def finished(self) -> Call:
        for pair, one in self.open.items():
            self._close(pair, one)
        oldest = min(self.channels.values(), key=lambda one: one.order).unique_id
        return Call(
            id=oldest,
            ids=frozenset(self.ids),
            ended=self.last,
            connections=tuple(sorted(self.over, key=self._place)),
            channels=frozenset(one.name for one in self.channels.values()),
            asked_at=tuple(sorted(self.asked_at)),
            numbers=tuple(self.numbers),
            route=self.route,
        )


def calls(events: Iterable[ChannelEvent]) -> Iterator[Call]:
    """The calls of some events, each when it is over; at last those that were not."""
    assembly = Assembly()
    looked: datetime | None = None
    for event in events:
        looked = looked or event.at
        if event.at - looked >= _BETWEEN_LOOKS:
            looked = event.at
            yield from assembly.silent(event.at - SILENT)
        over = assembly.take(event)
        if over is not None:
            yield over
    yield from assembly.rest()


class Assembly:
    """The calls that are not over."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        """By every id of theirs, by bridge, and by Local channel."""
        self._order = 0

    def take(self, event: ChannelEvent) -> Call | None:
        """Take notice of an event; returns the call that it ends."""
        begins = event.kind in ("CHAN_START", "ANSWER", "APP_START", "BRIDGE_ENTER")
        group = self._groups.get(event.unique_id)
        if group is None and not begins:
            return None  # of a channel whose call is over, or began before the first event
        group = self._group(event, group)
        channel = self._channel(event, group)
        if event.kind == "BRIDGE_ENTER" and event.technology != _WAITING:
            self._leave(group, channel)
            channel.bridge = event.bridge
            group.bridges[event.bridge].add(channel.unique_id)
            group.note(event.at)
        elif event.kind == "BRIDGE_EXIT" and channel.bridge == event.bridge:
            self._leave(group, channel)
            group.note(event.at)
        elif event.kind == "APP_START" and _COMES_TO_US.match(f"{event.application} {event.data}"):
            group.asked_at.append(event.at)
        elif event.kind == "CHAN_END":
            self._leave(group, channel)
            group.note(event.at)
            group.alive.discard(channel.unique_id)
            if not group.alive:
                self._forget(group)
                return group.finished()
        return None

    def silent(self, since: datetime) -> Iterator[Call]:
        """The calls of which nothing was seen since: Asterisk has crashed, or events were lost."""
        for group in self._all():
            if group.last < since:
                self._forget(group)
                yield group.finished()

    def rest(self) -> Iterator[Call]:
        """The calls that are not over."""
        for group in self._all():
            yield group.finished()

    def ids(self) -> frozenset[str]:
        """What is known of them."""
        return frozenset(self._groups)

    def _all(self) -> list[_Group]:
        return list({id(group): group for group in self._groups.values()}.values())

    def _group(self, event: ChannelEvent, group: _Group | None) -> _Group:
        """The call of an event; calls that it shows to be one are made one."""
        entered = event.bridge if event.kind == "BRIDGE_ENTER" else ""
        keys = [event.unique_id, *filter(None, (event.linked_id, entered))]
        if event.technology == _WAITING or event.kind == "LINKEDID_END":
            keys = keys[:1]
        name, _, half = event.channel.partition(";")
        if half and not event.linked_id:  # else it may be another Asterisk's, or of before a crash
            keys.append(name)
        group = group or next(filter(None, map(self._groups.get, keys)), None) or _Group(event.at)
        for key in keys:
            other = self._groups.get(key)
            if other is group:
                continue
            if other is not None:
                if len(other.channels) > len(group.channels):
                    group, other = other, group
                group.absorb(other)
                for known in self._keys(other):
                    self._groups[known] = group
            self._groups[key] = group
        group.last = max(group.last, event.at)
        group.ids.update(filter(None, (event.unique_id, event.linked_id)))
        return group

    def _channel(self, event: ChannelEvent, group: _Group) -> _Channel:
        channel = group.channels.get(event.unique_id)
        if channel is None:
            self._order += 1
            channel = _Channel(event.channel, event.unique_id, self._order)
            group.channels[event.unique_id] = channel
            group.alive.add(event.unique_id)
        if len(group.channels) == 1:
            group.numbers.update(dict.fromkeys(filter(None, (event.extension, event.dialled))))
        if event.context.startswith(_OUR_ROUTES) and group.route is None:
            group.route = event.extension
        return channel

    def _leave(self, group: _Group, channel: _Channel) -> None:
        if channel.bridge:
            members = group.bridges[channel.bridge]
            members.discard(channel.unique_id)
            if not members:  # who is logged in all day is in hundreds
                del group.bridges[channel.bridge]
                self._groups.pop(channel.bridge, None)
            channel.bridge = ""

    @staticmethod
    def _keys(group: _Group) -> Iterator[str]:
        yield from group.ids
        yield from group.bridges
        yield from (one.name.partition(";")[0] for one in group.channels.values())

    def _forget(self, group: _Group) -> None:
        for key in self._keys(group):
            if self._groups.get(key) is group:
                del self._groups[key]
