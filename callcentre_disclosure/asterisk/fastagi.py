"""The FastAGI server: ``AGI(agi://host:4573/disclose)``, many calls in one event loop.

Each connection is one call and has an ``AgiDriver`` of its own. When its session has ended, the
evidence is written and only then is the connection closed, because that is what lets the call go
on: a caller who was connected has a record. A disk that does not answer holds a call no longer
than ``EVIDENCE_SECONDS``.

FastAGI has no authentication. What stands between a stranger and the calls is ``Guard``: who may
connect at all, and how many at once. One too many is let go of at once, so that its dialplan goes
on, and nobody gets a place by connecting and saying nothing: where there is none left, the oldest
of those who have not introduced a call yet makes room.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.record import LedgerRecord

from .agi_driver import AgiDriver
from .guard import ACCEPTED_AT_ONCE, ANYBODY, Complaints, Guard
from .keeping import Keeping
from .observing import UNOBSERVED, Observer
from .relay import FAREWELL
from .workers import beat

#: How long calls in progress may take to end after SIGTERM.
DRAIN_SECONDS = 60.0
#: Connections that wait to be accepted.
BACKLOG = 4096

_log = logging.getLogger(__name__)


def serve(
    heartbeat: int,
    *,
    listening: Sequence[socket.socket],
    guard: Guard,
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
        server = FastAgiServer(begin, keep, observer, guard)
        loop.set_exception_handler(server.heed)
        for one in listening:
            await server.start(one)
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
        guard: Guard = ANYBODY,
    ) -> None:
        self.observer = observer
        self.complaints = Complaints()
        self._guard = guard
        self._begin = begin
        self._evidence = Keeping(keep)
        self._calls: set[_Call] = set()
        self._strangers: dict[_Call, None] = {}  # who have introduced no call yet, oldest first
        self._idle = asyncio.Event()
        self._idle.set()
        self._servers: list[asyncio.Server] = []

    async def start(self, listening: socket.socket) -> None:
        """Serve the calls that arrive on a listening socket, too."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Call(self), sock=listening, backlog=ACCEPTED_AT_ONCE
        )
        listening.listen(BACKLOG)
        self._servers.append(server)

    async def drain(self, seconds: float) -> None:
        """Take no new calls and give those in progress some seconds to end."""
        for server in self._servers:
            server.close()
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

    def heed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What the event loop cannot do: it tells every time that it cannot accept a connection."""
        if isinstance(context.get("exception"), OSError):
            self.complaints.add(f"{context['message']}: {context['exception']}")
        else:
            loop.default_exception_handler(context)

    def tell(self) -> None:
        """Tell the observer how it is."""
        self.observer.alive(len(self._calls), {})

    def driver(self, now: float, host: str) -> AgiDriver:
        """The driver of a new connection from a host, or from the script where it is empty."""
        if host:
            return AgiDriver(self._begin, "fastagi", now, host)
        return AgiDriver(self._begin, "agi", now, os.uname().nodename)

    def begun(self, call: _Call, host: str) -> bool:
        """A connection from a host is there; returns whether it may stay."""
        if host and not self._guard.admits(host):
            self._refused(f"{host} connected, and --allow does not name it")
            return False
        if len(self._calls) >= self._guard.calls:
            self._refused(f"there are {self._guard.calls} connections already (--calls)")
            if not self._strangers:
                return False
            silent = next(iter(self._strangers))
            self.ended(silent)
            silent.abort()
        self._calls.add(call)
        self._strangers[call] = None
        self._idle.clear()
        return True

    def _refused(self, why: str) -> None:
        self.observer.refused()
        self.complaints.add(f"a connection was closed at once: {why}")

    def introduced(self, call: _Call) -> None:
        """A connection is a call."""
        self._strangers.pop(call, None)

    def ended(self, call: _Call) -> None:
        """A connection is closed."""
        self._strangers.pop(call, None)
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
        self._has_left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        # A Unix socket's is no tuple; its folder says who may connect.
        host = peer[0] if isinstance(peer, tuple) else ""
        self._farewell = b"" if host else FAREWELL
        self._driver = self._server.driver(self._loop.time(), host)
        if self._server.begun(self, host):
            self._watch()
        else:
            self._finished = True
            self.abort()

    def data_received(self, data: bytes) -> None:
        self._went_on(lambda: self._driver.receive(data, self._loop.time()))

    def eof_received(self) -> bool:
        self._has_left = True
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
            self._let_go()
            return
        if out:
            self._server.introduced(self)
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
            self._server.complaints.add(slip)
        record, silence = self._driver.record, self._driver.silence
        script_went_on = self._farewell and self._has_left and not self._driver.answered
        if record is None or script_went_on:  # by itself, before we were there for it
            self._let_go(self._farewell)
            return

        def let_go(_: asyncio.Future[None]) -> None:
            self._let_go(self._farewell)
            after = silence.after(self._loop.time())
            self._server.observer.announced(record, silence.before, after)

        self._server.write(record).add_done_callback(let_go)

    def _let_go(self, farewell: bytes = b"") -> None:
        """Close the connection. Who has not even read what we said before would never let us."""
        if self._transport.get_write_buffer_size():
            self.abort()
            return
        self._transport.write(farewell)
        self._transport.close()
