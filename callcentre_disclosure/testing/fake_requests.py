"""The requests of ARI that an announced call needs, as a fake Asterisk carries them out. Every
other one is refused, and fails the test."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import unquote

from callcentre_disclosure.asterisk.ari.protocol import Request, Response

from .fake_call import UnscriptedCommandError
from .fake_legs import Legs
from .fake_parts import CAUSES, Bridge, Channel, timestamp
from .fake_player import Player
from .fake_switch import Refused, Switch

#: A leg that nobody gave a time rings so long, in seconds.
_RING_SECONDS = 30.0
_LISTS = {"channel", "media"}
_NOT_IN_STASIS = "Channel not in Stasis application"


class Requests:
    """Carries out requests. ``applications`` are those that are known, ``version`` is what this
    Asterisk says that it is."""

    def __init__(
        self,
        switch: Switch,
        player: Player,
        legs: Legs,
        *,
        applications: Collection[str],
        version: str,
    ) -> None:
        self._switch = switch
        self._player = player
        self._legs = legs
        self._applications = applications
        self._version = version
        self._destroyed: set[str] = set()
        self._unnamed = count(1)

    def about(self, request: Request) -> Channel | None:
        """The channel that a request is about, where it names one that there is."""
        kind, *rest = _segments(request)
        name = rest[0] if rest else ""
        if kind == "playbacks" and name in self._switch.playbacks:
            kind, _, name = self._switch.playbacks[name].target.partition(":")
            kind += "s"
        elif kind == "bridges":
            kind, name = "channels", _parameters(request).get("channel", [""])[0]
        elif kind == "endpoints":
            kind, name = "channels", self._reached(str(_parameters(request).get("to", "")))
        return self._switch.channels.get(name) if kind == "channels" else None

    async def carry_out(self, request: Request) -> Response:
        """Raises ``UnscriptedCommandError`` for a request that no announced call needs."""
        try:
            return await self._carry_out(request)
        except Refused as refused:
            return Response(refused.status, refused.body)

    async def _carry_out(self, request: Request) -> Response:
        given = _parameters(request)
        match (request.method, *_segments(request)):
            case ("GET", "asterisk", "info"):
                return Response(200, self._info(given.get("only")))
            case ("GET", "asterisk", "ping"):
                return Response(200, {"ping": "pong", "timestamp": timestamp()})
            case ("GET", "applications", name):
                return Response(200, self._application(name))
            case (_, "channels", *rest):
                return await self._channels(request.method, rest, given)
            case (_, "bridges", *rest):
                return await self._bridges(request.method, rest, given)
            case ("GET" | "DELETE", "playbacks", name):
                playback = self._switch.playbacks.get(name)
                if playback is None:
                    raise Refused(404, "Playback not found")
                if request.method == "GET":
                    return Response(200, playback.described())
                self._player.stop(playback)
                return Response(204)
            case ("PUT", "endpoints", "sendMessage"):
                return self._send_message(str(given.get("to", "")), str(given.get("body", "")))
        raise _unscripted(request.method, request.path)

    def _send_message(self, to: str, text: str) -> Response:
        """A message outside the call, to an address in full."""
        if "/" not in to:
            raise UnscriptedCommandError(f"Asterisk 22 dies of a message to {to}")
        reached = self._switch.channels.get(self._reached(to))
        if reached is None:
            raise Refused(404, "Endpoint not found")
        reached.call.text(text)
        return Response(202)

    def _reached(self, to: str) -> str:
        """The id of the channel that is called from an address (``pjsip:trunk/sip:...``)."""
        for channel in self._switch.channels.values():
            endpoint, uri = map(
                channel.call.value, ("CHANNEL(endpoint)", "CHANNEL(pjsip,target_uri)")
            )
            if to == f"pjsip:{endpoint}/{uri}":
                return channel.id
        return ""

    # -- channels --------------------------------------------------------------------------------

    async def _channels(self, method: str, path: list[str], given: Mapping[str, Any]) -> Response:
        switch = self._switch
        match (method, *path):
            case ("GET",):
                return Response(200, [each.described() for each in switch.channels.values()])
            case ("POST",):
                return self._originate(str(given.get("channelId", "")), given)
            case ("POST", "create"):
                return self._create(given)
            case ("POST", leg_id):
                return self._originate(leg_id, given)
            case ("GET", name):
                return Response(200, self._channel(name).described())
            case ("DELETE", name):
                switch.hang_up(self._channel(name), self._cause(given))
            case ("GET", name, "variable"):
                channel = self._channel(name, "Provided channel")
                return Response(200, {"value": _variable(channel, _named(given))})
            case ("GET", name, "variables") if switch.major >= 22:
                channel, names = self._channel(name), str(given["variables"]).split(",")
                return Response(
                    200, {"variables": {each: _variable(channel, each) for each in names}}
                )
            case ("POST", name, "variables") if switch.major >= 22:
                for variable, value in given["variables"].items():
                    switch.set(self._in_stasis(name), variable, str(value))
            case ("POST", name, "variable"):
                variable, value = _named(given), str(given.get("value", ""))
                switch.set(self._in_stasis(name), variable, value)
            case ("POST", name, "answer"):
                await switch.answer(self._alive(name))
            case ("POST", name, "progress") if _knows_progress(self._version):
                switch.progress(self._alive(name))
            case ("POST", name, "ring"):
                switch.wait_with(self._alive(name), ringing=True)
            case ("DELETE", name, "ring"):
                switch.stop_waiting(self._alive(name), ringing=True)
            case ("POST", name, "moh"):
                switch.wait_with(self._alive(name), music=True)
            case ("DELETE", name, "moh"):
                switch.stop_waiting(self._alive(name), music=True)
            case ("POST", name, "play"):
                return self._play(self._alive(name), str(given.get("playbackId", "")), given)
            case ("POST", name, "play", playback_id):
                return self._play(self._alive(name), playback_id, given)
            case ("POST", name, "dial"):
                leg = self._in_stasis(name)
                self._legs.dial(leg, float(given.get("timeout", 0)) or _RING_SECONDS)
            case ("POST", name, "continue"):
                switch.go_on(self._alive(name), _place(given))
            case (_, _, "progress" | "variables"):
                raise Refused(404, "Resource not found")
            case _:
                raise _unscripted(method, "/".join(["channels", *path]))
        return Response(204)

    def _channel(self, name: str, kind: str = "Channel") -> Channel:
        channel = self._switch.channels.get(name)
        if channel is None:
            raise Refused(404, f"{kind} {'was not found' if ' ' in kind else 'not found'}")
        return channel

    def _in_stasis(self, name: str, status: int = 409) -> Channel:
        channel = self._channel(name)
        if not channel.app:
            raise Refused(status, _NOT_IN_STASIS)
        return channel

    def _alive(self, name: str) -> Channel:
        """One that has been called at least."""
        channel = self._in_stasis(name)
        if channel.state == "Down":
            raise Refused(412, "Channel in invalid state")
        return channel

    def _cause(self, given: Mapping[str, Any]) -> int:
        reason, code = str(given.get("reason", "normal")), str(given.get("reason_code", ""))
        modern = self._switch.major >= 20
        if code and modern:
            if not code.isdecimal():
                raise Refused(400, "Invalid reason for hangup reason code provided")
            return int(code) & 127
        if reason not in CAUSES:
            what = "hangup reason" if modern else "hangup"
            raise Refused(400, f"Invalid reason for {what} provided")
        return CAUSES[reason]

    def _play(
        self, target: Channel | Bridge, playback_id: str, given: Mapping[str, Any]
    ) -> Response:
        name, media = playback_id or self._new("playback"), given.get("media", [""])
        if "" in media:
            raise Refused(500, "Failed to queue media for playback")
        for uri in media:
            if uri.partition(":")[0] not in ("sound", "tone"):
                raise UnscriptedCommandError(f"no announced call plays {uri}")
        playback = self._player.play(target, name, media)
        return Response(201, playback.described())

    def _originate(self, leg_id: str, given: Mapping[str, Any]) -> Response:
        leg, app = self._leg(leg_id, given)
        self._legs.ring(leg, app, float(given.get("timeout", 0)) or _RING_SECONDS)
        return Response(200, leg.described())

    def _create(self, given: Mapping[str, Any]) -> Response:
        leg, app = self._leg(str(given.get("channelId", "")), given)
        described = leg.described()
        if originator := self._switch.channels.get(str(given.get("originator", ""))):
            originator.kept = True
        self._legs.create(leg, app)
        return Response(200, described)

    def _leg(self, leg_id: str, given: Mapping[str, Any]) -> tuple[Channel, str]:
        endpoint, app = str(given.get("endpoint", "")), str(given.get("app", ""))
        if not endpoint:
            raise Refused(400, "Endpoint must be specified")
        if "/" not in endpoint:
            raise Refused(400, "Invalid endpoint specified")
        if not app:
            raise Refused(400, "Application or extension must be specified")
        originator = self._switch.channels.get(str(given.get("originator", "")))
        if given.get("originator") and originator is None:
            raise Refused(400, "Provided originator channel was not found")
        leg_id = leg_id or self._new("channel")
        if leg_id in self._switch.channels:
            raise Refused(409, "Channel with given unique ID already exists")
        leg = self._legs.originate(
            endpoint,
            leg_id,
            app=app,
            arguments=next(csv.reader([str(given.get("appArgs", ""))]), []),
            originator=originator,
            caller=str(given.get("callerId", "")),
            variables=given.get("variables") or {},
        )
        return leg, app

    # -- bridges ---------------------------------------------------------------------------------

    async def _bridges(self, method: str, path: list[str], given: Mapping[str, Any]) -> Response:
        switch = self._switch
        match (method, *path):
            case ("GET",):
                return Response(200, [each.described() for each in switch.bridges.values()])
            case ("POST",):
                return self._new_bridge(str(given.get("bridgeId", "")), given)
            case ("POST", name):
                return self._new_bridge(name, given)
            case ("GET", name):
                return Response(200, self._bridge(name).described())
            case ("DELETE", name):
                if name not in switch.bridges and name in self._destroyed and switch.major < 20:
                    return Response(204)
                switch.destroy(self._bridge(name))
                self._destroyed.add(name)
            case ("POST", name, "addChannel"):
                bridge = self._bridge(name)
                for channel in self._listed(given):
                    await switch.add(bridge, channel)
            case ("POST", name, "removeChannel"):
                bridge = self._bridge(name)
                for channel in self._listed(given):
                    if channel.bridge is not bridge:
                        raise Refused(422, "Channel not in this bridge")
                    await switch.remove(channel)
            case ("POST", name, "play"):
                return self._play(self._bridge(name), str(given.get("playbackId", "")), given)
            case ("POST", name, "play", playback_id):
                return self._play(self._bridge(name), playback_id, given)
            case _:
                raise _unscripted(method, "/".join(["bridges", *path]))
        return Response(204)

    def _bridge(self, name: str) -> Bridge:
        bridge = self._switch.bridges.get(name)
        if bridge is None:
            raise Refused(404, "Bridge not found")
        return bridge

    def _new_bridge(self, name: str, given: Mapping[str, Any]) -> Response:
        kind, *options = str(given.get("type", "")).split(",")
        there = self._switch.bridges.get(name)
        if there and self._switch.major >= 20:
            raise Refused(409, f"Bridge with id '{name}' already exists")
        if there and kind not in ("", there.type):
            raise Refused(500, "Supplying a bridge type when updating a bridge is not allowed.")
        if there:
            return Response(200, there.described())
        if kind not in ("", "mixing", "holding"):
            raise Refused(500, "Unable to create bridge")
        name = name or self._new("bridge")
        bridge = self._switch.bridge(name, kind or "mixing", options, str(given.get("name", "")))
        return Response(200, bridge.described())

    def _listed(self, given: Mapping[str, Any]) -> list[Channel]:
        """The channels of a request: all of them, or none where one is missing."""
        names = given.get("channel", [""])
        if any(name not in self._switch.channels for name in names):
            raise Refused(400, "Channel not found")
        return [self._in_stasis(name, 422) for name in names]

    # -- the rest --------------------------------------------------------------------------------

    def _info(self, only: str | None) -> dict[str, Any]:
        known = {
            "build": {"os": "Linux", "kernel": "fake", "machine": "x86_64", "options": ""},
            "system": {"version": self._version, "entity_id": "02:00:00:00:00:01"},
            "config": {"name": "fake", "default_language": "en"},
            "status": {"startup_time": timestamp(), "last_reload_time": timestamp()},
        }
        return {kind: known[kind] for kind in (only.split(",") if only else known)}

    def _application(self, name: str) -> dict[str, Any]:
        switch = self._switch
        if name not in self._applications:
            raise Refused(404, "Application not found")
        return {
            "name": name,
            "channel_ids": [each.id for each in switch.channels.values() if name in each.apps],
            "bridge_ids": [each.id for each in switch.bridges.values() if name in each.apps],
            "endpoint_ids": [],
            "device_names": [],
            "events_allowed": [],
            "events_disallowed": [],
        }

    def _new(self, kind: str) -> str:
        return f"fake-{kind}-{next(self._unnamed)}"


def as_commands(request: Request, channel: Channel) -> Iterator[str]:
    """What a request would be over AGI, so that a ``Fault`` names both doors' commands alike."""
    given = _parameters(request)
    match (request.method, *_segments(request)[2:]):
        case ("GET",):
            yield "CHANNEL STATUS"
        case ("POST", "answer"):
            yield "ANSWER"
        case ("POST", "progress"):
            yield "EXEC Progress"
        case ("POST", "play", *_):
            if channel.state == "Ring" and not channel.call.listens:
                yield "EXEC Progress"
            yield "STREAM FILE"
        case ("GET", "variable"):
            name = str(given.get("variable", ""))
            asked = name[5:-1] if name.startswith("EVAL(") else f"${{{name}}}"
            yield f"GET FULL VARIABLE {asked}"
        case ("POST", "variable" | "variables"):
            yield "EXEC MSet"
        case ("POST", "continue"):
            if _place(given):
                yield "EXEC ChannelRedirect"
        case ("DELETE",) if request.path.startswith("channels"):
            yield "EXEC Hangup"
        case ("PUT",):
            yield "SEND TEXT"


