"""The fake Asterisk says what the real ones said: one program asks both for the same, and what they
answer and tell is compared.

What Asterisk 16.28 and 22.10 said is in tests/data/ari/*/scripts.json; ``RECORD_ARI=1 pytest
tests/integration/test_fake_ari.py`` records it anew.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import aiohttp
import pytest

from callcentre_disclosure.asterisk.ari.protocol import Event as Told
from callcentre_disclosure.asterisk.ari.protocol import Request, Response, decode, encode
from callcentre_disclosure.disclosure.announcement import Announcement, Prompt, Sound
from callcentre_disclosure.testing import FakeChannel
from callcentre_disclosure.testing.fake_ari import FakeAgent, FakeAsterisk
from callcentre_disclosure.testing.fake_sockets import authorization

APPLICATION = "rehearsal"
AGENT = "PJSIP/amina"
#: How long the sound lasts, in seconds, and everything else that somebody waits for.
SECONDS = 0.6
RECORDED = Path(__file__).parents[2] / "data" / "ari"
VERSIONS = {"16": "16.28.0", "22": "22.10.1"}
#: Events that depend on the weather, or that no announcement needs.
_PASSED_OVER = {"BridgeDestroyed", "ChannelConnectedLine", "ChannelDialplan", "ChannelCallerId"}
_CALLED = (
    "Dial ",
    "ChannelStateChange Ringing",
    "Dial RINGING",
    "ChannelStateChange Up",
    "Dial ANSWER",
    *(f"ChannelHangupRequest {cause}" for cause in (17, 19, 21)),
)
_OWN_VARIABLES = ("OURS", "__OURS", "STASISSTATUS")


class Stage(Protocol):
    """An Asterisk with a caller and an agent, real or not."""

    url: str
    user: str
    password: str
    sound: str
    empty: str

    def call(self) -> None: ...
    def leave(self) -> None: ...
    def press(self, key: str) -> None: ...
    def agent(self, *, answers_after: float | None = 0.1, rejects: int = 0) -> None: ...
    def agent_leaves(self) -> None: ...


class Program:
    """Asks for one thing after the other, and notes what comes of it."""

    def __init__(self, stage: Stage, session: aiohttp.ClientSession, name: str) -> None:
        self.stage = stage
        self.name = name
        self.caller = ""
        self.answers: list[str] = []
        self.events: list[Told] = []
        self.reading: asyncio.Task[None] | None = None
        self._session = session
        self._changed = asyncio.Condition()
        self._replies: dict[str, asyncio.Future[Response]] = {}

    async def read(self, socket: Any) -> None:
        self._socket = socket
        async for message in socket:
            told = decode(message.data)
            if isinstance(told, Told):
                async with self._changed:
                    self.events.append(told)
                    self._changed.notify_all()
            else:
                self._replies[told.request_id].set_result(told.response)

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        noted: bool = True,
    ) -> Response:
        """A request over HTTP; ``{}`` in its path and its query is the caller's channel."""
        meant = {name: value.replace("{}", self.caller) for name, value in (query or {}).items()}
        url = f"{self.stage.url}/ari/{path.replace('{}', self.caller)}"
        async with self._session.request(method, url, params=meant, json=body) as answer:
            text = await answer.text()
        response = Response(answer.status, json.loads(text) if text else None)
        if noted:
            self._noted(f"{method} {path} {query or ''}", response)
        return response

    async def ask_by_socket(self, method: str, path: str) -> Response:
        """The same over the WebSocket."""
        number = str(len(self._replies))
        self._replies[number] = asyncio.get_running_loop().create_future()
        request = Request(method, path.replace("{}", self.caller))
        await self._socket.send_str(encode(request, number))
        response = await asyncio.wait_for(self._replies[number], 10)
        self._noted(f"{method} {path} by WebSocket", response)
        return response

    def _noted(self, request: str, response: Response) -> None:
        said = response.body if isinstance(response.body, dict) else {}
        why = said.get("message") or said.get("error") or said.get("value") or ""
        line = f"{request.strip()}: {response.status} {why}".strip()
        for path, name in ((self.stage.sound, "SOUND"), (self.stage.empty, "EMPTY")):
            line = line.replace(path, name)
        self.answers.append(line)

    async def until(self, kind: str, about: str = "{}", *, times: int = 1) -> Told:
        """The event of that type, or the n-th, about that channel, playback or bridge."""
        wanted = about.replace("{}", self.caller)

        def seen() -> list[Told]:
            return [e for e in self.events if e.type == kind and wanted in e.subjects | {""}]

        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: len(seen()) >= times), 10)
        return seen()[times - 1]

    async def call(self, *, answered: bool = True) -> None:
        """Somebody calls."""
        before = len(self.events)
        await asyncio.to_thread(self.stage.call)
        async with self._changed:
            await asyncio.wait_for(
                self._changed.wait_for(
                    lambda: any(e.type == "StasisStart" for e in self.events[before:])
                ),
                10,
            )
        (start,) = (e for e in self.events[before:] if e.type == "StasisStart")
        self.caller = start.channel_id
        if answered:
            await self.ask("POST", "channels/{}/answer")

    async def leave(self) -> None:
        """The caller hangs up."""
        await asyncio.to_thread(self.stage.leave)
        await self.until("StasisEnd")

    async def play(self, name: str, sound: str = "SOUND", to: str = "channels/{}") -> Response:
        """Play a sound."""
        media = {"SOUND": self.stage.sound, "EMPTY": self.stage.empty}.get(sound, sound)
        return await self.ask("POST", f"{to}/play/{self.id(name)}", {"media": f"sound:{media}"})

    async def ring(self, leg: str, **query: str) -> Response:
        """Call the agent."""
        asked = {"endpoint": AGENT, "app": APPLICATION, "originator": "{}", "timeout": "5"}
        return await self.ask("POST", f"channels/{self.id(leg)}", {**asked, **query})

    def id(self, name: str) -> str:
        """What nobody else is called, in whatever was asked before."""
        return f"{self.name}-{name}"


