"""A fake Asterisk that speaks ARI, for tests without Asterisk.

    with FakeAsterisk(agents={"PJSIP/201": FakeAgent(answers_after=0.1)}) as asterisk:
        ...  # start a program that connects to asterisk.url
        asterisk.wait_for_application()
        call = FakeChannel("0184880001", sounds=prompts).call_stasis(asterisk)
        assert call.timeline == ["answered", "...", "connected to PJSIP/201", "hung up"]
        assert not asterisk.channels

It runs in a thread of its own: an HTTP server, the WebSockets of its applications, and the calls
that come in, in real time. Requests that no announced call needs are answered by 501 and fail the
test. What goes wrong is scripted by the ``Fault`` of a call, by the ``FakeAgent``s, and by a
``Trouble`` on the wire. It is held against traces of Asterisk 16.28 and 22.10
(tests/integration/test_fake_ari.py).
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import web

from callcentre_disclosure.asterisk.ari.protocol import Request, Response, takes_requests

from .fake_agent import FakeAgent
from .fake_call import FakeCall, Fault, UnscriptedCommandError
from .fake_legs import Legs
from .fake_parts import Channel
from .fake_player import Player
from .fake_requests import Requests, as_commands
from .fake_sockets import MAX_FRAME, Listener, Sockets, authorization
from .fake_switch import Switch
from .fake_trouble import Strikes, Trouble

__all__ = ["FakeAgent", "FakeAsterisk", "Fault", "Listener", "Trouble", "UnscriptedCommandError"]

#: A program that asks for nothing for so long after the end of a sound, in seconds, waits for a
#: key. AGI has a command for that, which a ``Fault`` may name.
WAITS_AFTER = 0.2
_WAIT = "WAIT FOR DIGIT"
_Result = TypeVar("_Result")


class FakeAsterisk:
    """An Asterisk for the time of a ``with`` block; at its end it raises what was unscripted.

    ``agents`` are whom it can call, by interface. ``application`` is what the dialplan says in
    ``Stasis(...)``. With ``listener`` it connects to the program, too. ``trouble`` and ``agents``
    may be changed at any time. ``conversation`` holds requests (``->``), their answers (``<-``) and
    events (``**``).
    """

    def __init__(
        self,
        *,
        version: str = "22.10.1",
        agents: Mapping[str, FakeAgent] | None = None,
        application: str = "callcentre-disclosure",
        user: str = "test",
        password: str = "test-password",  # noqa: S107
        listener: Listener | None = None,
        trouble: Trouble | None = None,
    ) -> None:
        self.version = version
        self.agents = dict(agents or {})
        self.application = application
        self.user = user
        self.password = password
        self.trouble = trouble or Trouble()
        self.conversation: list[str] = []
        self.port = 0
        self._listener = listener
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake Asterisk")
        self._asked: Counter[str] = Counter()
        self._strikes = Strikes()

    # -- for tests -------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where its HTTP server is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def channels(self) -> list[str]:
        """The ids of the channels that an application holds, or has made."""
        return [each.id for each in list(self._switch.channels.values()) if not each.over.is_set()]

    @property
    def bridges(self) -> list[str]:
        """The ids of the bridges that there are."""
        return list(self._switch.bridges)

    @property
    def playbacks(self) -> list[str]:
        """The ids of the playbacks that have not ended."""
        return list(self._switch.playbacks)

    def begin(self, call: FakeCall) -> Future[None]:
        """A call comes into Stasis; the result is there when it has left."""
        call.protocol = "ARI"
        return asyncio.run_coroutine_threadsafe(self._enter(call), self._loop)

    def take(self, call: FakeCall, seconds: float = 30.0) -> None:
        """The same, to its end. Raises ``AssertionError`` where it is still there after so many
        seconds, and what was unscripted."""
        taken = self.begin(call)
        self.wait_for(lambda: taken.done() or bool(self._switch.problems), seconds)
        self._complain()
        taken.result()

    def hang_up(self, who: FakeCall | FakeAgent) -> None:
        """A caller or an agent hangs up. Returns when the channel has left Stasis."""
        for channel in list(self._switch.channels.values()):
            if who in (channel.call, channel.agent):
                self._run(self._leave(channel))

    def press(self, call: FakeCall, key: str) -> None:
        """The caller presses a key."""
        self._now(lambda: self._switch.press(self._switch.channels[call.unique_id], key))

    def wait_for_application(self, seconds: float = 20.0) -> None:
        """Wait until a program is there that takes the calls."""
        self.wait_for(lambda: self.application in self._sockets.active, seconds)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until something has happened. Raises ``AssertionError`` where it has not in so many
        seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                last = "\n".join(self.conversation[-20:])
                raise AssertionError(f"did not happen within {seconds} s:\n{last}")
            with self._changed:
                self._changed.wait(0.02)

    def break_off(self, away: float = 0.0) -> None:
        """Every connection breaks; nobody listens for so many seconds. Calls go on."""
        self._now(lambda: self._break_off(away))

    def restart(self, away: float = 0.0) -> None:
        """Asterisk dies, its calls with it, and comes back after so many seconds."""
        self._now(lambda: self._restart(away))

    async def _enter(self, call: FakeCall) -> None:
        if self._listener is None or not self._listener.per_call:
            await self._switch.take(call, self.application)
            return
        app = f"{self.application}:{call.channel}"
        enter = partial(self._switch.take, call, app)
        await self._sockets.for_a_call(self._listener, app, enter)

    # -- its life --------------------------------------------------------------------------------

    def __enter__(self) -> FakeAsterisk:
        self._thread.start()
        try:
            self._run(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._run(self._stop())
        finally:
            self._end()
        if error is None:
            self._complain()

    async def _start(self) -> None:
        self._sockets = Sockets(
            self._answer,
            self._note,
            lambda: self.trouble,
            self._broken,
            takes_requests=takes_requests(self.version),
        )
        major = int(self.version.partition(".")[0])
        self._switch = Switch(self._tell, self._sockets.active, major)
        self._requests = Requests(
            self._switch,
            Player(self._switch, lambda: self.trouble.endless),
            Legs(self._switch, self.agents),
            applications=self._sockets.known,
            version=self.version,
        )
        server = web.Application()
        server.router.add_route("*", "/ari/{path:.*}", self._asked_over_http)
        self._runner = web.AppRunner(
            server, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await self._runner.setup()
        await self._listen()
        if self._listener and not self._listener.per_call:
            outbound = self._sockets.stay_connected(self._listener, self.application)
            self._outbound = self._loop.create_task(outbound)

    async def _listen(self) -> None:
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        self._switch.restart()
        self._abort()
        await self._runner.cleanup()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for _ in range(3):  # connections that were being made close in the loop's next rounds
            await asyncio.sleep(0)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def _now(self, work: Callable[[], None]) -> None:
        async def run() -> None:
            work()

        self._run(run())

    def _complain(self) -> None:
        """Tell the test what was unscripted, once."""
        problems, self._switch.problems = self._switch.problems, []
        if problems:
            raise problems[0]

    def _note(self, line: str, about: Channel | None = None) -> None:
        with self._changed:
            self.conversation.append(line)
            if about:
                about.call.conversation.append(line)
            self._changed.notify_all()

    # -- connections -----------------------------------------------------------------------------

    async def _asked_over_http(self, request: web.Request) -> web.StreamResponse:
        if not self._admits(request):
            challenge = {"WWW-Authenticate": 'Basic realm="Asterisk REST Interface"'}
            return web.json_response(
                {"message": "Authentication required"}, status=401, headers=challenge
            )
        path = request.rel_url.raw_path.removeprefix("/ari/")
        if path == "events":
            return await self._websocket(request)
        text = await request.text()
        try:
            body = json.loads(text) if text else None
        except ValueError:
            return web.json_response({"message": "Request body is not valid JSON"}, status=400)
        asked = Request(request.method, path, dict(request.query), body)
        answer = await self._answer(asked)
        if answer is None:
            await asyncio.Event().wait()
        assert answer is not None
        if answer.body is None:
            return web.Response(status=answer.status)
        return web.json_response(answer.body, status=answer.status)

    def _admits(self, request: web.Request) -> bool:
        by_key = request.query.get("api_key") == f"{self.user}:{self.password}"
        right = authorization(self.user, self.password)["Authorization"]
        return by_key or request.headers.get("Authorization") == right

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        apps = [app for app in request.query.get("app", "").split(",") if app]
        if not apps:
            return web.json_response(
                {"message": "HTTP request is missing param: [app]"}, status=400
            )
        socket = web.WebSocketResponse(protocols=("ari",), max_msg_size=MAX_FRAME)
        await socket.prepare(request)
        transport = request.transport
        assert transport is not None
        await self._sockets.serve(socket, apps, transport.abort)
        return socket

    def _broken(self) -> None:
        """A trouble breaks the WebSockets, once."""
        self._note("!! the connection breaks")
        trouble, self.trouble = self.trouble, replace(self.trouble, break_at="")
        if trouble.away:
            self._break_off(trouble.away)
        else:
            self._sockets.abort()

    def _break_off(self, away: float) -> None:
        if away:
            self._away = self._loop.create_task(self._be_away(away))
        else:
            self._abort()

    async def _be_away(self, seconds: float) -> None:
        for site in list(self._runner.sites):
            await site.stop()
        self._abort()
        await asyncio.sleep(seconds)
        await self._listen()

    def _abort(self) -> None:
        """Break every connection."""
        self._sockets.abort()
        if self._runner.server:
            for connection in self._runner.server.connections:
                if connection.transport:
                    connection.transport.abort()

    def _restart(self, away: float) -> None:
        self._note("!! Asterisk restarts")
        self._switch.restart()
        self._sockets.forget()
        self._break_off(away)

    # -- requests and events ---------------------------------------------------------------------

    async def _answer(self, request: Request) -> Response | None:
        """The answer to a request; None where there is none."""
        line = f"{request.method} {request.path}"
        about = self._requests.about(request)
        told = {**request.query, **(request.body or {})}
        self._note(
            f"-> {line} {json.dumps(told, ensure_ascii=False) if told else ''}".rstrip(), about
        )
        status = self._strikes.struck(line, self.trouble)
        if status:
            self._note(f"<- {status} {line}", about)
            return Response(status, {"message": "scripted trouble"})
        fault = about.call.fault if about else Fault()
        if about:
            self._asked[about.id] += 1
            if not await self._goes_well(request, about):
                return None
        response = await self._carry_out(request)
        if fault.slow:
            await asyncio.sleep(fault.slow)
        if status == 0:
            return None
        said = json.dumps(response.body, ensure_ascii=False) if response.status >= 400 else ""
        self._note(f"<- {response.status} {line} {said}".rstrip(), about)
        return response

    async def _carry_out(self, request: Request) -> Response:
        try:
            return await self._requests.carry_out(request)
        except UnscriptedCommandError as unscripted:
            self._switch.problems.append(unscripted)
            return Response(501, {"message": str(unscripted)})

    async def _goes_well(self, request: Request, channel: Channel) -> bool:
        """Let go wrong what the call's fault says of a request; False where it is not answered."""
        fault = channel.call.fault
        commands = list(as_commands(request, channel))
        if _is(fault.die_on, commands):
            self._restart(0.0)
            return False
        if _is(fault.hang_up_on, commands):
            await self._leave(channel)
        return not _is(fault.silent_on, commands)

    async def _leave(self, channel: Channel) -> None:
        self._switch.leave(channel)
        if channel.app:
            await channel.over.wait()

    def _tell(self, app: str, kind: str, told: Mapping[str, Any]) -> None:
        channel = self._concerned(told)
        heard = "" if self._sockets.tell(app, kind, told) else " (nobody is connected)"
        self._note(f"** {kind} {_short(told)}".rstrip() + heard, channel)
        if kind == "PlaybackFinished" and channel:
            asked = self._asked[channel.id]
            self._loop.call_later(WAITS_AFTER, self._waits, channel, asked)

    def _concerned(self, told: Mapping[str, Any]) -> Channel | None:
        target = told.get("playback", {}).get("target_uri", "")
        name = told.get("channel", {}).get("id") or target.removeprefix("channel:")
        return self._switch.channels.get(name)

    def _waits(self, channel: Channel, asked: int) -> None:
        """The program waits for a key, if it has asked for nothing since the end of a sound."""
        if channel.over.is_set() or self._asked[channel.id] != asked:
            return
        if _is(channel.call.fault.die_on, [_WAIT]):
            self._restart(0.0)
        elif _is(channel.call.fault.hang_up_on, [_WAIT]):
            self._switch.leave(channel)


def _is(name: str, commands: list[str]) -> bool:
    return bool(name) and any(command.startswith(name) for command in commands)


def _short(told: Mapping[str, Any]) -> str:
    """What a conversation shows of an event."""
    shown = []
    for name, value in told.items():
        if not isinstance(value, dict):
            shown.append(f"{name}={value}")
        elif "bridge_type" in value:
            shown.append(f"{value['id']} {value['channels']}")
        else:
            shown.append(f"{value.get('id')} {value.get('state')}")
    return " ".join(shown)
