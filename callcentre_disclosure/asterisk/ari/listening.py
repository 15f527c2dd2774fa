"""Let Asterisks connect to us: outbound WebSockets, Asterisk 20.15, 21.10 or 22.5 and later.

websocket_client.conf of each Asterisk names a user of its own, which is its name here, and

* ``uri = ws://host:port/ari`` with ``connection_type = persistent``: one connection, for as long as
  the Asterisk runs;
* ``uri = ws://host:port/ari/call`` with ``connection_type = per_call_config``: one for each call.
  Nothing but the path tells them apart before they are accepted.

Asterisk tries again at once, thousands of times a second, where a connection ends that was
accepted, and after ``reconnect_interval`` (500 ms, but 0 can be configured) where it was refused by
an HTTP status. So whatever is wrong is said by a status and not at once, a connection once accepted
is kept, and one that has ended within a second earns a refusal of the next.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn

from aiohttp import web

from callcentre_disclosure.errors import RemoteProtocolError

from .asterisk import (
    GOODBYE_SECONDS,
    LONGEST_MESSAGE,
    PING,
    SILENCE_SECONDS,
    Application,
    Asterisk,
    Unreachable,
    say_goodbye,
)
from .protocol import Event, decode

PATH = "/ari"
PER_CALL_PATH = "/ari/call"
#: A connection that ended within so many seconds of its beginning has the next refused for as long.
REST_SECONDS = 1.0
#: A refusal comes after so many seconds, for as many as so many connections at a time.
REFUSAL_SECONDS = 0.5
REFUSALS = 100
#: An Asterisk that connects while it is connected may have lost that connection without our
#: knowledge: what does not answer within so many seconds is given up.
ALIVE_SECONDS = 2.0
#: How long the first event of a connection may take, in seconds.
FIRST_EVENT_SECONDS = 2.0
#: How long the connection of a call in progress may be away, in seconds.
COMING_BACK_SECONDS = 5.0
#: The same complaint about the same user is logged this often, in seconds.
COMPLAINT_SECONDS = 60.0

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
        silence: float = SILENCE_SECONDS,
    ) -> None:
        self._application = application
        self._passwords = {user: password.encode() for user, password in passwords.items()}
        self._tls = tls
        self._silence = silence
        self._asterisks: dict[str, Asterisk] = {}
        self._persistent: dict[str, web.WebSocketResponse] = {}
        self._away: dict[tuple[str, str], Asterisk] = {}
        self._open: set[web.WebSocketResponse] = set()
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._rest_until: dict[str, float] = {}
        self._complaints: dict[tuple[str, str], float] = {}
        self._refusals = 0
        self._closing = False
        self._runner: web.AppRunner | None = None

    async def start(self, listening: socket.socket) -> None:
        """Take the connections that arrive on a listening socket, which is ours from now on."""
        server = web.Application()
        server.router.add_get(PATH, self._connected)
        server.router.add_get(PER_CALL_PATH, self._connected_for_a_call)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=GOODBYE_SECONDS)
        await self._runner.setup()
        await web.SockSite(self._runner, listening, ssl_context=self._tls).start()

    async def close(self) -> None:
        """Stop listening, so that nobody comes back, and then end every connection."""
        assert self._runner is not None
        self._closing = True
        for site in list(self._runner.sites):
            await site.stop()
        for check in self._checks.values():
            check.cancel()
        await asyncio.gather(*(say_goodbye(connection) for connection in list(self._open)))
        await self._runner.cleanup()
        for asterisk in (*self._asterisks.values(), *self._away.values()):
            asterisk.end()
        self._away.clear()

    async def _connected(self, request: web.Request) -> web.WebSocketResponse:
        user = await self._admitted(request)
        if user in self._persistent:
            self._check(user)
            await self._refuse(
                web.HTTPConflict(),
                user,
                f"connects while it is connected; where it does so for each call, {PER_CALL_PATH} "
                "is the path for it",
            )
        connection = self._persistent[user] = _websocket()
        if user not in self._asterisks:
            self._asterisks[user] = Asterisk(user, self._application)
        try:
            await connection.prepare(request)
            return await self._serve(self._asterisks[user], connection, request.remote)
        finally:
            del self._persistent[user]

    async def _connected_for_a_call(self, request: web.Request) -> web.WebSocketResponse:
        user = await self._admitted(request)
        connection = _websocket()
        await connection.prepare(request)
        channel = await _channel(connection)
        asterisk = self._away.pop((user, channel), None)
        if asterisk is None:
            asterisk = Asterisk(user, self._application, channel)
        try:
            return await self._serve(asterisk, connection, request.remote)
        finally:
            # It connects again at once where the connection broke in mid-call.
            self._away[user, channel] = asterisk
            patience = COMING_BACK_SECONDS if asterisk.in_use and not self._closing else 0.0
            asyncio.get_running_loop().call_later(patience, self._give_up, user, channel, asterisk)

    def _give_up(self, user: str, channel: str, asterisk: Asterisk) -> None:
        if self._away.get((user, channel)) is asterisk:
            del self._away[user, channel]
            asterisk.end()

    async def _serve(
        self, asterisk: Asterisk, connection: web.WebSocketResponse, remote: str | None
    ) -> web.WebSocketResponse:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._open.add(connection)
        _log.info("Asterisk %s: connected from %s", asterisk.name, remote)
        try:
            await asterisk.serve(connection, silence=self._silence)
        finally:
            if loop.time() - began < REST_SECONDS:
                self._rest_until[asterisk.name] = loop.time() + REST_SECONDS
            self._open.discard(connection)
            await say_goodbye(connection)
            _log.info("Asterisk %s: the connection has ended", asterisk.name)
        return connection

    async def _admitted(self, request: web.Request) -> str:
        """The user who connects. Raises the refusal of who must not."""
        user, password = _login(request.headers.get("Authorization", ""))
        right = self._passwords.get(user, b"")
        if not (hmac.compare_digest(password, right) and right):
            known = user in self._passwords
            await self._refuse(
                web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="ari"'}),
                user if known else "?",
                "has another password than here" if known else "is no user that we know",
            )
        offered = request.headers.get("Sec-WebSocket-Protocol", "ari")
        if "ari" not in (protocol.strip() for protocol in offered.split(",")):
            await self._refuse(
                web.HTTPBadRequest(), user, "does not speak ARI; set protocols = ari"
            )
        if asyncio.get_running_loop().time() < self._rest_until.get(user, 0.0):
            await self._refuse(
                web.HTTPServiceUnavailable(), user, "connects again and again, and is slowed down"
            )
        if self._closing:
            raise web.HTTPServiceUnavailable
        return user

    async def _refuse(self, refusal: web.HTTPException, user: str, about: str) -> NoReturn:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._complaints.get((user, about), 0.0):
            self._complaints[user, about] = loop.time() + COMPLAINT_SECONDS
            _log.error("Asterisk %s: %s", user, about)
        if self._refusals < REFUSALS and not self._closing:
            self._refusals += 1
            try:
                await asyncio.sleep(REFUSAL_SECONDS)
            finally:
                self._refusals -= 1
        raise refusal

    def _check(self, user: str) -> None:
        """Give up the connection of a user if it is dead."""
        if user not in self._checks:
            self._checks[user] = asyncio.ensure_future(self._give_up_the_dead(user))

    async def _give_up_the_dead(self, user: str) -> None:
        connection = self._persistent[user]
        try:
            await self._asterisks[user].request(PING, seconds=ALIVE_SECONDS, repeat=False)
        except Unreachable:
            if self._persistent.get(user) is connection:
                _log.warning("Asterisk %s: its old connection is dead", user)
                await say_goodbye(connection)
        finally:
            del self._checks[user]


async def _channel(connection: web.WebSocketResponse) -> str:
    """The channel for which a connection is made: the application has a name of its own there,
    ``<name>:<channel>``, which its first event tells."""
    with suppress(asyncio.TimeoutError, TypeError, RemoteProtocolError):
        event = decode(await connection.receive_str(timeout=FIRST_EVENT_SECONDS))
        if isinstance(event, Event):
            return str(event.body.get("application", "")).partition(":")[2]
    return ""


def _websocket() -> web.WebSocketResponse:
    return web.WebSocketResponse(
        protocols=("ari",), autoping=False, compress=False, max_msg_size=LONGEST_MESSAGE
    )


def _login(authorization: str) -> tuple[str, bytes]:
    """User and password of an ``Authorization`` header; both empty where it has none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", b""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).partition(b":")
        return user.decode(), password
    except ValueError:
        return "", b""