Script: TypeAlias = Callable[[Program], Awaitable[None]]
SCRIPTS: dict[str, Script] = {}


def script(play: Script) -> Script:
    SCRIPTS[play.__name__] = play
    return play


@script
async def whole(p: Program) -> None:
    await p.call()
    await p.play("1")
    await p.until("PlaybackFinished", p.id("1"))
    await p.ask("GET", "channels/{}")
    await p.ask("POST", "channels/{}/answer")
    await p.ask("GET", f"playbacks/{p.id('1')}")
    await p.ask("DELETE", f"playbacks/{p.id('1')}")
    await p.ask("DELETE", "channels/{}")
    await p.until("StasisEnd")


@script
async def early(p: Program) -> None:
    await p.call(answered=False)
    await p.play("1")
    await p.until("PlaybackFinished", p.id("1"))
    await p.ask("GET", "channels/{}/variable", {"variable": "CHANNEL(state)"})
    await p.ask("POST", "channels/{}/answer")
    await p.ask("GET", "channels/{}/variable", {"variable": "CHANNEL(state)"})
    await p.ask("DELETE", "channels/{}", {"reason": "rejected"})
    await p.until("StasisEnd")


@script
async def nothing_to_play(p: Program) -> None:
    await p.call()
    await p.play("missing", "/nowhere/missing")
    await p.until("PlaybackFinished", p.id("missing"))
    await p.play("empty", "EMPTY")
    await p.until("PlaybackFinished", p.id("empty"))
    media = f"sound:{p.stage.sound},sound:/nowhere/missing"
    await p.ask("POST", f"channels/{{}}/play/{p.id('last')}", {"media": media})
    await p.until("PlaybackFinished", p.id("last"))
    media = f"sound:/nowhere/missing,sound:{p.stage.sound}"
    await p.ask("POST", f"channels/{{}}/play/{p.id('first')}", {"media": media})
    await p.until("PlaybackFinished", p.id("first"))
    await p.ask("POST", f"channels/{{}}/play/{p.id('none')}", {"media": ""})
    await p.ask("POST", f"channels/{{}}/play/{p.id('none')}")
    await p.leave()


