"""The questions of one call to its Asterisk, and what it hears from there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from callcentre_disclosure.asterisk.ari.asterisk import Asterisk, Unreachable
from callcentre_disclosure.asterisk.ari.mailbox import MISSED
from callcentre_disclosure.asterisk.ari.protocol import Event, Request, Response, path

from .seen import Leg, Seen, Sound, look, look_again

#: How long a question may take, in seconds, a connection that broke and came back included.
REQUEST_SECONDS = 5.0
#: The status of an answer that never came.
UNREACHABLE = Response(0)

_log = logging.getLogger(__name__)


class Line:
    """One call's legs and playbacks, as far as they are known; a context manager."""

    def __init__(self, asterisk: Asterisk, application: str, call_id: str) -> None:
        self.application = application
        self.call_id = call_id
        self.asterisk_name = asterisk.name
        self.seen = Seen()
        self._asterisk = asterisk
        self._mailbox = asterisk.mailbox()
        self._made = 0
        self._tied: tuple[Leg, Leg] | None = None

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._mailbox.close()

    def leg(self, channel: Mapping[str, Any]) -> Leg:
        """Listen to a channel that is there, as Asterisk describes it."""
        leg = self._leg(str(channel["id"]))
        look(leg, channel)
        leg.here = True
        return leg

    def new_leg(self) -> Leg:
        """Listen to a channel that is to be made."""
        return self._leg(self._new_id())

    def picked_up(self, event: Event) -> None:
        """Somebody who has picked up one of our legs has come in: the event of a channel that we
        did not know."""
        self._mailbox.follow(event.channel_id)
        self._mailbox.put(event)

    @property
    def channels(self) -> frozenset[str]:
        """The ids of the channels that have been legs, and of those that will take their place."""
        return self._mailbox.followed

    def _leg(self, channel_id: str) -> Leg:
        leg = self.seen.legs[channel_id] = Leg(channel_id)
        self._mailbox.follow(channel_id)
        return leg

    def _new_id(self) -> str:
        self._made += 1
        return f"{self.call_id}-{self._made}"

    async def ask(
        self,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        repeat: bool = True,
    ) -> Response:
        """One request; ``UNREACHABLE`` where no answer came. With ``repeat`` it is made again when
        the connection broke before its answer. The time without a connection does not count."""
        request = Request(method, path(*segments), query or {}, body)
        response = None
        while response is None:
            await self._asterisk.there()
            try:
                response = await self._asterisk.request(
                    request, seconds=REQUEST_SECONDS, repeat=repeat
                )
            except Unreachable:
                if not repeat or self._asterisk.gone or self._asterisk.connected:
                    return UNREACHABLE
        if not response.ok and not response.gone:
            what = "/".join((segments[0], *segments[2:]))
            _log.warning("%s: %s %s: %d", self.call_id, method, what, response.status)
        return response

    async def until(self, condition: Callable[[], bool], seconds: float | None) -> bool:
        """Wait until something has happened; False where it has not in so many seconds. While there
        is no connection nobody can know that, and they begin anew with the next."""
        clock = asyncio.get_running_loop().time
        began = clock()
        await self.catch_up()
        while not condition():
            left = None if seconds is None else max(0.0, began + seconds - clock())
            if await self._heed_next(left) or condition():
                continue
            if self._asterisk.connected or self._asterisk.gone:
                return False
            await self._asterisk.there()
            began = clock()
        return True

    async def catch_up(self) -> None:
        """Heed what has been told already."""
        while await self._heed_next(0.0):
            pass

    async def _heed_next(self, seconds: float | None) -> bool:
        event = await self._mailbox.next(seconds)
        if event is None:
            return False
        if event is MISSED:
            await self._look_again()
        else:
            self.seen.heed(event)
            leg = self.seen.legs.get(event.channel_id)
            if leg and leg.unwanted and event.type == "StasisStart":
                await self.hang_up(leg)
        if self._tied and self._tied[0].ended:
            (_, other), self._tied = self._tied, None
            await self.hang_up(other)
        return True

    async def play(self, leg: Leg, media: str) -> tuple[Sound, Response]:
        """Begin to play something, and listen to it. A broken connection leaves open whether it
        has begun; what is heard when it is there again tells."""
        sound = Sound(self._new_id(), leg)
        self.seen.sounds[sound.id] = sound
        query = {"media": media}
        begin = ("channels", leg.id, "play", sound.id)
        return sound, await self.ask("POST", *begin, query=query, repeat=False)

    async def stop(self, sound: Sound) -> None:
        """Stop a playback; its end is told by an event."""
        sound.stopped = True
        if not sound.over:
            await self.ask("DELETE", "playbacks", sound.id)

    async def hang_up(self, leg: Leg, reason: str = "normal") -> None:
        """End a leg, unless it has ended."""
        leg.unwanted = True
        if not leg.ended:
            response = await self.ask("DELETE", "channels", leg.id, query={"reason": reason})
            leg.ended = response.ok or response.gone

    def tie(self, leg: Leg, other: Leg) -> None:
        """From now on, when ``leg`` ends ``other`` is hung up at once."""
        self._tied = (leg, other)

    async def _look_again(self) -> None:
        """Events may have been lost: see what has ended meanwhile."""
        if self._asterisk.gone:  # for good: nobody can see, and for us all of it is over
            for leg in self.seen.legs.values():
                leg.here, leg.ended, leg.lost = False, True, True
            return
        for leg in list(self.seen.legs.values()):
            if not leg.ended:
                response = await self.ask("GET", "channels", leg.id)
                if response.status == 404:
                    leg.here, leg.ended, leg.hung_up, leg.lost = False, True, True, True
                elif response.ok:
                    look_again(leg, response.body)
        for sound in self.seen.sounds.values():
            if not sound.over:
                response = await self.ask("GET", "playbacks", sound.id)
                sound.lost = response.status == 404
