"""The process of the ARI event handler: it stays connected, and holds the calls."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from callcentre_disclosure.asterisk.ari.asterisk import Asterisk
from callcentre_disclosure.asterisk.ari.dialling import stay_connected
from callcentre_disclosure.asterisk.ari.listening import Listener
from callcentre_disclosure.asterisk.keeping import Keeping
from callcentre_disclosure.asterisk.observing import Observer
from callcentre_disclosure.asterisk.workers import beat
from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.record import LedgerRecord

from .call import Office
from .handler import Handler

#: How long calls in progress may take to end after SIGTERM, in seconds.
DRAIN_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """An Asterisk and how to connect to it; without ``url`` it connects to us."""

    name: str
    user: str
    password: str
    url: str | None


def serve(
    heartbeat: int,
    *,
    application: str,
    logins: Sequence[Login],
    tls: ssl.SSLContext | None,
    listening: socket.socket | None,
    certificate: ssl.SSLContext | None,
    begin: Callable[[CallFacts], Session],
    keep: Callable[[Sequence[LedgerRecord]], None],
    reload: Callable[[], None],
    observer: Observer,
) -> None:
    """The worker of ``Workers``: serve until SIGTERM.

    ``tls`` is for Asterisks that are reached by https, ``certificate`` for those that connect to
    the ``listening`` socket by wss.
    """

    async def work() -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        reloads = ThreadPoolExecutor(1, thread_name_prefix="reload")  # one after the other
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(reloads, reload))
        evidence = Keeping(keep)

        def tell() -> None:
            connected = {name: asterisk.connected for name, asterisk in asterisks.items()}
            observer.alive(len(handler.calls), connected)

        handler = Handler(application, Office(begin, evidence.keep, observer), tell)
        asterisks = {login.name: Asterisk(login.name, handler) for login in logins if login.url}
        life = asyncio.create_task(beat(heartbeat, tell))
        # Alone there may be another handler already, to which all of our calls belong now.
        life.add_done_callback(lambda _: life.cancelled() or os._exit(1))
        listener = None
        if listening:
            passwords = {login.user: login.password for login in logins if not login.url}
            listener = Listener(handler, passwords, tls=certificate)
            await listener.start(listening)
        dialling = [
            asyncio.create_task(
                stay_connected(
                    asterisks[login.name],
                    url=login.url,
                    user=login.user,
                    password=login.password,
                    application=application,
                    tls=tls,
                )
            )
            for login in logins
            if login.url
        ]
        _log.info("%s serves", application)
        await stop.wait()
        await handler.drain(DRAIN_SECONDS)
        for connection in dialling:
            connection.cancel()
        await asyncio.gather(*dialling, return_exceptions=True)
        if listener:
            await listener.close()
        life.cancel()  # from here on a disk that does not answer has the parent end this
        await evidence.close()
        tell()

    asyncio.run(work())