@script
async def caller_leaves(p: Program) -> None:
    await p.call()
    for name in "1234":
        await p.play(name)
    await p.until("PlaybackStarted", p.id("1"))
    await p.ask("DELETE", f"playbacks/{p.id('3')}")
    await p.leave()
    await gone(p)


@script
async def caller_leaves_unanswered(p: Program) -> None:
    await p.call(answered=False)
    await p.play("1")
    await p.until("PlaybackStarted", p.id("1"))
    await p.leave()
    await gone(p)


async def gone(p: Program) -> None:
    """What is answered to who comes too late, as soon as nothing is left of the channel."""
    while (await p.ask("GET", "channels/{}", noted=False)).ok:
        pass
    await p.ask("GET", f"playbacks/{p.id('1')}")
    await p.ask("GET", "channels/{}")
    await p.ask("GET", "channels/{}/variable", {"variable": "CHANNEL(state)"})
    await p.ask("POST", "channels/{}/variable", {"variable": "OURS", "value": "1"})
    await p.ask("POST", "channels/{}/answer")
    await p.play("late")
    await p.ask("POST", "channels/{}/ring")
    await p.ask("POST", "channels/{}/continue")
    await p.ask("DELETE", "channels/{}")
    await p.ring("late")
    await p.ask("POST", f"bridges/{p.id('b')}", {"type": "mixing"})
    await p.ask("POST", f"bridges/{p.id('b')}/addChannel", {"channel": "{}"})
    await p.ask("DELETE", f"bridges/{p.id('b')}")


@script
async def stopped(p: Program) -> None:
    await p.call()
    for name in "123":
        await p.play(name)
    await p.until("PlaybackStarted", p.id("1"))
    await p.ask("DELETE", f"playbacks/{p.id('2')}")
    await p.ask("DELETE", f"playbacks/{p.id('1')}")
    await p.until("PlaybackFinished", p.id("3"))
    await p.ask("POST", f"channels/{{}}/play/{p.id('tone')}", {"media": "tone:440/150|0/200"})
    await p.until("PlaybackStarted", p.id("tone"))
    await p.ask("DELETE", f"playbacks/{p.id('tone')}")
    await p.until("PlaybackFinished", p.id("tone"))
    await p.leave()


@script
async def a_key(p: Program) -> None:
    await p.call()
    await p.play("1")
    await p.until("PlaybackStarted", p.id("1"))
    await asyncio.to_thread(p.stage.press, "5")
    await p.until("ChannelDtmfReceived")
    await p.until("PlaybackFinished", p.id("1"))
    await p.leave()


@script
async def goes_on(p: Program) -> None:
    await p.call()
    await p.play("1")
    await p.until("PlaybackStarted", p.id("1"))
    await p.ask("POST", "channels/{}/continue")
    await p.until("StasisEnd")
    await p.ask("GET", "channels/{}")
    await p.ask("POST", "channels/{}/answer")
    await p.play("2")
    await p.ask("POST", "channels/{}/continue")
    await p.ask("POST", "channels/{}/variable", {"variable": "OURS", "value": "1"})
    await p.ask("GET", "channels/{}/variable", {"variable": "CHANNEL(state)"})
    await p.ask("POST", f"bridges/{p.id('b')}", {"type": "mixing"})
    await p.ask("POST", f"bridges/{p.id('b')}/addChannel", {"channel": "{}"})
    await p.ask("DELETE", f"bridges/{p.id('b')}")
    response = await p.ask("GET", "channels/{}")
    p.answers.append(f"still in Stasis: {response.body['dialplan']['app_name'] == 'Stasis'}")
    await p.ask("DELETE", "channels/{}")


@script
async def goes_elsewhere(p: Program) -> None:
    await p.call(answered=False)
    where = {"context": "elsewhere", "extension": "there", "priority": "1"}
    await p.ask("POST", "channels/{}/continue", where)
    await p.until("StasisEnd")
    await p.ask("DELETE", "channels/{}")


@script
async def reasons(p: Program) -> None:
    await p.call()
    await p.ask("DELETE", "channels/{}", {"reason": "nonsense"})
    await p.ask("DELETE", "channels/{}", {"reason": "congestion"})
    await p.until("StasisEnd")


