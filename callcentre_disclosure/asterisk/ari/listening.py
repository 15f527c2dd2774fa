"""Let Asterisks connect to us: outbound WebSockets, Asterisk 20.15, 21.10 or 22.5 and later.

websocket_client.conf of each Asterisk names a user of its own, which is its name here, and

* ``uri = ws://host:port/ari`` with ``connection_type = persistent``: one connection, for as long as
  the Asterisk runs;
* ``uri = ws://host:port/ari/call`` with ``connection_type = per_call_config``: one for each call.
  Nothing but the path tells them apart before they are accepted.

Asterisk tries again at once, without any pause, where a connection ends that was accepted, and
after ``reconnect_interval`` (500 ms) where it was refused by an HTTP status. So whatever is wrong
is said by a status, a connection once accepted is kept, and one that has ended within a second
earns a refusal of the next.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
from collections.abc import Mapping
from contextlib import suppress

import aiohttp
from aiohttp import web

from .asterisk import (
    GOODBYE_SECONDS,
    HEARTBEAT_SECONDS,
    LONGEST_MESSAGE,
    Application,
    Asterisk,
    Unreachable,
    say_goodbye,
)
from .protocol import Request

PATH = "/ari"
PER_CALL_PATH = "/ari/call"
#: A connection that ended within so many seconds of its beginning has the next refused for as long.
REST_SECONDS = 1.0
#: An Asterisk that connects while it is connected may have lost that connection without our
#: knowledge: what does not answer within so many seconds is given up.
ALIVE_SECONDS = 2.0
#: The same complaint about the same user is logged this often, in seconds.
COMPLAINT_SECONDS = 60.0

_PING = Request("GET", "asterisk/ping")

_log = logging.getLogger(__name__)


class Listener:
    """Waits for Asterisks, each of which is an ``Asterisk`` of the name that it logs in by.

    ``passwords`` has the password of each. One that connects per call is one ``Asterisk`` a call,
    which is gone when its connection ends.
    """

    def __init__(
        self,
        application: Application,
        passwords: Mapping[str, str],
        *,
        tls: ssl.SSLContext | None = None,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._application = application
        self._passwords = {user: password.encode() for user, password in passwords.items()}
        self._tls = tls
        self._heartbeat = heartbeat
        self._asterisks: dict[str, Asterisk] = {}
        self._persistent: dict[str, web.Request] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._rest_until: dict[str, float] = {}
        self._complaints: dict[tuple[str, str], float] = {}
        self._closing = False
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; ``port`` 0 takes a free one, which ``self.port`` tells. Raises ``OSError``."""
        server = web.Application()
        server.router.add_get(PATH, self._connected)
        server.router.add_get(PER_CALL_PATH, self._connected_for_a_call)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=GOODBYE_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening, so that nobody comes back, and then end every connection."""
        assert self._runner is not None
        self._closing = True
        for site in list(self._runner.sites):
            await site.stop()
        for check in self._checks.values():
            check.cancel()
        await asyncio.gather(*(say_goodbye(socket) for socket in list(self._sockets)))
        await self._runner.cleanup()
        for asterisk in self._asterisks.values():
            asterisk.end()

    async def _connected(self, request: web.Request) -> web.WebSocketResponse:
        user = self._admitted(request)
        if user in self._persistent:
            self._check(user)
            self._complain(
                user,
                "connects while it is connected; one that connects for each call must do so at "
                + PER_CALL_PATH,
            )
            raise web.HTTPConflict
        self._persistent[user] = request
        if user not in self._asterisks:
            self._asterisks[user] = Asterisk(user, self._application)
        try:
            return await self._serve(request, self._asterisks[user])
        finally:
            del self._persistent[user]

    async def _connected_for_a_call(self, request: web.Request) -> web.WebSocketResponse:
        asterisk = Asterisk(self._admitted(request), self._application)
        try:
            return await self._serve(request, asterisk)
        finally:
            asterisk.end()

    async def _serve(self, request: web.Request, asterisk: Asterisk) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            protocols=("ari",),
            heartbeat=self._heartbeat,
            compress=False,
            max_msg_size=LONGEST_MESSAGE,
        )
        await socket.prepare(request)
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._sockets.add(socket)
        _log.info("Asterisk %s: connected from %s", asterisk.name, request.remote)
        try:
            await asterisk.serve(socket)
        finally:
            if loop.time() - began < REST_SECONDS:
                self._rest_until[asterisk.name] = loop.time() + REST_SECONDS
            self._sockets.discard(socket)
            await say_goodbye(socket)
            _log.info("Asterisk %s: the connection has ended", asterisk.name)
        return socket

    def _admitted(self, request: web.Request) -> str:
        """The user who connects. Raises the refusal of who must not."""
        if self._closing:
            raise web.HTTPServiceUnavailable
        user = self._authenticated(request)
        offered = request.headers.get("Sec-WebSocket-Protocol", "ari")
        if "ari" not in (protocol.strip() for protocol in offered.split(",")):
            self._complain(user, "does not speak ARI: set protocols = ari")
            raise web.HTTPBadRequest
        if asyncio.get_running_loop().time() < self._rest_until.get(user, 0.0):
            self._complain(user, "connects again and again, and is slowed down")
            raise web.HTTPServiceUnavailable
        return user

    def _authenticated(self, request: web.Request) -> str:
        user, password = "", b""
        with suppress(ValueError):
            login = aiohttp.BasicAuth.decode(request.headers.get("Authorization", ""), "utf-8")
            user, password = login.login, login.password.encode()
        right = self._passwords.get(user, b"")
        if hmac.compare_digest(password, right) and right:
            return user
        if user in self._passwords:
            self._complain(user, "has another password than here")
        else:
            self._complain("?", "is no user that we know")
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="ari"'})

    def _check(self, user: str) -> None:
        """Give up the connection of a user if it is dead."""
        if user not in self._checks:
            self._checks[user] = asyncio.ensure_future(self._give_up_the_dead(user))

    async def _give_up_the_dead(self, user: str) -> None:
        connection = self._persistent[user]
        try:
            await self._asterisks[user].request(_PING, seconds=ALIVE_SECONDS, repeat=False)
        except Unreachable:
            if self._persistent.get(user) is connection and connection.transport:
                _log.warning("Asterisk %s: its old connection is dead", user)
                connection.transport.abort()
        finally:
            del self._checks[user]

    def _complain(self, user: str, about: str) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._complaints.get((user, about), now):
            self._complaints[user, about] = now + COMPLAINT_SECONDS
            _log.error("Asterisk %s: %s", user, about)
