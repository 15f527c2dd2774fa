"""The calls of a fake Asterisk: what happens to channels, bridges and playbacks, and in what order
an application is told of it.

A channel in Stasis carries out one command after the other, as Asterisk's does: what is asked of it
while it plays waits until the sound is over. Every order of events, and every cause, is that of
recorded traces (tests/data/ari).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeVar

from callcentre_disclosure.disclosure.call import endpoint_of

from .fake_call import FakeCall
from .fake_parts import Bridge, Channel, Playback, cause_text

#: What a hangup that the application asked for is called in its event, whatever the cause.
SOFT = {"cause": 32, "soft": True}

_Result = TypeVar("_Result")


class Refused(Exception):
    """A request that ARI answers with an error."""

    def __init__(self, status: int, message: str, key: str = "message") -> None:
        super().__init__(message)
        self.status = status
        self.body = {key: message}


class Switch:
    """What an Asterisk holds, in one event loop.

    ``tell`` sends an event to an application, ``applications`` are those that calls can enter;
    ``major`` is the version. ``problems`` are what a test must be told of.
    """

    def __init__(
        self,
        tell: Callable[[str, str, Mapping[str, Any]], None],
        applications: Collection[str],
        major: int,
    ) -> None:
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, Bridge] = {}
        self.playbacks: dict[str, Playback] = {}
        self.problems: list[BaseException] = []
        self.major = major
        self.tell_application = tell
        self.applications = applications
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: set[asyncio.Future[Any]] = set()
        self._loop = asyncio.get_running_loop()

    # -- calls come and go -----------------------------------------------------------------------

    async def take(self, call: FakeCall, app: str) -> None:
        """A call comes into ``Stasis(app, ...)``; returns when it has left it."""
        before = self.channels.get(call.unique_id)
        if before and not before.over.is_set():
            raise ValueError(f"two calls with the id {call.unique_id}")
        if app not in self.applications:
            call.set("STASISSTATUS", "FAILED")
            call.go_on()
            return
        channel = Channel(call.unique_id, call.channel, call, call.value("EXTEN") or "s")
        channel.caller = call.value("CALLERID(num)") or ""
        self.channels[channel.id] = channel
        self.spawn(self._call(channel, app))
        await channel.over.wait()

    async def _call(self, channel: Channel, app: str) -> None:
        await self.stasis(channel, app, channel.call.arguments)
        self.end(channel)

    def leave(self, channel: Channel) -> None:
        """Whoever is at the other end hangs up, or refuses to answer."""
        if channel.hung_up.is_set() or channel.over.is_set():
            return
        if channel.call.up:
            channel.call.leave()
            self.hang_up_because(channel, 16, {"cause": 16} if self.major < 20 else {})
        elif channel.agent:
            channel.call.leave("refused")
            channel.tech_cause = 603
            self.hang_up_because(channel, 21, {"cause": 21, **self.tech(603)})
        else:
            channel.call.leave()
            self.hang_up_because(channel, 16, {"cause": 127, **self.tech(487)})

    def hang_up(self, channel: Channel, cause: int) -> None:
        """The application hangs up."""
        if channel.hung_up.is_set():
            return
        if channel.state == "Ringing":
            channel.call.leave("released")
        elif channel.state != "Down" and not channel.call.gone:
            channel.call.hang_up(cause)
        self.hang_up_because(channel, cause, SOFT)

    def hang_up_because(self, channel: Channel, cause: int, told: Mapping[str, Any]) -> None:
        """A channel is hung up, which is told like this."""
        channel.cause = cause
        self.tell(channel, "ChannelHangupRequest", told)
        channel.hung_up.set()
        if channel.app:
            self.let_go(channel)
        elif channel.over.is_set():  # it had gone on in the dialplan
            self.destroy_channel(channel)

    def let_go(self, channel: Channel) -> None:
        """The channel leaves Stasis as soon as what it does has ended."""
        channel.leaving = True
        if channel.playing:
            channel.playing.end("failed")
        channel.commands.put_nowait(_nothing)

    async def stasis(self, channel: Channel, app: str, arguments: Sequence[str]) -> None:
        """``Stasis(app, ...)``, from its beginning to its end."""
        channel.app, channel.application = app, ("Stasis", ",".join((app, *arguments)))
        channel.apps.add(app)
        self.tell(channel, "StasisStart", {"args": list(arguments)})
        while not channel.leaving:
            command = await channel.commands.get()
            await command()
        while not channel.commands.empty():
            await channel.commands.get_nowait()()
        self._take_out(channel)
        self.tell(channel, "StasisEnd")
        channel.app, channel.application = "", ("Dial", "")
        if not channel.kept:
            channel.apps.clear()

    def end(self, channel: Channel) -> None:
        """A channel has left Stasis, to go on in the dialplan or because it was hung up."""
        if not channel.agent:
            self.tell(channel, "ChannelVarset", {"variable": "STASISSTATUS", "value": "SUCCESS"})
            if channel.cause is not None:
                self.tell(channel, "ChannelHangupRequest", SOFT)
        if channel.cause is not None:
            self.destroy_channel(channel)
        channel.over.set()

    def destroy_channel(self, channel: Channel) -> None:
        """Nothing is left of a channel."""
        cause, tech = channel.cause or 0, channel.tech_cause
        told = {"cause": cause, "cause_txt": cause_text(cause), **self.tech(tech)}
        self.tell(channel, "ChannelDestroyed", told)
        self.channels.pop(channel.id, None)
        channel.over.set()

    def restart(self) -> None:
        """Asterisk is gone, and what comes back knows of no call."""
        for task in self._tasks:
            task.cancel()
        for asked in self._asked:
            asked.cancel()
        for channel in self.channels.values():
            if not channel.call.gone:
                channel.call.leave("lost")
            channel.over.set()
        self.channels.clear()
        self.bridges.clear()
        self.playbacks.clear()

    # -- what is asked of a channel --------------------------------------------------------------

    async def answer(self, channel: Channel) -> None:
        """Answer the call unless it is."""

        def answer() -> None:
            if channel.call.up:
                return
            if channel.leaving:
                raise Refused(500, "Failed to answer channel")
            if not channel.call.answer():
                self.hang_up_because(channel, 16, {"cause": 127, **self.tech(487)})
                raise Refused(500, "Failed to answer channel")
            self.tell(channel, "ChannelStateChange")
            self.meet(channel.bridge)

        await self._ask(channel, answer)

    def progress(self, channel: Channel) -> None:
        """Open the early media."""
        self._order(channel, channel.call.open_early_media)

    def wait_with(self, channel: Channel, *, ringing: bool = False, music: bool = False) -> None:
        """What the channel hears from now on, until it is stopped or a sound is played."""

        def begin() -> None:
            channel.ringing |= ringing
            channel.music |= music
            channel.call.timeline.append("music" if music else "ringing")
            self.meet(channel.bridge)

        self._order(channel, begin)

    def stop_waiting(self, channel: Channel, *, ringing: bool = False, music: bool = False) -> None:
        """It hears that no more."""

        def stop() -> None:
            channel.ringing &= not ringing
            channel.music &= not music
            self.meet(channel.bridge)

        self._order(channel, stop)

    def go_on(self, channel: Channel, place: str) -> None:
        """The call goes on in the dialplan, at ``context,extension,priority`` or after Stasis."""

        def leave() -> None:
            channel.leaving = True
            self._take_out(channel)
            if place:
                channel.call.redirect(place)
            else:
                channel.call.go_on()

        self._order(channel, leave)

    def press(self, channel: Channel, key: str) -> None:
        """Whoever is at the other end presses a key. A plain bridge passes it on, and no more."""
        bridge = channel.bridge
        told = bridge is None or "dtmf_events" in bridge.options
        if told and not (channel.leaving or channel.over.is_set()):
            self.tell(channel, "ChannelDtmfReceived", {"digit": key, "duration_ms": 120})

    def set(self, channel: Channel, name: str, value: str) -> None:
        """A variable, with underscores before its name where legs are to inherit it."""
        channel.call.set(name, value)
        bare = name.lstrip("_")
        if bare != name:
            channel.inherited[bare] = value
        if "(" not in name:
            self.tell(channel, "ChannelVarset", {"variable": name, "value": value})

    async def _ask(self, channel: Channel, work: Callable[[], _Result]) -> _Result:
        """Have a channel do something when it comes to it, and wait for that. It is done even where
        whoever asked for it has gone meanwhile."""
        done: asyncio.Future[_Result] = self._loop.create_future()

        async def command() -> None:
            try:
                result = work()
            except Refused as refused:
                if not done.done():
                    done.set_exception(refused)
            else:
                if not done.done():
                    done.set_result(result)

        self._asked.add(done)
        channel.commands.put_nowait(command)
        try:
            return await done
        finally:
            self._asked.discard(done)

    def _order(self, channel: Channel, work: Callable[[], None]) -> None:
        """Have a channel do something when it comes to it."""

        async def command() -> None:
            if not channel.leaving:
                work()

        channel.commands.put_nowait(command)

    # -- bridges ---------------------------------------------------------------------------------

    def bridge(self, bridge_id: str, kind: str, options: Iterable[str], name: str) -> Bridge:
        """A new bridge."""
        self.bridges[bridge_id] = Bridge(bridge_id, kind, frozenset(options), name)
        return self.bridges[bridge_id]

    async def add(self, bridge: Bridge, channel: Channel) -> None:
        """Put a channel into a bridge, and take it out of the one that it was in."""

        def enter() -> None:
            if self.bridges.get(bridge.id) is not bridge:
                return  # it is gone meanwhile, and nobody is told
            self._take_out(channel)
            channel.bridge = bridge
            bridge.members.append(channel)
            bridge.apps |= channel.apps
            self.tell(channel, "ChannelEnteredBridge", {"bridge": bridge.described()})
            self.meet(bridge)

        await self._ask(channel, enter)

    async def remove(self, channel: Channel) -> None:
        """Take a channel out of its bridge."""
        await self._ask(channel, lambda: self._take_out(channel))

    def destroy(self, bridge: Bridge) -> None:
        """End a bridge; who was in it stays in Stasis.

        Asterisk tells of it, or does not, where the last channel has left just before.
        """
        for channel in tuple(bridge.members):
            self._take_out(channel)
        for playback in self.playbacks.values():
            if playback.target == f"bridge:{bridge.id}":
                playback.end("failed")
        del self.bridges[bridge.id]
        for app in bridge.apps:
            self.tell_application(app, "BridgeDestroyed", {"bridge": bridge.described()})

    def _take_out(self, channel: Channel) -> None:
        bridge = channel.bridge
        if bridge is None:
            return
        bridge.members.remove(channel)
        channel.bridge = None
        self.tell(channel, "ChannelLeftBridge", {"bridge": bridge.described()})
        self.meet(bridge)

    def meet(self, bridge: Bridge | None) -> None:
        """Note who hears whom from now on, and who no more."""
        if bridge is None or bridge.type == "holding":
            return
        together = [member for member in bridge.members if member.in_conversation]
        talking = list(combinations(together, 2))
        for what, pairs, others in (
            ("parted from", bridge.talking, talking),
            ("connected to", talking, bridge.talking),
        ):
            for one, other in pairs:
                if (one, other) not in others:
                    one.note(f"{what} {endpoint_of(other.name)}")
                    other.note(f"{what} {endpoint_of(one.name)}")
        bridge.talking = talking

    # -- events ----------------------------------------------------------------------------------

    def tell(self, channel: Channel, event: str, told: Mapping[str, Any] | None = None) -> None:
        """Tell whoever wants to know what happened to a channel."""
        for app in tuple(channel.apps):
            self.tell_application(app, event, {**(told or {}), "channel": channel.described()})

    def tech(self, status: int | None) -> dict[str, int]:
        """The SIP status of a failure, where this version tells it."""
        return {"tech_cause": status} if status and self.major >= 20 else {}

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something happen meanwhile."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()):
            self.problems.append(problem)


async def _nothing() -> None:
    """A command that only wakes the channel."""
