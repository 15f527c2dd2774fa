"""An Asterisk that says what a test tells it to, in the order that the test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import aiohttp

from callcentre_disclosure.asterisk.ari.asterisk import Application, Asterisk, WebSocket
from callcentre_disclosure.asterisk.ari.protocol import Request, Response


class _Socket:
    def __init__(self) -> None:
        self.said: asyncio.Queue[str | None] = asyncio.Queue()

    async def receive(self, timeout: float) -> Any:
        del timeout
        text = self.said.get_nowait() if self.said.qsize() else await self.said.get()
        kind = aiohttp.WSMsgType.CLOSED if text is None else aiohttp.WSMsgType.TEXT
        return SimpleNamespace(type=kind, data=text)

    def get_extra_info(self, _: str) -> None:
        return None


def channel(channel_id: str, name: str = "", state: str = "Up") -> dict[str, Any]:
    return {"id": channel_id, "name": name or f"PJSIP/{channel_id}-1", "state": state}


@dataclass
class FarSwitch:
    """``asked`` are the requests, each of which goes well unless ``answer`` says otherwise."""

    asterisk: Asterisk
    asked: list[Request] = field(default_factory=list)
    answer: Callable[[Request], Response | None] = lambda _: None
    socket: _Socket = field(default_factory=_Socket)

    async def carry(self, request: Request, _: str) -> Response | None:
        self.asked.append(request)
        return self.answer(request) or Response(200, {})

    def tell(self, *events: dict[str, Any]) -> None:
        """All of them at once: they are in one packet."""
        for event in events:
            self.socket.said.put_nowait(json.dumps(event))

    def connect(self) -> asyncio.Task[bool]:
        return asyncio.ensure_future(
            self.asterisk.serve(cast("WebSocket", self.socket), self, takes_requests=False)
        )

    async def disconnect(self, connection: asyncio.Task[bool]) -> None:
        self.socket.said.put_nowait(None)
        await connection

    async def is_asked(self, wanted: Callable[[Request], bool], count: int = 1) -> list[Request]:
        """Wait until it is asked for so much of something."""
        while len(found := [request for request in self.asked if wanted(request)]) < count:
            await asyncio.sleep(0.001)
        return found


@asynccontextmanager
async def connected(application: Application) -> AsyncIterator[FarSwitch]:
    far = FarSwitch(Asterisk("pbx", application))
    connection = far.connect()
    await far.asterisk.there()
    try:
        yield far
    finally:
        await far.disconnect(connection)
