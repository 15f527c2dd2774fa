"""Connect to an Asterisk, and again whenever the connection has gone.

``GET /ari/asterisk/info`` comes first: it tells whether the password is right, and the version,
which decides how requests travel. Then the WebSocket brings the events of the application.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from .asterisk import (
    LONGEST_MESSAGE,
    NOT_BOOTED,
    SILENCE_SECONDS,
    Asterisk,
    WebSocket,
    say_goodbye,
    within,
)
from .protocol import Request, Response, response, takes_requests

#: The pause before the n-th attempt is at most 2**n times the first of these, in seconds, and at
#: most the second: an Asterisk that restarts is found soon, and one that is off costs little.
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 3.0
#: After a connection that lasted so many seconds, the pauses begin anew.
LASTING_SECONDS = 10.0
#: The pause where only a person can help: a wrong password (which fail2ban counts), or another
#: client that took our application over and would lose its calls to us.
PAUSE_FOR_PEOPLE = 30.0
#: How long Asterisk may take to accept a connection and answer.
CONNECT_SECONDS = 5.0
#: Requests at the same time over HTTP. Asterisk takes 100 connections in all (``sessionlimit``);
#: where 50 come at once its queue for them overflows, which delays some by 1 s.
CONNECTIONS = 20
#: Less than the 15 s after which Asterisk closes an idle connection (``session_keep_alive``).
IDLE_SECONDS = 10.0

_SYSTEM = Request("GET", "asterisk/info", {"only": "system"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why there is no connection (any more)."""

    why: str
    level: int = logging.WARNING
    seconds: float = 0.0  # how long it lasted
    for_people: bool = False


async def stay_connected(
    asterisk: Asterisk,
    *,
    url: str,
    user: str,
    password: str,
    application: str,
    tls: ssl.SSLContext | None = None,
    silence: float = SILENCE_SECONDS,
    over_http: bool = False,
) -> None:
    """Keep an Asterisk connected until this is cancelled; it is gone then.

    ``url`` is that of its HTTP server with the prefix of http.conf, if any: ``http://host:8088``
    or ``https://host:8089/prefix``. A connection on which nothing comes for ``silence`` seconds,
    in spite of pings, is given up. Requests go over the WebSocket where the version takes them
    there. Asterisk carries those out one after the other, so one that blocks there holds up the
    rest; with ``over_http`` all go over HTTP, where none waits for another.
    """
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    session = aiohttp.ClientSession(
        headers={"Authorization": f"Basic {login}"},
        connector=aiohttp.TCPConnector(
            limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS, ssl=tls or True
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
    )
    dialling = _Dialling(
        asterisk, session, url.rstrip("/"), application, silence=silence, over_http=over_http
    )
    failures = 0
    told = ""
    try:
        while True:
            try:
                ending = await dialling.connect()
            except Exception:
                # Our fault, and no reason to leave an Asterisk alone for good.
                _log.exception("Asterisk %s: the connection failed", asterisk.name)
                ending = _Ending("tried again", for_people=True)
            failures = 0 if ending.seconds > LASTING_SECONDS else failures + 1
            repeated = ending.why == told and not ending.seconds
            level = logging.DEBUG if repeated else ending.level
            _log.log(level, "Asterisk %s: %s", asterisk.name, ending.why)
            told = ending.why
            await asyncio.sleep(_pause(failures, ending.for_people))
    finally:
        asterisk.end()
        await session.close()


def _pause(failures: int, for_people: bool) -> float:
    if for_people:
        return PAUSE_FOR_PEOPLE
    # At random, so that many clients of one Asterisk do not come back all at once.
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 30)))  # noqa: S311


class _Dialling:
    def __init__(
        self,
        asterisk: Asterisk,
        session: aiohttp.ClientSession,
        url: str,
        application: str,
        *,
        silence: float,
        over_http: bool,
    ) -> None:
        self._asterisk = asterisk
        self._session = session
        self._url = url
        self._events = _url(url, "events", {"app": application, "subscribeAll": "false"})
        self._silence = silence
        self._over_http = over_http
        self._http = _OverHttp(session, url)

    async def connect(self) -> _Ending:
        """Connect once, and return when that connection has ended."""
        try:
            system = await within(self._http.say(_SYSTEM), CONNECT_SECONDS)
            if system is None:
                return _Ending(f"no answer from {self._url} within {CONNECT_SECONDS} s")
            version = _version(system)
            if version is None:
                return self._refused(system.status)
            socket = await within(self._open(), CONNECT_SECONDS)
            if socket is None:
                return _Ending(f"no WebSocket from {self._url} within {CONNECT_SECONDS} s")
        except aiohttp.WSServerHandshakeError as refusal:
            return self._refused(refusal.status)
        except (aiohttp.ClientError, OSError) as problem:
            return _Ending(f"not connected: {problem or type(problem).__name__}")
        return await self._stay(socket, version)

    async def _open(self) -> WebSocket:
        return await self._session.ws_connect(
            self._events, autoping=False, compress=0, max_msg_size=LONGEST_MESSAGE
        )

    async def _stay(self, socket: WebSocket, version: str) -> _Ending:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            can = takes_requests(version)
            over_http = self._over_http or not can
            over = "HTTP" if over_http else "the WebSocket"
            name = self._asterisk.name
            _log.info("Asterisk %s: connected, version %s, requests over %s", name, version, over)
            replaced = await self._asterisk.serve(
                socket,
                self._http if over_http else None,
                silence=self._silence,
                takes_requests=can,
                until_replaced=True,
            )
        finally:
            await say_goodbye(socket)
        lasted = loop.time() - began
        if replaced:
            why = f"left to the other client for {PAUSE_FOR_PEOPLE} s"
            return _Ending(why, seconds=lasted, for_people=True)
        return _Ending("the connection has ended", seconds=lasted)

    def _refused(self, status: int) -> _Ending:
        if status in (401, 403):
            remedy = "compare user and password with ari.conf, and see its permit and deny"
            return _Ending(f"refuses us ({status}): {remedy}", logging.ERROR, for_people=True)
        if status == 404:  # also for a moment of every start, as is the next
            remedy = "is res_ari loaded and enabled in ari.conf, and the prefix that of http.conf?"
            return _Ending(f"has no ARI at {self._url} (404): {remedy}")
        if status == NOT_BOOTED:
            return _Ending("is not fully booted")
        return _Ending(f"what answers at {self._url} is no ARI (status {status})", logging.ERROR)


class _OverHttp:
    """Requests over HTTP connections of their own, some at the same time."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def carry(self, request: Request, _: str) -> Response | None:
        try:
            return await self.say(request)
        except (aiohttp.ClientError, OSError):
            return None

    async def say(self, request: Request) -> Response:
        """The answer to a request."""
        body = None if request.body is None else json.dumps(request.body).encode()
        async with self._session.request(
            request.method,
            _url(self._url, request.path, request.query),
            data=body,
            headers={"Content-Type": "application/json"} if body else None,
            allow_redirects=False,
        ) as answer:
            return response(answer.status, await answer.read())


def _url(url: str, path: str, query: Mapping[str, str]) -> URL:
    values = urlencode(query, quote_via=quote)
    return URL(f"{url}/ari/{path}?{values}" if values else f"{url}/ari/{path}", encoded=True)


def _version(answer: Response) -> str | None:
    body = answer.body if answer.ok else None
    system = body.get("system") if isinstance(body, dict) else None
    version = system.get("version") if isinstance(system, dict) else None
    return version if isinstance(version, str) else None
