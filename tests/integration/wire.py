"""The wire between two processes: it can be cut, it can freeze, and it counts who connects."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

_HOST = "127.0.0.1"
_SECONDS = 10.0
_Result = TypeVar("_Result")


class Wire:
    """Carries TCP connections to ``port`` of this machine on to another port of it.

    ``connections`` are the moments at which somebody connected, by ``time.monotonic()``.
    """

    def __init__(self, to: int) -> None:
        self.to = to
        self.port = 0
        self.connections: list[float] = []
        self._pairs: set[tuple[_End, _End]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)

    def __enter__(self) -> Wire:
        self._thread.start()
        self.mend()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Every connection breaks, and none can be made."""
        self._perform(self._cut)

    def mend(self) -> None:
        """Connections can be made again."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_SECONDS)

    def freeze(self) -> None:
        """Nothing comes through the connections that there are any more, in either direction, nor
        does anybody learn that the other side has closed; new ones are none the worse."""
        self._perform(self._freeze)

    def per_second(self, seconds: float) -> float:
        """Watches for some seconds how many connections are made in each."""
        before = len(self.connections)
        threading.Event().wait(seconds)
        return (len(self.connections) - before) / seconds

    def _perform(self, work: Callable[[], _Result]) -> _Result:
        done: Future[_Result] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(work()))
        return done.result(_SECONDS)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await self._loop.create_server(self._accepted, _HOST, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def _accepted(self) -> _End:
        self.connections.append(time.monotonic())
        near, far = _End(), _End()
        near.other, far.other = far, near
        pair = near, far
        self._pairs.add(pair)
        near.lost = far.lost = lambda: self._pairs.discard(pair)
        work = self._loop.create_task(self._carry_on(near, far))
        near.work = work  # which nobody else holds
        return near

    async def _carry_on(self, near: _End, far: _End) -> None:
        try:
            await self._loop.create_connection(lambda: far, _HOST, self.to)
        except OSError:
            near.abort()

    def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for pair in list(self._pairs):
            for end in pair:
                end.abort()

    def _freeze(self) -> None:
        for pair in self._pairs:
            for end in pair:
                end.freeze()


class _End(asyncio.Protocol):
    """One end of a connection through the wire."""

    other: _End
    lost: Callable[[], None]
    work: asyncio.Task[None] | None = None

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._before = bytearray()
        self._broken = False
        self._frozen = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._broken:
            transport.abort()
        elif self._before:
            transport.write(self._before)

    def data_received(self, data: bytes) -> None:
        self.other.write(data)

    def write(self, data: bytes) -> None:
        """Send what came from the other end."""
        if self._transport is None:
            self._before += data
        elif not self._frozen:
            self._transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        if not self._frozen:
            self.other.abort()
            self.lost()

    def abort(self) -> None:
        """Break."""
        self._broken = True
        if self._transport is not None:
            self._transport.abort()

    def freeze(self) -> None:
        """Hear nothing any more."""
        self._frozen = True
        if self._transport is not None:
            with suppress(RuntimeError):  # it is closing
                self._transport.pause_reading()
