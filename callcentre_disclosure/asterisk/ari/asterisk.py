"""One Asterisk to whoever uses it: requests are answered, mailboxes get its events.

Theory of operation
===================

A connector (``dialling``, ``listening``) has ``serve`` read a WebSocket for as long as it lasts.
The reader hands each event to the mailboxes that follow what it is about and each answer to the
request that waits for it, and waits for nobody.

A connection may break at any moment, and nobody knows then whether a request was carried out.
Requests that name what they create can be said twice, so they are said again over the next
connection, under the same id: an Asterisk that connects to us keeps the answers that it could not
send, and either answer will do. Events are not told again: every mailbox gets ``MISSED``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from socket import IPPROTO_TCP, TCP_QUICKACK
from typing import Any, Protocol, TypeAlias, TypeVar

import aiohttp
from aiohttp import web

from callcentre_disclosure.errors import DisclosureError, RemoteProtocolError

from .mailbox import Mailbox, Mailboxes
from .protocol import Event, Reply, Request, Response, decode, encode

#: The status of every request to an Asterisk that is not fully booted. One that connects to us does
#: so before it is.
NOT_BOOTED = 503
#: A request that failed is said again after so many seconds where the connection is still there.
REPEAT_SECONDS = 0.1
#: Asterisk closes the connection on a longer message (``AST_WEBSOCKET_MAX_RX_PAYLOAD_SIZE``).
LONGEST_REQUEST = 65_000
#: An answer may be the list of all channels, at some 600 bytes each.
LONGEST_MESSAGE = 16 * 2**20
#: A connection on which nothing comes for so many seconds is dead; half way it is pinged. That is
#: long because Asterisk answers between the requests of the WebSocket, some of which take seconds.
SILENCE_SECONDS = 10.0
#: How long the other side may take to say goodbye.
GOODBYE_SECONDS = 1.0

#: What any Asterisk answers that is alive.
PING = Request("GET", "asterisk/ping")

WebSocket: TypeAlias = "aiohttp.ClientWebSocketResponse[bool] | web.WebSocketResponse"
_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class Unreachable(DisclosureError):
    """Asterisk did not answer in time, or the connection broke and the request must not be
    repeated. It may have been carried out all the same."""


class Application(Protocol):
    """Whoever is told of the Asterisks. Nothing here may block."""

    def connected(self, asterisk: Asterisk) -> None:
        """It is there, for the first time or again: nothing is known of what happened before."""

    def started(self, asterisk: Asterisk, event: Event) -> None:
        """A channel has entered the application (``StasisStart``)."""

    def disconnected(self, asterisk: Asterisk) -> None:
        """It is not there any more. Told once more where ``asterisk.gone``: it never will be."""


class Carrier(Protocol):
    """A way for requests while a connection lasts."""

    async def carry(self, request: Request, request_id: str) -> Response | None:
        """The answer; None where the connection broke before it came."""


class Asterisk:
    """One Asterisk, connected or not at the moment.

    Where it connects to us for one call alone, ``only`` is that channel's name.
    """

    def __init__(self, name: str, application: Application, only: str = "") -> None:
        self.name = name
        self.only = only
        self._application = application
        self._mailboxes = Mailboxes()
        self._carrier: Carrier | None = None
        self._gone = False
        self._settled = asyncio.Event()  # connected, or gone
        # Answers to whoever was here before us may still come: no id is used twice.
        self._prefix = secrets.token_hex(4)
        self._requests = 0

    @property
    def connected(self) -> bool:
        """Whether it is there at the moment."""
        return self._carrier is not None

    @property
    def gone(self) -> bool:
        """Whether it will never be there again: every request is ``Unreachable`` at once."""
        return self._gone

    async def there(self) -> None:
        """Return when it is connected, or gone."""
        await self._settled.wait()

    @property
    def in_use(self) -> bool:
        """Whether anybody has a mailbox here."""
        return self._mailboxes.in_use

    def mailbox(self) -> Mailbox:
        """A new mailbox, to be closed by whoever opens it."""
        return self._mailboxes.open()

    async def request(
        self, request: Request, *, seconds: float = 5.0, repeat: bool = True
    ) -> Response:
        """The answer to a request, which waits for a connection where there is none.

        With ``repeat`` it is said again where the connection breaks before the answer; in any case
        where Asterisk is not fully booted. Raises ``Unreachable`` where there is no other answer
        within so many seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._requests += 1
        request_id = f"{self._prefix}-{self._requests}"
        while loop.time() < deadline and not self._gone:
            carrier = self._carrier
            if carrier is None:
                await within(self._settled.wait(), deadline - loop.time())
                continue
            answer = await within(carrier.carry(request, request_id), deadline - loop.time())
            if answer is not None and answer.status != NOT_BOOTED:
                return answer
            if answer is None and not repeat:
                break
            if carrier is self._carrier:
                await asyncio.sleep(min(REPEAT_SECONDS, max(0.0, deadline - loop.time())))
        state = "connected" if self.connected else "gone" if self._gone else "not connected"
        raise Unreachable(
            f"no answer to {request.method} {request.path} ({state})", where=f"Asterisk {self.name}"
        )

    # -- for the connectors --------------------------------------------------------------------

    async def serve(
        self,
        socket: WebSocket,
        carrier: Carrier | None = None,
        *,
        silence: float = SILENCE_SECONDS,
        takes_requests: bool = True,
        until_replaced: bool = False,
    ) -> bool:
        """Be connected until the WebSocket ends, which is then to be closed.

        Requests go over ``carrier``, or else over the WebSocket; ``takes_requests`` tells whether
        they could. It ends where nothing comes for ``silence`` seconds and, with
        ``until_replaced``, where another client takes over the application. Returns whether one
        has.
        """
        over_websocket = _OverWebSocket(socket)
        self._attach(carrier or over_websocket)
        replaced = False
        try:
            ping = encode(PING, "ping") if takes_requests else None
            while (text := await self._hear(socket, silence / 2, ping)) is not None:
                replaced |= self._read(text, over_websocket)
                if replaced and until_replaced:
                    break
        finally:
            self._detach()
            over_websocket.broke()
        return replaced

    def end(self) -> None:
        """It will not be connected again."""
        self._gone = True
        self._settled.set()
        self._mailboxes.missed()
        self._tell(self._application.disconnected, self)

    def _attach(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._mailboxes.missed()
        self._tell(self._application.connected, self)
        self._settled.set()

    def _detach(self) -> None:
        self._carrier = None
        self._settled.clear()
        self._tell(self._application.disconnected, self)

    async def _hear(
        self, socket: WebSocket, patience: float, ping: str | None
    ) -> str | bytes | None:
        """The next message; None where the connection has ended or is dead."""
        pinged = False
        while True:
            _acknowledge_at_once(socket)
            try:
                message = await socket.receive(timeout=patience)
            except asyncio.TimeoutError:
                if pinged:
                    _log.warning("Asterisk %s: silent for %s s", self.name, 2 * patience)
                    return None
                pinged = True
                # A ping of the WebSocket that it cannot answer has Asterisk 22 wait for ever on a
                # closed socket; a request that it cannot answer has it connect anew.
                saying = socket.send_str(ping) if ping else socket.ping()
                with suppress(aiohttp.ClientError, OSError):
                    await within(saying, patience)
                continue
            pinged = False
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                text: str | bytes = message.data
                return text
            if message.type == aiohttp.WSMsgType.PING:
                with suppress(aiohttp.ClientError, OSError):
                    await within(socket.pong(message.data), patience)
            elif message.type != aiohttp.WSMsgType.PONG:
                if message.type == aiohttp.WSMsgType.ERROR:
                    _log.warning("Asterisk %s: %s", self.name, message.data)
                return None

    def _read(self, text: str | bytes, over_websocket: _OverWebSocket) -> bool:
        """Pass a message on. Returns whether it says that another client took over."""
        try:
            message = decode(text, asyncio.get_running_loop().time())
        except RemoteProtocolError as problem:
            _log.warning("Asterisk %s: %s", self.name, problem)
            return False
        if isinstance(message, Reply):
            over_websocket.answered(message)
            return False
        self._mailboxes.deliver(message)
        if message.type == "StasisStart":
            self._tell(self._application.started, self, message)
        if message.type == "ApplicationReplaced":
            _log.error(
                "Asterisk %s: another client took over the application %s, and gets its calls",
                self.name,
                message.body.get("application", ""),
            )
            return True
        return False

    def _tell(self, what: Callable[..., None], *about: object) -> None:
        try:
            what(*about)
        except Exception:
            # Our fault, and no reason to drop a connection with other calls on it.
            _log.exception("Asterisk %s: the application failed", self.name)


class _OverWebSocket:
    """Requests as messages of the WebSocket that the events come over."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._pending: dict[str, asyncio.Future[Response | None]] = {}

    async def carry(self, request: Request, request_id: str) -> Response | None:
        text = encode(request, request_id)
        if len(text) > LONGEST_REQUEST:  # all ASCII
            return Response(413)
        answer: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            await self._socket.send_str(text)
            return await answer
        except (aiohttp.ClientError, OSError):
            return None  # it is closing, and the reader will see it
        finally:
            self._pending.pop(request_id, None)

    def answered(self, reply: Reply) -> None:
        """Give an answer to whoever waits for it."""
        answer = self._pending.get(reply.request_id)
        if answer is None or answer.done():
            _log.debug("an answer that nobody waits for: to a ping, or too late")
        else:
            answer.set_result(reply.response)

    def broke(self) -> None:
        """Tell all who wait that no answer will come."""
        for answer in self._pending.values():
            if not answer.done():
                answer.set_result(None)


def _acknowledge_at_once(socket: WebSocket) -> None:
    """Asterisk's kernel holds back an event until the one before it is acknowledged, and ours
    takes 40 ms for that unless it is told otherwise, each time."""
    if connection := socket.get_extra_info("socket"):
        with suppress(OSError):
            connection.setsockopt(IPPROTO_TCP, TCP_QUICKACK, 1)


async def within(work: Coroutine[Any, Any, _T], seconds: float) -> _T | None:
    """What ``work`` returns, None where it takes longer.

    Until Python 3.12 ``asyncio.wait_for`` can swallow a cancellation.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    return task.result() if task.done() else None


async def say_goodbye(socket: WebSocket, code: int = aiohttp.WSCloseCode.GOING_AWAY) -> None:
    """Close a WebSocket, without a long wait for the other side to agree."""
    await within(socket.close(code=code), GOODBYE_SECONDS)