@script
async def variables(p: Program) -> None:
    await p.call()
    for name in (
        "CHANNEL(state)",
        "NOBODY_SET_IT",
        "NO_FUNCTION(1)",
        "PJSIP_HEADER(read,X-Nothing)",
        "DIALPLAN_EXISTS(elsewhere,there,1)",
        "DIALPLAN_EXISTS(elsewhere,nowhere,1)",
        "CALLERID(num)",
        "CALLERID(DNID)",
        "CALLERID(dnid)",
        "CHANNEL(endpoint)",
        "CHANNEL(checkhangup)",
        "EVAL(${CHANNEL(state)}|${NOBODY_SET_IT}|${DIALPLAN_EXISTS(elsewhere,there,1)})",
        "EVAL(${SHARED(DISCLOSURE_AGENT)}|${QUEUENAME})",
    ):
        await p.ask("GET", "channels/{}/variable", {"variable": name})
    await p.ask("GET", "channels/{}/variable")
    await p.ask("POST", "channels/{}/variable")
    await p.ask("POST", "channels/{}/variable", body={"variable": "__OURS", "value": "é ${X}"})
    await p.until("ChannelVarset")
    await p.ask("GET", "channels/{}/variable", {"variable": "OURS"})
    await p.ask("GET", "channels/{}/variable", {"variable": "__OURS"})
    await p.ask("POST", "channels/{}/variable", {"variable": "CHANNEL(language)", "value": "fr"})
    await p.ask("GET", "channels/{}/variables", {"variables": "CHANNEL(state)"})
    await p.leave()


@script
async def agent_answers(p: Program) -> None:
    p.stage.agent(answers_after=0.2)
    await p.call()
    await p.ring("leg", appArgs='leg,a b,"c,d"')
    await p.until("StasisStart", p.id("leg"))
    await p.play("1", to=f"channels/{p.id('leg')}")
    await p.until("PlaybackStarted", p.id("1"))
    await asyncio.to_thread(p.stage.agent_leaves)
    await p.until("ChannelDestroyed", p.id("leg"))
    await p.leave()


@script
async def agent_is_hung_up_on(p: Program) -> None:
    p.stage.agent(answers_after=0.0)
    await p.call()
    await p.ring("leg")
    await p.until("StasisStart", p.id("leg"))
    await p.ask("DELETE", f"channels/{p.id('leg')}", {"reason": "answered_elsewhere"})
    await p.until("ChannelDestroyed", p.id("leg"))
    await p.leave()


@script
async def agent_refuses(p: Program) -> None:
    await p.call()
    for status in (486, 603, 480):
        p.stage.agent(rejects=status)
        await p.ring(f"{status}")
        await p.until("ChannelDestroyed", p.id(f"{status}"))
    await p.leave()


@script
async def agent_does_not_answer(p: Program) -> None:
    p.stage.agent(answers_after=None)
    await p.call()
    await p.ring("leg", timeout="1")
    await p.until("ChannelDestroyed", p.id("leg"))
    await p.leave()


@script
async def agent_is_called_off(p: Program) -> None:
    p.stage.agent(answers_after=None)
    await p.call()
    await p.ring("leg")
    await p.until("ChannelStateChange", p.id("leg"))
    await p.play("1", to=f"channels/{p.id('leg')}")
    await p.ask("POST", f"channels/{p.id('leg')}/answer")
    await p.ask("POST", f"channels/{p.id('leg')}/variable", {"variable": "OURS", "value": "1"})
    await p.ask("POST", f"bridges/{p.id('b')}", {"type": "mixing"})
    await p.ask("POST", f"bridges/{p.id('b')}/addChannel", {"channel": p.id("leg")})
    await p.ask("DELETE", f"bridges/{p.id('b')}")
    await p.ring("leg")
    await p.ask("DELETE", f"channels/{p.id('leg')}", {"reason": "answered_elsewhere"})
    await p.until("ChannelDestroyed", p.id("leg"))
    await p.leave()


@script
async def agent_cannot_be_called(p: Program) -> None:
    await p.call()
    await p.ring("1", endpoint="PJSIP/nobody")
    await p.ring("2", endpoint="NOTECH/1")
    await p.ring("3", endpoint="PJSIP")
    await p.ring("4", endpoint="")
    await p.ring("5", app="")
    await p.ring("6", originator="nobody")
    await p.leave()


