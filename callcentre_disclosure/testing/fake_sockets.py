"""The WebSockets of a fake Asterisk: events out, requests in, one after the other.

A program opens one for its application (inbound), or listens for Asterisk's (outbound): then there
is one for as long as that Asterisk runs, or one per call.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from socket import SHUT_RDWR
from typing import Any, Protocol

import aiohttp

from callcentre_disclosure.asterisk.ari.protocol import Request, Response

from .fake_parts import timestamp
from .fake_trouble import Outgoing, Trouble

#: Asterisk closes a WebSocket on which a longer message comes.
MAX_FRAME = 65535
#: How long Asterisk waits before it connects again to who refused it, how often it tries for a
#: call, and when the first event follows such a connection, in seconds.
_RECONNECT_SECONDS = 0.5
_TRIES_FOR_A_CALL = 4
_FIRST_EVENT_SECONDS = 0.5
#: How long such a connection lasts after its call, in seconds (Asterisk's does for 2.5).
_LAST_WORDS_SECONDS = 0.2
_ASTERISK_ID = "02:00:00:00:00:01"
_METHODS = ("GET", "POST", "PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a program waits for Asterisk: ``ws://host:port/ari``; with ``per_call`` it connects
    anew for each call."""

    url: str
    user: str
    password: str
    per_call: bool = False


class WebSocket(Protocol):
    """One that a program has opened, or one that it has accepted."""

    def send_str(self, data: str) -> Awaitable[None]: ...
    def get_extra_info(self, name: str) -> Any: ...
    def __aiter__(self) -> Any: ...


class Sockets:
    """Which application is connected how.

    ``answer`` carries out a request, ``note`` tells the test what happens, ``broken`` is called
    where a trouble breaks a connection. ``takes_requests`` says whether this Asterisk does, over a
    WebSocket. ``active`` are the applications that calls can enter, ``known`` those that once were.
    """

    def __init__(
        self,
        answer: Callable[[Request], Awaitable[Response | None]],
        note: Callable[[str], None],
        trouble: Callable[[], Trouble],
        broken: Callable[[], None],
        *,
        takes_requests: bool,
    ) -> None:
        self.active: set[str] = set()
        self.known: set[str] = set()
        self._answer = answer
        self._note = note
        self._trouble = trouble
        self._broken = broken
        self._takes_requests = takes_requests
        self._outgoing: dict[str, Outgoing] = {}
        self._waiting: dict[str, list[tuple[str, str]]] = {}
        self._aborts: dict[Outgoing, Callable[[], None]] = {}

    def tell(self, app: str, kind: str, told: Mapping[str, Any]) -> bool:
        """Send an event to an application; False where nobody hears of it."""
        message = _message(app, kind, told)
        if app in self._outgoing:
            self._outgoing[app].event(*message)
        elif app in self._waiting:
            self._waiting[app].append(message)
        else:
            return False
        return True

    def abort(self) -> None:
        """Break every connection. Applications that Asterisk connects to stay active."""
        self._outgoing.clear()
        self.active.intersection_update(self._waiting)
        for abort in self._aborts.values():
            abort()

    def forget(self) -> None:
        """The Asterisk that knew the applications is gone."""
        self.known.clear()
        for waiting in self._waiting.values():
            waiting.clear()

    async def serve(
        self, socket: WebSocket, apps: Sequence[str], abort: Callable[[], None]
    ) -> None:
        """Send events and carry out requests until the connection ends."""
        outgoing = Outgoing(self._trouble, socket.send_str, self._broken)
        self._aborts[outgoing] = abort
        for app in apps:
            self._register(app, outgoing)
        self._note(f"!! {','.join(apps)} is connected")
        writing = asyncio.get_running_loop().create_task(outgoing.run())
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT and self._takes_requests:
                    await self._heed(message.data, apps[0], outgoing)
        finally:
            writing.cancel()
            del self._aborts[outgoing]
            for app in apps:
                self._unregister(app, outgoing)

    def _register(self, app: str, outgoing: Outgoing) -> None:
        if before := self._outgoing.get(app):
            before.event(*_message(app, "ApplicationReplaced", {}))
            self._waiting.pop(app, None)
        elif app in self._waiting:
            for message in self._waiting[app]:
                outgoing.event(*message)
            self._waiting[app].clear()
            outgoing.event(*_message(app, "ApplicationRegistered", {}))
        self._outgoing[app] = outgoing
        self.active.add(app)
        self.known.add(app)

    def _unregister(self, app: str, outgoing: Outgoing) -> None:
        if self._outgoing.get(app) is outgoing:
            del self._outgoing[app]
            if app not in self._waiting:
                self.active.discard(app)

    async def _heed(self, text: str, app: str, outgoing: Outgoing) -> None:
        try:
            asked = json.loads(text)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            asked, answer = {}, Response(400)
        elif problem := _problem_of(asked):
            answer = Response(400, {"message": problem})
        elif (answered := await self._answer(_read(asked))) is not None:
            answer = answered
        else:
            return
        outgoing.answer(json.dumps(_rest_response(asked, app, answer)))

    # -- outbound --------------------------------------------------------------------------------

    async def stay_connected(self, listener: Listener, app: str) -> None:
        """Connect to a program, and at once again where a connection has ended that it accepted.

        What happens meanwhile it is told afterwards.
        """
        self._waiting[app] = []
        self.active.add(app)
        async with _session(listener) as session:
            while True:
                if not await self._connect(session, listener, app):
                    await asyncio.sleep(_RECONNECT_SECONDS)

    async def _connect(
        self,
        session: aiohttp.ClientSession,
        listener: Listener,
        app: str,
        opened: Callable[[], None] = lambda: None,
    ) -> bool:
        """One connection, to its end; False where it was refused."""
        try:
            socket = await session.ws_connect(
                listener.url, protocols=("ari",), max_msg_size=MAX_FRAME
            )
        except (aiohttp.ClientError, OSError) as refusal:
            self._note(f"!! not connected: {refusal}")
            return False
        async with socket:
            opened()
            await self.serve(socket, [app], partial(_shut, socket))
        return True

    async def for_a_call(
        self, listener: Listener, app: str, call: Callable[[], Awaitable[None]]
    ) -> None:
        """Connect to a program for one call, and let go of it at its end. Where it refuses,
        ``app`` is not active in the call."""
        opened = asyncio.Event()
        self._waiting[app] = []
        async with _session(listener) as session:
            for _ in range(_TRIES_FOR_A_CALL):
                connection = asyncio.ensure_future(
                    self._connect(session, listener, app, opened.set)
                )
                waiting = asyncio.ensure_future(opened.wait())
                await asyncio.wait((connection, waiting), return_when=asyncio.FIRST_COMPLETED)
                if opened.is_set():
                    await asyncio.sleep(_FIRST_EVENT_SECONDS)
                    break
                waiting.cancel()
                await asyncio.sleep(_RECONNECT_SECONDS)
            await call()
            await asyncio.sleep(_LAST_WORDS_SECONDS)
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)
        del self._waiting[app]
        self.active.discard(app)


