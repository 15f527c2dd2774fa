"""The processes of a server: one that watches, and workers that serve.

Asterisk has no time-out on a FastAGI server that stopped answering, and cannot even hang up a
call that waits for one; callers in Stasis wait for a silent ARI application without end. What frees
the call is a closed connection, so a worker that shows no sign of life is killed and replaced: the
kernel closes its connections, and the dialplan goes on, or the next worker takes over.

The parent opens the listening socket once, so no connection is refused while a worker is
replaced. SIGTERM lets the calls in progress end and refuses new ones, SIGHUP reads the
configuration again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

#: A worker tells that it is alive this often, in seconds, by a byte on its pipe.
HEARTBEAT_SECONDS = 0.5
#: One that is silent for so long is killed. The time an announcement is delayed by at most.
STALL_SECONDS = 5.0
#: Workers are replaced at most this often, so that one that cannot even start costs little.
REPLACEMENT_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass
class _Worker:
    pid: int
    heartbeat: int
    last_beat: float
    killed: bool = False


async def beat(heartbeat: int) -> None:
    """Tell that we are alive; returns when the parent is no more, and nobody would replace us."""
    with suppress(BrokenPipeError):
        while True:
            os.write(heartbeat, b".")
            await asyncio.sleep(HEARTBEAT_SECONDS)


class Workers:
    """Keeps ``count`` copies of ``serve`` running, on one ``listening`` socket if there is one.

    ``serve(heartbeat)`` runs in a process of its own, writes a byte to the file descriptor
    ``heartbeat`` every ``HEARTBEAT_SECONDS`` (``beat``), reloads on SIGHUP, and returns after
    SIGTERM or when that descriptor no longer has a reader.
    """

    def __init__(
        self,
        serve: Callable[[int], None],
        listening: socket.socket | None,
        count: int,
        reload: Callable[[], None],
    ) -> None:
        self._serve = serve
        self._reload = reload
        self._listening = listening
        self._count = count
        self._workers: dict[int, _Worker] = {}
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._replaced = 0.0
        self._looked = time.monotonic()

    def run(self) -> None:
        """Return after SIGTERM or SIGINT, when the last worker has ended."""
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._selector.register(wake, selectors.EVENT_READ)
        for _ in range(self._count):
            self._start()
        while self._workers or not self._stopping:
            for key, _ in self._selector.select(HEARTBEAT_SECONDS):
                if key.fd == wake:
                    for received in os.read(wake, 64):
                        self._heed(received)
                elif os.read(key.fd, 64):
                    key.data.last_beat = time.monotonic()
            self._reap()
            self._kill_the_stalled()
            self._replace()

    def _start(self) -> None:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._become_worker(reader, writer)
                status = 0
            except BaseException:
                _log.exception("a worker failed")
            finally:
                os._exit(status)
        os.close(writer)
        worker = _Worker(pid, reader, time.monotonic())
        self._workers[pid] = worker
        self._selector.register(reader, selectors.EVENT_READ, worker)

    def _become_worker(self, reader: int, writer: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent tells them
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it is ready to read anything again
        for worker in self._workers.values():
            os.close(worker.heartbeat)
        os.close(reader)
        self._selector.close()
        self._serve(writer)

    def _heed(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
            if self._listening:
                self._listening.close()  # else the kernel would accept calls that nobody serves
            self._tell_all(signal.SIGTERM)
        elif number == signal.SIGHUP:
            self._reload()  # for the workers that will be started
            self._tell_all(signal.SIGHUP)

    def _tell_all(self, number: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, number)

    def _reap(self) -> None:
        for pid in list(self._workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                worker = self._workers.pop(pid)
                self._selector.unregister(worker.heartbeat)
                os.close(worker.heartbeat)
                if not self._stopping:
                    code = os.waitstatus_to_exitcode(status)
                    _log.error("worker %d ended (%d) and is replaced", pid, code)

    def _kill_the_stalled(self) -> None:
        now = time.monotonic()
        slept, self._looked = now - self._looked > STALL_SECONDS / 2, now
        for worker in self._workers.values():
            if slept:  # the whole machine stood still (or we were reloading), and no worker is late
                worker.last_beat = now
            elif now - worker.last_beat > STALL_SECONDS and not worker.killed:
                _log.error("worker %d does not answer and is killed", worker.pid)
                os.kill(worker.pid, signal.SIGKILL)
                worker.killed = True

    def _replace(self) -> None:
        missing = self._count - sum(not worker.killed for worker in self._workers.values())
        rested = time.monotonic() - self._replaced >= REPLACEMENT_SECONDS
        if missing and rested and not self._stopping:
            self._replaced = time.monotonic()
            for _ in range(missing):
                self._start()