@script
async def agent_is_created_and_dialled(p: Program) -> None:
    p.stage.agent(answers_after=0.2)
    await p.call()
    leg = {"endpoint": AGENT, "app": APPLICATION, "channelId": p.id("leg"), "originator": "{}"}
    await p.ask("POST", "channels/create", leg)
    await p.until("StasisStart", p.id("leg"))
    for what in ("play/1", "answer", "ring", "moh", "continue"):
        await p.ask("POST", f"channels/{p.id('leg')}/{what}", {"media": "sound:beep"})
    await p.ask("POST", f"channels/{p.id('leg')}/variable", {"variable": "OURS", "value": "1"})
    await p.ask("POST", f"channels/{p.id('leg')}/dial", {"timeout": "5"})
    await p.until("ChannelStateChange", p.id("leg"), times=2)
    await p.ask("DELETE", f"channels/{p.id('leg')}")
    await p.until("ChannelDestroyed", p.id("leg"))
    p.stage.agent(rejects=486)
    await p.ask("POST", "channels/create", {**leg, "channelId": p.id("busy")})
    await p.until("StasisStart", p.id("busy"))
    await p.ask("POST", f"channels/{p.id('busy')}/dial", {"timeout": "5"})
    await p.until("ChannelDestroyed", p.id("busy"))
    await p.leave()
    await p.until("ChannelDestroyed")


@script
async def connected(p: Program) -> None:
    p.stage.agent(answers_after=0.1)
    bridge, leg = f"bridges/{p.id('b')}", p.id("leg")
    await p.call()
    await p.ring("leg")
    await p.until("StasisStart", leg)
    await p.ask("POST", bridge, {"type": "mixing"})
    await p.ask("POST", bridge, {"type": "holding"})
    await p.ask("POST", bridge)
    await p.ask("POST", f"bridges/{p.id('c')}", {"type": "nonsense"})
    await p.ask("POST", f"{bridge}/addChannel", {"channel": "nobody"})
    await p.ask("POST", f"bridges/{p.id('c')}/addChannel", {"channel": leg})
    await p.ask("POST", f"{bridge}/removeChannel", {"channel": leg})
    await p.ask("POST", f"{bridge}/addChannel", {"channel": f"{leg},nobody"})
    await p.ask("POST", f"{bridge}/addChannel", {"channel": leg})
    await p.ask("POST", f"{bridge}/addChannel", {"channel": "{}"})
    await p.play("1")
    await p.until("PlaybackFinished", p.id("1"))
    await p.ask("POST", f"{bridge}/removeChannel", {"channel": "{}"})
    await p.ask("POST", f"{bridge}/addChannel", {"channel": "{}"})
    await asyncio.to_thread(p.stage.agent_leaves)
    await p.until("ChannelDestroyed", leg)
    await p.ask("GET", "channels/{}")
    await p.ask("DELETE", "channels/{}")
    await p.until("StasisEnd")
    await p.ask("DELETE", bridge)


@script
async def caller_leaves_the_agent(p: Program) -> None:
    p.stage.agent(answers_after=0.1)
    bridge, leg = f"bridges/{p.id('b')}", p.id("leg")
    await p.call(answered=False)
    await p.ring("leg")
    await p.until("StasisStart", leg)
    await p.ask("POST", bridge, {"type": "mixing"})
    await p.ask("POST", f"{bridge}/addChannel", {"channel": f"{{}},{leg}"})
    await p.ask("POST", "channels/{}/answer")
    await p.play("1", to=bridge)
    await p.until("PlaybackFinished", p.id("1"))
    await p.leave()
    await p.ask("DELETE", bridge)
    await p.until("ChannelLeftBridge", leg)
    await p.ask("DELETE", f"channels/{leg}")
    await p.until("ChannelDestroyed", leg)