def _session(listener: Listener) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers=authorization(listener.user, listener.password))


def authorization(user: str, password: str) -> dict[str, str]:
    """The header of somebody who logs in."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _shut(socket: WebSocket) -> None:
    with suppress(OSError):
        socket.get_extra_info("socket").shutdown(SHUT_RDWR)


def _message(app: str, kind: str, told: Mapping[str, Any]) -> tuple[str, str]:
    own = {"asterisk_id": _ASTERISK_ID, "application": app}
    return kind, json.dumps({"type": kind, "timestamp": timestamp(), **told, **own})


def _problem_of(asked: Mapping[str, Any]) -> str:
    """What is wrong with a request over the WebSocket."""
    if "type" not in asked:
        return "No 'type' property."
    if asked["type"] != "RESTRequest":
        return "Unknown request type."
    if asked.get("method") not in _METHODS:
        return "Unknown or missing 'method' property."
    if "message_body" in asked and "content_type" not in asked:
        return "No 'content_type' for 'message_body'."
    return ""


def _read(asked: Mapping[str, Any]) -> Request:
    """A request; what is no text in ``message_body`` is passed over."""
    path, _, query = str(asked.get("uri", "")).partition("?")
    pairs = dict(part.partition("=")[::2] for part in query.split("&") if part)
    pairs |= {str(each["name"]): str(each["value"]) for each in asked.get("query_strings", ())}
    body = asked.get("message_body")
    return Request(
        asked["method"], path, pairs, json.loads(body) if isinstance(body, str) else None
    )


def _rest_response(asked: Mapping[str, Any], app: str, answer: Response) -> dict[str, Any]:
    content = (
        {}
        if answer.body is None
        else {"content_type": "application/json", "message_body": json.dumps(answer.body)}
    )
    return {
        "type": "RESTResponse",
        "transaction_id": asked.get("transaction_id", ""),
        "request_id": asked.get("request_id", ""),
        "status_code": answer.status,
        "reason_phrase": "OK" if answer.ok else "Not OK",
        "uri": str(asked.get("uri", "")).partition("?")[0],
        **content,
        "application": app,
        "timestamp": timestamp(),
        "asterisk_id": _ASTERISK_ID,
    }
