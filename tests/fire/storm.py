"""Sessions by the thousand for a FastAGI server, from an Asterisk that does nothing else.

Each is a whole announcement as Asterisk holds it, with a caller of its own. ``seconds`` is how long
its sound lasts; without any, the server is all that takes time.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field

from callcentre_disclosure.asterisk.agi import AsteriskSide

#: A session that takes longer is stuck, in seconds.
PATIENCE = 60.0
#: So long a sound that it was played to its end, whatever it is: in samples.
_FAR = 10**7
_STATUS = re.compile(r'DISCLOSURE_STATUS="?(\w+)')


@dataclass
class Came:
    """What came of the sessions: DISCLOSURE_STATUS, or what went wrong."""

    statuses: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    longest: float = 0.0
    """The longest that anything took beyond the sound itself, in seconds."""


class _Session(asyncio.Protocol):
    def __init__(self, opening: bytes, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._opening = opening
        self._seconds = seconds
        self._asterisk = AsteriskSide()
        self.status = "no status"
        self.over: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._opening)

    def data_received(self, data: bytes) -> None:
        for words in self._asterisk.receive(data):
            if words[:2] == ("EXEC", "MSet") and (status := _STATUS.search(words[2])):
                self.status = status[1]
            if words[:2] == ("STREAM", "FILE"):
                self._loop.call_later(self._seconds, self._reply, AsteriskSide.reply(0, None, _FAR))
            else:
                self._reply(AsteriskSide.reply(1))

    def connection_lost(self, _: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)

    def _reply(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


async def storm(
    port: int, dialled: str, *, sessions: int, at_once: int, seconds: float = 0.0
) -> Came:
    """So many sessions, so many of them at once, of calls to a number; each caller has another."""
    came = Came()
    loop = asyncio.get_running_loop()
    numbers = iter(range(sessions))
    under_way = 0

    async def one(number: int) -> None:
        nonlocal under_way
        opening = AsteriskSide.environment(
            {
                "network_script": "disclose",
                "channel": f"PJSIP/caller-{number:08x}",
                "language": "fr",
                "uniqueid": f"1795421640.{number}",
                "callerid": f"+339{number:08}",
                "dnid": dialled,
            }
        )
        began = loop.time()
        try:
            _, session = await loop.create_connection(
                lambda: _Session(opening, seconds), "127.0.0.1", port
            )
            under_way += 1
            came.most_at_once = max(came.most_at_once, under_way)
            await asyncio.wait_for(session.over, PATIENCE + seconds)
            under_way -= 1
            came.statuses[session.status] += 1
        except (OSError, asyncio.TimeoutError) as problem:
            came.statuses[repr(problem)] += 1
        came.longest = max(came.longest, loop.time() - began - seconds)

    async def one_after_another() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(one_after_another() for _ in range(min(at_once, sessions))))
    return came