@script
async def one_after_the_other(p: Program) -> None:
    """What a channel is asked for while it plays waits until the sound is over."""
    await p.call(answered=False)
    await p.ask("POST", "channels/{}/ring")
    await p.ask("DELETE", "channels/{}/ring")
    await p.ask("POST", "channels/{}/moh")
    await p.play("1")
    await p.until("PlaybackStarted", p.id("1"))
    await after_the_sound(p, p.ask("POST", "channels/{}/answer"))
    await p.ask("DELETE", "channels/{}/moh")
    await p.play("2")
    await p.until("PlaybackStarted", p.id("2"))
    await p.ask("POST", f"bridges/{p.id('b')}", {"type": "mixing"})
    add = p.ask("POST", f"bridges/{p.id('b')}/addChannel", {"channel": "{}"})
    await after_the_sound(p, add)
    await p.ask("DELETE", f"bridges/{p.id('b')}")
    await p.leave()


@script
async def too_late_to_answer(p: Program) -> None:
    """What waits for the end of a sound in which the caller leaves."""
    await p.call(answered=False)
    await p.play("1")
    await p.until("PlaybackStarted", p.id("1"))
    answer = await under_way(p, p.ask("POST", "channels/{}/answer"))
    await p.ask("POST", "channels/{}/ring")
    await p.leave()
    await answer


async def under_way(p: Program, asked: Coroutine[Any, Any, Response]) -> asyncio.Task[Response]:
    """A request that takes its time, when it has certainly arrived."""
    task = asyncio.create_task(asked)
    for _ in range(5):
        await p.ask("GET", "channels/{}", noted=False)
    return task