def _segments(request: Request) -> list[str]:
    return [unquote(segment) for segment in request.path.split("/")]


def _parameters(request: Request) -> dict[str, Any]:
    """ARI takes what it is told from the query as well as from the body. A list is written with
    commas in the one, and as a list in the other."""
    given: dict[str, Any] = dict(request.query)
    for name in _LISTS & given.keys():
        given[name] = given[name].split(",")
    for name, value in (request.body or {}).items():
        given[name] = [value] if name in _LISTS and not isinstance(value, list) else value
    return given


def _named(given: Mapping[str, Any]) -> str:
    if not given.get("variable"):
        raise Refused(400, "Variable name is required")
    return str(given["variable"])


def _variable(channel: Channel, name: str) -> str:
    if name.startswith("EVAL(") and name.endswith(")"):
        return channel.call.evaluate(name[5:-1])
    value = channel.call.value(name)
    if value is None and "(" in name:
        raise Refused(500, "Unable to read provided function")
    if value is None:
        raise Refused(404, "Provided variable was not found")
    return value


def _place(given: Mapping[str, Any]) -> str:
    """Where a call goes on; empty for the line after ``Stasis(...)``."""
    if not given.get("context"):
        return ""
    return f"{given['context']},{given.get('extension', 's')},{given.get('priority', 1)}"


def _knows_progress(version: str) -> bool:
    major, minor = (int(number) for number in version.split(".")[:2])
    return minor >= {20: 16, 21: 11, 22: 6}.get(major, 0 if major > 22 else 1000)


def _unscripted(method: str, path: str) -> UnscriptedCommandError:
    return UnscriptedCommandError(f"no announced call needs {method} {path}")
