"""The processes of a server: one that watches, workers that serve, and others beside them.

Asterisk has no time-out on a FastAGI server that stopped answering, and cannot even hang up a
call that waits for one; callers in Stasis wait for a silent ARI application without end. What frees
the call is a closed connection, so a worker that shows no sign of life is killed and replaced: the
kernel closes its connections, and the dialplan goes on, or the next worker takes over.

The parent opens the listening socket once, so no connection is refused while a worker is
replaced. SIGTERM lets the calls in progress end and refuses new ones, SIGHUP reads the
configuration again. systemd hears when all of them serve, and from then on that the parent does not
stand still either: there is nobody else to notice that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from . import systemd

#: A worker tells that it is alive this often, in seconds, by a byte on its pipe.
HEARTBEAT_SECONDS = 0.5
#: One that is silent for so long is killed. The time an announcement is delayed by at most.
STALL_SECONDS = 5.0
#: Workers are replaced at most this often, so that one that cannot even start costs little.
REPLACEMENT_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Process:
    """``serve(heartbeat)`` runs in a process of its own, on the sockets that are ``listening``.

    It writes to the file descriptor ``heartbeat`` at least every ``HEARTBEAT_SECONDS``, from when
    it reloads on SIGHUP, and returns when that descriptor no longer has a reader.
    """

    serve: Callable[[int], None]
    listening: Sequence[socket.socket] = ()


@dataclass
class _Running:
    process: Process
    pid: int
    heartbeat: int
    last_beat: float
    heard: bool = False
    is_outdated: bool = False
    killed: bool = False


async def beat(heartbeat: int, alive: Callable[[], None]) -> None:
    """Tell that we are alive; returns when the parent is no more, and nobody would replace us."""
    with suppress(BrokenPipeError):
        while True:
            os.write(heartbeat, b".")
            alive()
            await asyncio.sleep(HEARTBEAT_SECONDS)


class Workers:
    """Keeps ``count`` copies of a ``worker`` running, which return after SIGTERM too, and one of
    each that is ``beside`` them, until the last of them has ended."""

    def __init__(
        self,
        worker: Process,
        count: int,
        reload: Callable[[], None],
        beside: Sequence[Process] = (),
    ) -> None:
        self._worker = worker
        self._reload = reload
        self._wanted = [(worker, count), *((process, 1) for process in beside)]
        self._running: dict[int, _Running] = {}
        self._selector = selectors.DefaultSelector()
        self._served = self._stopping = False
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
        for process, count in self._wanted:
            for _ in range(count):
                self._start(process)
        while self._workers() or not self._stopping:
            for key, _ in self._selector.select(HEARTBEAT_SECONDS):
                if key.fd == wake:
                    for received in os.read(wake, 64):
                        self._heed(received)
                elif os.read(key.fd, 64):
                    _hear(key.data)
            self._reap()
            self._kill_the_stalled()
            self._replace()
            self._tell_systemd()
        for running in self._running.values():
            os.kill(running.pid, signal.SIGKILL)
            os.waitpid(running.pid, 0)

    def _workers(self) -> list[_Running]:
        return [one for one in self._running.values() if one.process is self._worker]

    def _start(self, process: Process) -> None:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._become(process, reader, writer)
                status = 0
            except BaseException:
                _log.exception("a worker failed")
            finally:
                os._exit(status)
        os.close(writer)
        running = _Running(process, pid, reader, time.monotonic())
        self._running[pid] = running
        self._selector.register(reader, selectors.EVENT_READ, running)

    def _become(self, process: Process, reader: int, writer: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent tells them
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it is ready to read anything again
        for running in self._running.values():
            os.close(running.heartbeat)
        os.close(reader)
        self._selector.close()
        for other, _ in self._wanted:  # whose socket is to be closed when they have ended
            if other is not process:
                _close(other.listening)
        process.serve(writer)

    def _heed(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
            systemd.tell("STOPPING=1")
            _close(self._worker.listening)  # else the kernel would accept calls that nobody serves
            for worker in self._workers():
                os.kill(worker.pid, signal.SIGTERM)
        elif number == signal.SIGHUP:
            self._reload()  # for those that will be started
            for running in self._running.values():
                running.is_outdated = True

    def _reap(self) -> None:
        for pid in list(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running = self._running.pop(pid)
                self._selector.unregister(running.heartbeat)
                os.close(running.heartbeat)
                if not self._stopping:
                    code = os.waitstatus_to_exitcode(status)
                    _log.error("worker %d ended (%d) and is replaced", pid, code)

    def _kill_the_stalled(self) -> None:
        now = time.monotonic()
        slept, self._looked = now - self._looked > STALL_SECONDS / 2, now
        for worker in self._running.values():
            if slept:  # the whole machine stood still (or we were reloading), and no worker is late
                worker.last_beat = now
            elif now - worker.last_beat > STALL_SECONDS and not worker.killed:
                _log.error("worker %d does not answer and is killed", worker.pid)
                os.kill(worker.pid, signal.SIGKILL)
                worker.killed = True

    def _tell_systemd(self) -> None:
        systemd.tell("WATCHDOG=1")
        if not self._served and all(one.heard for one in self._running.values()):
            self._served = True
            systemd.tell("READY=1")

    def _replace(self) -> None:
        if self._stopping or time.monotonic() - self._replaced < REPLACEMENT_SECONDS:
            return
        there = [one.process for one in self._running.values() if not one.killed]
        for process, count in self._wanted:
            for _ in range(count - sum(one is process for one in there)):
                self._replaced = time.monotonic()
                self._start(process)


def _hear(running: _Running) -> None:
    running.last_beat, running.heard = time.monotonic(), True
    if running.is_outdated:  # not sooner: one that has just begun would pass SIGHUP over
        os.kill(running.pid, signal.SIGHUP)
        running.is_outdated = False


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        one.close()