async def after_the_sound(p: Program, asked: Awaitable[Response]) -> None:
    """Note whether it takes about as long as the sound that has just begun."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    await asked
    p.answers.append(f"after the sound: {clock() - begun > SECONDS / 2}")


@script
async def by_websocket(p: Program) -> None:
    """Strictly one after the other."""
    version = await p.ask("GET", "asterisk/info", {"only": "system"})
    if version.body["system"]["version"].startswith("16."):
        return
    await p.call(answered=False)
    await p.ask_by_socket("GET", "channels/nobody")
    await p.ask_by_socket("BREW", "channels/{}")
    await p.ask_by_socket("POST", f"channels/{{}}/play/{p.id('1')}?media=sound:{p.stage.sound}")
    await p.until("PlaybackStarted", p.id("1"))
    await asyncio.gather(
        p.ask_by_socket("POST", "channels/{}/answer"),
        p.ask_by_socket("DELETE", f"playbacks/{p.id('1')}"),
        p.ask_by_socket("GET", "channels/{}/variable?variable=CHANNEL(state)"),
    )
    await p.ask_by_socket("DELETE", "channels/{}?reason=rejected")
    await p.until("StasisEnd")


@asynccontextmanager
async def program(stage: Stage, name: str) -> AsyncIterator[Program]:
    """The program, connected."""
    login = authorization(stage.user, stage.password)
    async with aiohttp.ClientSession(headers=login) as session:
        url = f"{stage.url}/ari/events?app={APPLICATION}"
        async with session.ws_connect(url) as socket:
            playing = Program(stage, session, name)
            playing.reading = asyncio.create_task(playing.read(socket))
            yield playing
            await socket.close()
            await playing.reading


async def rehearse(stage: Stage, name: str) -> dict[str, list[str]]:
    """Play one script; returns what was answered, and what was told of each channel."""
    async with program(stage, name) as playing:
        await asyncio.wait_for(SCRIPTS[name](playing), 60)
    told: dict[str, list[str]] = {"answers": playing.answers}
    for event in playing.events:
        if shown := _shown(event):
            told.setdefault(_subject(event).replace(playing.caller or "-", "caller"), []).append(
                shown
            )
    for events in told.values():
        _in_order(events)
    return told


def _subject(event: Told) -> str:
    """The channel or bridge that an event is about."""
    body = event.body
    target = body.get("playback", {}).get("target_uri", "").partition(":")[2]
    other = body.get("peer") or body.get("bridge") or {}
    return event.channel_id or target or str(other.get("id", "Asterisk"))


def _shown(event: Told) -> str:
    """What matters of an event."""
    body, kind = event.body, event.type
    match kind:
        case "ChannelVarset" if body["variable"] not in _OWN_VARIABLES:
            return ""
        case "ChannelVarset":
            return f"{kind} {body['variable']}={body['value']}"
        case "StasisStart":
            return f"{kind} {body['args']} {event.channel['state']}"
        case "PlaybackStarted" | "PlaybackContinuing" | "PlaybackFinished":
            return f"{kind} {body['playback']['id']} {body['playback']['state']}"
        case "Dial":
            return f"{kind} {body['dialstatus']}"
        case "ChannelHangupRequest":
            # Whether a telephone that hangs up has said why already, is a matter of luck.
            refused = not body.get("soft") and body.get("cause") not in (None, 16)
            soft = "soft " if body.get("soft") else ""
            return f"{kind} {soft}{body['cause'] if refused else ''}".strip()
        case "ChannelDestroyed":
            ended = body["cause"] if body["cause"] or event.channel["state"] != "Up" else 16
            return f"{kind} {ended} {body.get('tech_cause', '')}".strip()
        case "ChannelEnteredBridge" | "ChannelLeftBridge":
            return f"{kind} {body['bridge']['id']} {len(body['bridge']['channels'])}"
        case "ChannelDtmfReceived":
            return f"{kind} {body['digit']}"
        case "ChannelStateChange" | "StasisEnd":
            return f"{kind} {event.channel['state']}"
    return "" if kind in _PASSED_OVER else kind


def _in_order(events: list[str]) -> None:
    """Which of those is told first that tell the same, of a telephone that rings, is a matter of
    luck."""
    number = 0
    while number < len(events):
        together = number
        while together < len(events) and events[together] in _CALLED:
            together += 1
        events[number:together] = sorted(events[number:together], key=_CALLED.index)
        number = together + 1


class FakeStage:
    """The fake Asterisk as a stage."""

    def __init__(self, asterisk: FakeAsterisk, prompts: list[Prompt]) -> None:
        self.asterisk = asterisk
        self.url, self.user, self.password = asterisk.url, asterisk.user, asterisk.password
        self.sound, self.empty = (prompt.sound.path for prompt in prompts)
        self._prompts = prompts
        self._calls = 0

    def call(self) -> None:
        self._calls += 1
        self._caller = FakeChannel(
            "100",
            caller="+33612345678",
            channel=f"PJSIP/caller-{self._calls:08x}",
            unique_id=f"1763800000.{self._calls}",
            arguments=["in", "100"],
            extensions=["elsewhere,there"],
            sounds=self._prompts,
        )
        self.asterisk.begin(self._caller)

    def leave(self) -> None:
        self.asterisk.hang_up(self._caller)

    def press(self, key: str) -> None:
        self.asterisk.press(self._caller, key)

    def agent(self, *, answers_after: float | None = 0.1, rejects: int = 0) -> None:
        self.asterisk.agents[AGENT].answers_after = answers_after
        self.asterisk.agents[AGENT].rejects = rejects

    def agent_leaves(self) -> None:
        self.asterisk.hang_up(self.asterisk.agents[AGENT])


def recorded(version: str) -> dict[str, dict[str, list[str]]]:
    """What Asterisk said."""
    told: dict[str, dict[str, list[str]]] = json.loads(
        (RECORDED / version / "scripts.json").read_text()
    )
    return told


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    major: str = request.param
    return major


@pytest.fixture
def stage(version: str) -> Iterator[FakeStage]:
    prompts = [
        Prompt(Announcement("fr", "a tone", "fr/tone"), Sound("/tone", "", SECONDS, "test")),
        Prompt(Announcement("fr", "nothing", "fr/empty"), Sound("/empty", "", 0.0, "test")),
    ]
    with FakeAsterisk(
        version=VERSIONS[version], agents={AGENT: FakeAgent()}, application=APPLICATION
    ) as asterisk:
        yield FakeStage(asterisk, prompts)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_fake_says_what_asterisk_said(stage: FakeStage, version: str, name: str) -> None:
    told = asyncio.run(rehearse(stage, name))
    assert told == recorded(version)[name]
    asterisk = stage.asterisk
    assert (asterisk.channels, asterisk.bridges, asterisk.playbacks) == ([], [], [])
