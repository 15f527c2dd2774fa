"""Requests, responses and events of the Asterisk REST Interface, without any I/O.

Theory of operation
===================

Asterisk sends the events of an application over a WebSocket, one JSON object a message. Requests
go over HTTP, or (since 20.14, 21.9 and 22.4) over the same WebSocket as ``RESTRequest`` messages,
which are answered by ``RESTResponse`` messages with the same ``request_id``. Whatever a caller of
this module says is a ``Request`` and what comes back is a ``Response``, whichever way it
went.

A caller may hang up at any moment, so 404 (no such channel any more), 409 (it is no longer in the
application) and 412 (it is in no state for that) are answers like any other: ``Response.gone``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

from callcentre_disclosure.errors import RemoteProtocolError

#: The first versions of each branch that take requests over the WebSocket.
_REST_OVER_WEBSOCKET = {20: 14, 21: 9, 22: 4}

_VERSION = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?")

_NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``path`` is what follows ``/ari/``, with what is strange in it quoted."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request; ``body`` is its JSON, None where there is none."""

    status: int
    body: Any = None

    @property
    def ok(self) -> bool:
        """Whether it was carried out."""
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether it came too late: what it was about has gone, or has left the application."""
        return self.status in (404, 409, 412)


@dataclass(frozen=True, slots=True)
class Event:
    """What has happened; ``body`` is the whole message, ``received_at`` when it was read, in
    seconds of the event loop's clock."""

    type: str
    body: Mapping[str, Any]
    received_at: float = field(default=0.0, compare=False)

    @property
    def channel(self) -> Mapping[str, Any]:
        """The channel that it happened to; an empty one where it happened to none."""
        return part(self.body, "channel")

    @property
    def channel_id(self) -> str:
        """The id of that channel."""
        return str(self.channel.get("id", ""))

    @property
    def subjects(self) -> frozenset[str]:
        """The ids of the channels, bridges and playbacks that it is about."""
        about = {str(one["id"]) for one in self.body.values() if _has_id(one)}
        target = str(part(self.body, "playback").get("target_uri", ""))
        return frozenset((*about, target.partition(":")[2]) if target else about)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that came over the WebSocket, to the request of that id."""

    request_id: str
    response: Response


Message: TypeAlias = "Event | Reply"


def part(body: object, name: str) -> Mapping[str, Any]:
    """The object of that name in another one; an empty one where there is none."""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, dict) else _NOBODY


def path(*segments: str) -> str:
    """A path of segments, whatever they hold: ``path("channels", id, "answer")``."""
    return "/".join(quote(segment, safe="", errors="replace") for segment in segments)


def encode(request: Request, request_id: str) -> str:
    """A request as a message of the WebSocket."""
    message: dict[str, Any] = {
        "type": "RESTRequest",
        "transaction_id": request_id,
        "request_id": request_id,
        "method": request.method,
        "uri": request.path,
    }
    if request.query:
        message["query_strings"] = [
            {"name": name, "value": value} for name, value in request.query.items()
        ]
    if request.body is not None:
        message["content_type"] = "application/json"
        message["message_body"] = json.dumps(request.body)
    return json.dumps(message)


def decode(text: str | bytes, received_at: float = 0.0) -> Message:
    """A message of the WebSocket. Raises ``RemoteProtocolError`` for what is none of ARI's."""
    body = _json(text)
    if not isinstance(body, dict) or not isinstance(body.get("type"), str):
        raise RemoteProtocolError(f"not an ARI message: {len(text)} characters")
    if body["type"] != "RESTResponse":
        return Event(body["type"], body, received_at)
    status, said = body.get("status_code"), body.get("message_body") or ""
    if not isinstance(status, int) or not isinstance(said, str):
        raise RemoteProtocolError("an ARI response without a status, or with a strange body")
    return Reply(str(body.get("request_id", "")), response(status, said))


def response(status: int, text: str | bytes) -> Response:
    """A response by its status and its text. A text that is no JSON counts as none."""
    try:
        return Response(status, _json(text) if text else None)
    except RemoteProtocolError:
        return Response(status)


def takes_requests(version: str) -> bool:
    """Whether an Asterisk of this version (``22.10.1``, ``certified/20.7-cert2``) takes requests
    over its WebSocket."""
    numbers = version.partition("/")[2] or version
    told = _VERSION.match(numbers)
    if told is None or "cert" in numbers:
        return False
    major, minor = int(told[1]), int(told[2] or 0)
    since = _REST_OVER_WEBSOCKET.get(major)
    return major > max(_REST_OVER_WEBSOCKET) or (since is not None and minor >= since)


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise RemoteProtocolError(f"not an ARI message: {len(text)} characters") from problem


def _has_id(one: object) -> bool:
    return isinstance(one, dict) and "id" in one
