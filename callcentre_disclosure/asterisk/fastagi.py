"""The FastAGI server: ``AGI(agi://host:4573/disclose)``, many calls in one event loop.

Each connection is one call and has an ``AgiDriver`` of its own. When its session has ended, the
evidence is written and only then is the connection closed, because that is what lets the call go
on: a caller who was connected has a record. A disk that does not answer holds a call no longer
than ``EVIDENCE_SECONDS``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.record import LedgerRecord

from .agi_driver import AgiDriver
from .keeping import Keeping
from .observing import UNOBSERVED, Observer
from .workers import beat

#: How long calls in progress may take to end after SIGTERM.
DRAIN_SECONDS = 60.0

_log = logging.getLogger(__name__)


def serve(
    heartbeat: int,
    *,
    listening: socket.socket,
    begin: Callable[[CallFacts], Session],
    keep: Callable[[Sequence[LedgerRecord]], None],
    reload: Callable[[], None],
    observer: Observer,
) -> None:
    """One worker of ``Workers``: serve until SIGTERM, or until nobody reads its heartbeat."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        reloads = ThreadPoolExecutor(1, thread_name_prefix="reload")  # one after the other
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(reloads, reload))
        server = FastAgiServer(begin, keep, observer)
        await server.start(listening)
        _log.info("worker %d serves", os.getpid())
        life = asyncio.create_task(beat(heartbeat, server.tell))
        life.add_done_callback(lambda _: stop.set())
        await stop.wait()
        await server.drain(DRAIN_SECONDS)
        life.cancel()  # from here on a disk that does not answer has the parent end this
        await server.close()
        server.tell()

    asyncio.run(work())


class FastAgiServer:
    """Serves calls until it is drained.

    ``begin`` starts a session once the call is known. ``keep`` writes the evidence of those that
    have ended, in their order; it may block and is called from one thread only.
    """

    def __init__(
        self,
        begin: Callable[[CallFacts], Session],
        keep: Callable[[Sequence[LedgerRecord]], None],
        observer: Observer = UNOBSERVED,
    ) -> None:
        self.observer = observer
        self._begin = begin
        self._evidence = Keeping(keep)
        self._calls: set[_Call] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Serve the calls that arrive on a listening socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Call(self), sock=listening, backlog=1024)

    async def drain(self, seconds: float) -> None:
        """Take no new calls and give those in progress some seconds to end."""
        assert self._server is not None
        self._server.close()
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except asyncio.TimeoutError:
            _log.warning("%d calls were still in progress when the server ended", len(self._calls))
            for call in list(self._calls):
                call.abort()
            await self._idle.wait()

    async def close(self) -> None:
        """Return when all evidence is written."""
        await self._evidence.close()

    def tell(self) -> None:
        """Tell the observer how it is."""
        self.observer.alive(len(self._calls), {})

    def driver(self, now: float, asterisk: str) -> AgiDriver:
        """The driver of a new connection, from the address of an Asterisk."""
        return AgiDriver(self._begin, "fastagi", now, asterisk)

    def begun(self, call: _Call) -> None:
        """A connection is there."""
        self._calls.add(call)
        self._idle.clear()

    def ended(self, call: _Call) -> None:
        """A connection is closed."""
        self._calls.discard(call)
        if not self._calls:
            self._idle.set()

    def write(self, record: LedgerRecord) -> asyncio.Future[None]:
        """Write the evidence of a call, after that of the calls that ended before it."""
        return self._evidence.keep(record)


class _Call(asyncio.Protocol):
    def __init__(self, server: FastAgiServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer, *_ = transport.get_extra_info("peername")
        self._driver = self._server.driver(self._loop.time(), peer)
        self._server.begun(self)
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._went_on(lambda: self._driver.receive(data, self._loop.time()))

    def eof_received(self) -> bool:
        self._went_on(lambda: self._driver.receive(b"", self._loop.time()))
        return True  # closed when the evidence is written, like every other call

    def connection_lost(self, _: Exception | None) -> None:
        self.eof_received()
        if self._timer:
            self._timer.cancel()
        self._server.ended(self)

    def abort(self) -> None:
        """Let go of the call at once."""
        self._transport.abort()

    def _went_on(self, step: Callable[[], bytes]) -> None:
        if self._finished:
            return
        try:
            out = step()
        except Exception:
            # Whatever went wrong here is our fault, and no reason to hold a call.
            _log.exception("a session failed; its call goes on in the dialplan")
            self._server.observer.failed()
            self._finished = True
            self._transport.close()
            return
        if out:
            self._transport.write(out)
        if self._driver.done:
            self._finish()
        else:
            self._watch()

    def _watch(self) -> None:
        """One timer a connection: it is moved only to an earlier deadline, and looks again when it
        fires too soon."""
        if self._timer and self._timer.when() > self._driver.deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._driver.deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._finished:
            return
        if self._loop.time() < self._driver.deadline:
            self._watch()
            return
        self._driver.deadline_passed(self._loop.time())
        self._finish()

    def _finish(self) -> None:
        self._finished = True
        for slip in self._driver.slips():
            _log.warning("%s", slip)
        record, silence = self._driver.record, self._driver.silence
        if record is None:
            self._transport.close()
            return

        def let_go(_: asyncio.Future[None]) -> None:
            self._transport.close()
            after = silence.after(self._loop.time())
            self._server.observer.announced(record, silence.before, after)

        self._server.write(record).add_done_callback(let_go)
