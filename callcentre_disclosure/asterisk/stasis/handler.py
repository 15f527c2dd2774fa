"""The application itself: every channel that comes in gets a ``Call``, and every call an end.

Nothing that Asterisk told before a connection is known, nor is what it would have told while there
was none. So whenever a connection is made, what is there is compared with the calls that are held:

- two who talk in a bridge of ours talk on, and when one of them hangs up the other is released;
- somebody who waits in the application for nobody is told again, from the first word;
- legs and bridges of ours that belong to no call any more are removed.

Everything that we make has an id that begins with the id of its call, and that tells the channel.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from callcentre_disclosure.asterisk.ari.asterisk import Asterisk, Unreachable
from callcentre_disclosure.asterisk.ari.protocol import Event, Request, part, path

from .call import Call, Office
from .seen import OUR_LEG, place_taken

#: What the ids of our calls begin with.
PREFIX = "disclosure-"
#: Somebody who has come in may be there for so many seconds before we hear of it.
_ON_ITS_WAY = 0.5
#: How long it may take, in seconds, to send whom we no longer hold on in the dialplan.
_CLEARING_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Handler:
    """Holds the calls of one application, on any number of Asterisks.

    It is the ``Application`` of their connections. ``calls`` is empty when nothing is going on.
    ``changed`` is told whenever a connection comes or goes.
    """

    def __init__(
        self, application: str, office: Office, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.calls: dict[str, Call] = {}
        self._application = application
        self._office = office
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    def connected(self, asterisk: Asterisk) -> None:
        """See what is there: see above."""
        self._changed()
        self._begin(self._take_over(asterisk))

    def disconnected(self, asterisk: Asterisk) -> None:
        """Calls go on without us as far as they can."""
        self._changed()
        if not (self._draining or asterisk.gone or asterisk.only):
            held = sum(call.asterisk is asterisk for call in self.calls.values())
            _log.warning("Asterisk %s is not connected; calls in progress: %d", asterisk.name, held)
        if asterisk.gone and (other := self._another(asterisk)):
            self._begin(self._take_over(other))

    def started(self, asterisk: Asterisk, event: Event) -> None:
        """A channel has come in: a call of its own, or one that belongs to a call that we hold."""
        words = event.body.get("args")
        if "replace_channel" in event.body or not isinstance(words, list) or not event.channel_id:
            return
        words = list(map(str, words))
        if words[:1] != [OUR_LEG]:
            application = str(event.body.get("application", self._application))
            self._take(asterisk, application, event.channel, words)
        elif place_taken(event):
            if call := self.calls.get(_call_of(words[1])):
                call.picked_up(event)
            else:  # whose call is over meanwhile, so that nobody is there to talk to
                self._begin(_if_reachable(_remove(asterisk, "channels", event.channel_id)))

    async def drain(self, seconds: float) -> None:
        """Take no new calls (their dialplan goes on at once), and give those that are held some
        seconds to end. Whoever talks then talks on."""
        self._draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        if self.calls:
            _log.warning("%d calls were still in progress when the handler ended", len(self.calls))
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLEARING_SECONDS)

    def _take(
        self,
        asterisk: Asterisk,
        application: str,
        channel: Mapping[str, Any],
        words: Sequence[str],
    ) -> None:
        if self._draining:
            back = Request("POST", path("channels", str(channel["id"]), "continue"))
            self._begin(_if_reachable(asterisk.request(back)))
            return
        call = Call(self._office, asterisk, application, _new_id(channel), channel, words)
        self._hold(call, call.run())

    def _hold(self, call: Call, course: Coroutine[Any, Any, None]) -> None:
        self.calls[call.id] = call
        self._begin(course).add_done_callback(lambda _: self.calls.pop(call.id))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _take_over(self, asterisk: Asterisk) -> None:
        """Find an end for whatever is there and belongs to no call."""
        await asyncio.sleep(_ON_ITS_WAY)
        held = self._held(asterisk)
        try:
            bridges = await _listed(asterisk, "bridges")
            channels = {str(c["id"]): c for c in await _listed(asterisk, "channels")}
            held |= self._held(asterisk)
            heard_of = _heard_of(asterisk, channels) | self._left_behind(channels)
            for bridge in bridges:
                members = heard_of.intersection(bridge.get("channels", ()))
                legs = [channels[leg] for leg in bridge.get("channels", ()) if leg in channels]
                if _is_unknown(str(bridge["id"]), held) and (members or not asterisk.only):
                    held |= {str(leg["id"]) for leg in legs}
                    await self._adopt(asterisk, str(bridge["id"]), legs)
            for channel_id, channel in channels.items():
                if channel_id in heard_of - held - self._held(asterisk):
                    await self._end(asterisk, channel_id, channel)
        except Unreachable:
            return  # the next connection will see the same

    def _another(self, asterisk: Asterisk) -> Asterisk | None:
        """A connection to the same Asterisk that is still there, of a call that goes on."""
        others = (call.asterisk for call in self.calls.values())
        same = (one for one in others if one.name == asterisk.name and not one.gone)
        return next(same, None)

    def _left_behind(self, channels: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """The legs of callers who are in the application no more: where a connection for one call
        broke for long, Asterisk left its caller to the dialplan, and nobody tells of them."""
        legs = (key for key in channels if key.startswith(PREFIX))
        return {leg for leg in legs if self._words(channels.get(_caller_of(leg), {})) is None}

    async def _end(self, asterisk: Asterisk, channel_id: str, channel: Mapping[str, Any]) -> None:
        """A channel that belongs to no call, if it is any of our business."""
        words = self._words(channel)
        if words is None and not channel_id.startswith(PREFIX):
            return
        if words is None or words[:1] == [OUR_LEG]:
            await _remove(asterisk, "channels", channel_id)
        else:
            _log.warning("a caller waits for nobody, and is told again")
            self._take(asterisk, self._name_on(asterisk), channel, words)

    async def _adopt(
        self, asterisk: Asterisk, bridge: str, legs: Sequence[Mapping[str, Any]]
    ) -> None:
        """A bridge of ours: two who talk are let talk, whoever is alone there is hung up."""
        if len(legs) > 1:
            _log.warning("two who talk are taken over")
            application = self._name_on(asterisk)
            call = Call(self._office, asterisk, application, _new_id(legs[0]), legs[0], ())
            self._hold(call, call.adopt(bridge, legs[1]))
            return
        for leg in legs:
            await _remove(asterisk, "channels", str(leg["id"]))
        await _remove(asterisk, "bridges", bridge)

    def _name_on(self, asterisk: Asterisk) -> str:
        """What the application is called there: a connection for one call has a name of its own."""
        only = asterisk.only
        return f"{self._application}:{only}" if only else self._application

    def _held(self, asterisk: Asterisk) -> set[str]:
        """The ids of our calls on an Asterisk, and of all their channels."""
        calls = [call for call in self.calls.values() if call.asterisk.name == asterisk.name]
        return {call.id for call in calls}.union(*(call.channels for call in calls))

    def _words(self, channel: Mapping[str, Any]) -> list[str] | None:
        """The arguments of a channel that is in this application; None where it is in none."""
        where = part(channel, "dialplan")
        name, *words = str(where.get("app_data", "")).split(",")
        is_here = where.get("app_name") == "Stasis" and name == self._application
        return words if is_here else None


def _is_unknown(bridge: str, held: set[str]) -> bool:
    """Whether a bridge is ours, and of no call that we hold."""
    return bridge.startswith(PREFIX) and _call_of(bridge) not in held


def _heard_of(asterisk: Asterisk, channels: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Those that we would hear of: a connection for one call tells of no other."""
    if not asterisk.only:
        return set(channels)
    entered = [key for key, channel in channels.items() if channel.get("name") == asterisk.only]
    made = tuple(f"{PREFIX}{key}-" for key in entered)
    return {*entered, *(key for key in channels if key.startswith(made))}


def _call_of(thing: str) -> str:
    """The id of the call for which something was made."""
    return thing.rpartition("-")[0]


def _caller_of(leg: str) -> str:
    """The id of the channel for which a leg was made."""
    return _call_of(_call_of(leg)).removeprefix(PREFIX)


def _new_id(channel: Mapping[str, Any]) -> str:
    """The id of a call, which tells the channel that has come in."""
    return f"{PREFIX}{channel['id']}-{secrets.token_hex(4)}"


async def _if_reachable(work: Awaitable[object]) -> None:
    try:
        await work
    except Unreachable as problem:
        _log.warning("%s", problem)


async def _listed(asterisk: Asterisk, what: str) -> list[dict[str, Any]]:
    response = await asterisk.request(Request("GET", what))
    return response.body if response.ok and isinstance(response.body, list) else []


async def _remove(asterisk: Asterisk, kind: str, thing: str) -> None:
    _log.warning("%s: what is left of a call is removed", kind)
    await asterisk.request(Request("DELETE", path(kind, thing)))
