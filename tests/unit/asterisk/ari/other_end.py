"""The other end of a connection: a small Asterisk that says what a test tells it to."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from callcentre_disclosure.asterisk.ari.asterisk import Asterisk
from callcentre_disclosure.asterisk.ari.protocol import Event

SECRET = "l'été, 100 % secret"
CERTIFICATE = Path(__file__).parents[2] / "speech" / "engines" / "self-signed.pem"


def journey(steps: Coroutine[Any, Any, None]) -> None:
    """Runs a test, which may take ten seconds."""
    asyncio.run(asyncio.wait_for(steps, 10))


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@dataclass
class Told:
    """An application that keeps what it is told, for the test to wait for."""

    events: asyncio.Queue[tuple[str, Asterisk, Event | None]] = field(default_factory=asyncio.Queue)
    planted: Exception | None = None

    def connected(self, asterisk: Asterisk) -> None:
        self._keep("connected", asterisk)

    def started(self, asterisk: Asterisk, event: Event) -> None:
        self._keep("started", asterisk, event)

    def disconnected(self, asterisk: Asterisk) -> None:
        self._keep("gone" if asterisk.gone else "disconnected", asterisk)

    def _keep(self, what: str, asterisk: Asterisk, event: Event | None = None) -> None:
        self.events.put_nowait((what, asterisk, event))
        if self.planted:
            raise self.planted

    async def next(self, expected: str) -> Asterisk:
        what, asterisk, _ = await self.events.get()
        assert what == expected
        return asterisk


class End:
    """One WebSocket, seen from the other end."""

    def __init__(
        self,
        socket: web.WebSocketResponse | aiohttp.ClientWebSocketResponse[bool],
        abort: Callable[[], None] = lambda: None,
        silent: bool = False,
    ) -> None:
        self.socket = socket
        self.cut = abort
        self.silent = silent
        self.pinged = 0
        self.requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def read(self) -> None:
        async for message in self.socket:
            if message.type == aiohttp.WSMsgType.TEXT:
                request = json.loads(message.data)
                if request["request_id"] != "ping":
                    self.requests.put_nowait(request)
                    continue
                self.pinged += 1
                if not self.silent:
                    await self.answer(request, 200)
        self.closed.set()

    async def say(self, **event: Any) -> None:
        await self.socket.send_str(json.dumps(event))

    async def start(self, channel: str) -> None:
        await self.say(type="StasisStart", channel={"id": channel}, args=[])

    async def answer(self, request: dict[str, Any], status: int = 204, body: str = "") -> None:
        answer = {"type": "RESTResponse", "request_id": request["request_id"]}
        await self.say(**answer, status_code=status, message_body=body)


@dataclass
class OtherEnd:
    """An Asterisk to connect to."""

    version: str = "22.10.1"
    info: str = ""
    elsewhere: str = ""
    refusals: list[int] = field(default_factory=list)
    websocket_refusals: list[int] = field(default_factory=list)
    silent: bool = False
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    ends: asyncio.Queue[End] = field(default_factory=asyncio.Queue)
    url: str = ""

    async def next(self) -> End:
        return await self.ends.get()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, str(request.rel_url), dict(request.headers)))
        if request.path.endswith("/ari/asterisk/info"):
            if self.refusals:
                headers = {"Location": self.elsewhere} if self.elsewhere else None
                return web.Response(status=self.refusals.pop(0), headers=headers)
            info = self.info or json.dumps({"system": {"version": self.version}})
            return web.Response(text=info)
        if request.path.endswith("/ari/events"):
            if self.websocket_refusals:
                return web.Response(status=self.websocket_refusals.pop(0))
            return await self._websocket(request)
        assert self.answer
        return await self.answer(request)

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=not self.silent)
        await socket.prepare(request)
        assert request.transport
        end = End(socket, request.transport.abort, self.silent)
        self.ends.put_nowait(end)
        await end.read()
        return socket


@asynccontextmanager
async def other_end(tls: ssl.SSLContext | None = None, **settings: Any) -> AsyncIterator[OtherEnd]:
    end = OtherEnd(**settings)
    server = web.Application()
    server.router.add_route("*", "/{path:.*}", end.handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    end.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield end
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Something that runs until the block ends."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()
