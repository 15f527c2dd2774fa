"""The server to which Asterisks connect, with clients of the tests' own in their place."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from callcentre_disclosure.asterisk.ari import listening
from callcentre_disclosure.asterisk.ari.asterisk import Unreachable, say_goodbye
from callcentre_disclosure.asterisk.ari.listening import PATH, PER_CALL_PATH, Listener
from callcentre_disclosure.asterisk.ari.mailbox import MISSED
from callcentre_disclosure.asterisk.ari.protocol import Request

from .other_end import SECRET, End, Told, client_tls, journey, server_tls

ANSWER = Request("POST", "channels/1/answer")


def login(user: str, password: str = SECRET) -> dict[str, str]:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


class Far:
    """Asterisks that connect to a listener."""

    def __init__(self, told: Told, tls: ssl.SSLContext | None = None, **settings: Any) -> None:
        passwords = {"paris": SECRET, "lyon": "another", "nobody": ""}
        self.listener = Listener(told, passwords, tls=tls, **settings)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self._scheme = "https" if tls else "http"
        self._session = aiohttp.ClientSession()
        self._ends: list[End] = []
        self._reading: list[asyncio.Task[None]] = []

    async def connect(
        self,
        user: str = "paris",
        password: str = SECRET,
        *,
        path: str = PATH,
        headers: Mapping[str, str] | None = None,
        protocol: str = "ari",
        reads: bool = True,
        silent: bool = False,
        **settings: Any,
    ) -> End:
        socket = await self._session.ws_connect(
            f"{self._scheme}://127.0.0.1:{self.port}{path}",
            headers=login(user, password) if headers is None else headers,
            protocols=[protocol],
            **settings,
        )
        assert socket.protocol == protocol
        end = End(socket, silent=silent)
        self._ends.append(end)
        if reads:
            self._reading.append(asyncio.ensure_future(end.read()))
        return end

    async def refused(self, **settings: Any) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await self.connect(**settings)
        return refusal.value.status

    async def get(self, path: str, headers: Mapping[str, str]) -> int:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self._session.get(url, headers=headers) as answer:
            return answer.status

    async def close(self) -> None:
        await self.listener.close()
        for reading in self._reading:
            reading.cancel()
        for end in self._ends:
            await end.socket.close()
        await self._session.close()


@asynccontextmanager
async def listening_to(told: Told, **settings: Any) -> AsyncIterator[Far]:
    far = Far(told, **settings)
    await far.listener.start(far.listening)
    try:
        yield far
    finally:
        await far.close()


async def cut(end: End) -> None:
    """As a process that is killed: no goodbye."""
    transport = end.socket.get_extra_info("socket")
    assert transport is not None
    transport.shutdown(2)


def test_each_asterisk_has_the_name_that_it_logs_in_by() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            paris = await far.connect("paris")
            assert (await told.next("connected")).name == "paris"
            lyon = await far.connect("lyon", "another")
            assert (await told.next("connected")).name == "lyon"
            for end, name in ((lyon, "lyon"), (paris, "paris")):
                await end.start("1")
                asterisk = await told.next("started")
                assert asterisk.name == name
                asked = asyncio.ensure_future(asterisk.request(ANSWER))
                await end.answer(await end.requests.get())
                assert (await asked).ok

    journey(steps())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        login("paris", "wrong"),
        login("paris", ""),
        login("lyon", SECRET),
        login("stranger", SECRET),
        login("nobody", ""),
        login("", ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic é"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:x").decode()},
        {"Authorization": "Bearer " + base64.b64encode(f"paris:{SECRET}".encode()).decode()},
    ],
)
@pytest.mark.parametrize("path", [PATH, PER_CALL_PATH])
def test_who_does_not_know_the_password_is_refused_by_a_status(
    headers: dict[str, str], path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            for _ in range(3):
                assert await far.refused(path=path, headers=headers) == 401
            await far.connect()
            await told.next("connected")

    journey(steps())
    assert [record.levelname for record in caplog.records] == ["ERROR"], "said once"
    assert not any(word in caplog.text for word in (SECRET, "wrong", "stranger"))


def test_what_speaks_no_ari_is_refused_by_a_status() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            assert await far.refused(protocol="media") == 400
            assert await far.refused(path="/other") == 404
            for path in (PATH, PER_CALL_PATH):
                assert await far.get(path, login("paris")) == 400
                assert await far.get(path, {}) == 401
            assert told.events.empty()
            await far.connect()  # the place is free

    journey(steps())


def test_an_asterisk_that_comes_back_is_the_same_one() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            end = await far.connect()
            asterisk = await told.next("connected")
            with asterisk.mailbox() as mailbox:
                asked = asyncio.ensure_future(asterisk.request(ANSWER))
                request = await end.requests.get()
                await cut(end)
                assert await told.next("disconnected") is asterisk
                end = await far.connect()
                assert await told.next("connected") is asterisk
                assert await mailbox.next(5) is MISSED
                assert await end.requests.get() == request
                await end.answer(request)
                assert (await asked).ok

    journey(steps())


def test_while_it_is_connected_another_one_of_its_name_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            end = await far.connect()
            asterisk = await told.next("connected")
            for _ in range(2):
                assert await far.refused() == 409
            ping = await end.requests.get()
            assert ping["uri"] == "asterisk/ping"
            await end.answer(ping, 401)  # whatever it answers, it is alive
            assert await far.refused() == 409
            await end.start("1")
            assert await told.next("started") is asterisk

    journey(steps())
    assert [record.levelname for record in caplog.records] == ["ERROR"], "said once"
    assert "/ari/call is the path" in caplog.text


def test_a_dead_connection_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "ALIVE_SECONDS", 0.2)

    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            dead = await far.connect()
            asterisk = await told.next("connected")
            assert await far.refused() == 409
            await dead.answer(await dead.requests.get())  # it is not dead yet
            await dead.start("1")
            await told.next("started")
            asked = asyncio.ensure_future(asterisk.request(ANSWER))
            assert await far.refused() == 409
            await told.next("disconnected")
            end = await far.connect()
            assert await told.next("connected") is asterisk
            await end.answer(await end.requests.get())
            assert (await asked).ok

    journey(steps())


def test_a_connection_that_is_silently_dead_is_noticed() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told, silence=0.04) as far:
            dead = await far.connect(silent=True)
            asterisk = await told.next("connected")
            assert await told.next("disconnected") is asterisk
            assert dead.pinged == 1

    journey(steps())


def test_a_quiet_connection_is_kept_without_pings_of_the_websocket() -> None:
    """Which would have an Asterisk 22 that cannot answer them wait for ever on a closed socket."""

    async def steps() -> None:
        told = Told()
        async with listening_to(told, silence=0.2) as far:
            quiet = await far.connect(autoping=False)
            await told.next("connected")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(told.events.get(), 0.3)
            assert quiet.pinged > 1

    journey(steps())


def test_an_event_right_after_an_answer_is_not_late() -> None:
    """Asterisk's socket sends the second of two small messages when the first is acknowledged."""

    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            end = await far.connect()
            asterisk = await told.next("connected")
            connection = end.socket.get_extra_info("socket")
            assert connection is not None
            connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 0)
            mailbox = asterisk.mailbox()
            mailbox.follow("1")
            began = asyncio.get_running_loop().time()
            for _ in range(10):
                asked = asyncio.ensure_future(asterisk.request(ANSWER))
                await end.answer(await end.requests.get())
                await end.say(type="ChannelStateChange", channel={"id": "1"})
                await asked
                assert await mailbox.next(5) is not None
            assert asyncio.get_running_loop().time() - began < 10 * 0.02, "and not 10 * 0.04"

    journey(steps())


def test_asterisk_may_ping_us() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            end = await far.connect(reads=False, autoping=False)
            await end.socket.ping(b"WS_CLIENT_PING")
            answer = await end.socket.receive()
            assert answer.type == aiohttp.WSMsgType.PONG
            assert answer.data == b"WS_CLIENT_PING"
            await end.start("1")
            await told.next("connected")
            await told.next("started")

    journey(steps())


async def connect_for_a_call(far: Far, channel: str) -> End:
    """As Asterisk does: its first event tells the name that the application has there."""
    end = await far.connect(path=PER_CALL_PATH)
    await end.say(type="ApplicationRegistered", application=f"app:{channel}")
    return end


def test_connections_per_call_are_asterisks_of_their_own() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            await far.connect()
            persistent = await told.next("connected")
            ends, asterisks = [], []
            for channel in "abc":
                ends.append(await connect_for_a_call(far, f"PJSIP/{channel}"))
                asterisks.append(await told.next("connected"))
            assert len({persistent, *asterisks}) == 4
            assert {asterisk.name for asterisk in asterisks} == {"paris"}
            assert [asterisk.only for asterisk in asterisks] == ["PJSIP/a", "PJSIP/b", "PJSIP/c"]
            await ends[1].start("1")
            assert await told.next("started") is asterisks[1]
            await cut(ends[0])
            assert await told.next("disconnected") is asterisks[0]
            assert await told.next("gone") is asterisks[0]
            with pytest.raises(Unreachable):
                await asterisks[0].request(ANSWER, seconds=60)
            assert all(asterisk.connected for asterisk in (persistent, *asterisks[1:]))

    journey(steps())


def test_a_call_whose_connection_broke_goes_on_over_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            end = await connect_for_a_call(far, "PJSIP/a")
            asterisk = await told.next("connected")
            with asterisk.mailbox() as mailbox:
                waiting = asyncio.ensure_future(asterisk.request(ANSWER, seconds=60))
                await end.requests.get()
                await cut(end)
                assert await told.next("disconnected") is asterisk
                again = await connect_for_a_call(far, "PJSIP/a")
                assert await told.next("connected") is asterisk
                assert await mailbox.next(5) is MISSED
                await again.answer(await again.requests.get())
                assert (await waiting).ok
                await cut(again)
                assert await told.next("disconnected") is asterisk
                assert await told.next("gone") is asterisk

    monkeypatch.setattr(listening, "COMING_BACK_SECONDS", 1.5)
    monkeypatch.setattr(listening, "REST_SECONDS", 0.0)
    journey(steps())


@pytest.mark.parametrize("path", [PATH, PER_CALL_PATH])
def test_who_connects_again_and_again_is_slowed_down(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "REST_SECONDS", 60.0)

    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            end = await far.connect(path=path)
            await told.next("connected")
            await cut(end)
            await told.next("disconnected")
            assert await far.refused(path=path) == 503
            await far.connect("lyon", "another", path=path)
            monkeypatch.setattr(far.listener, "_rest_until", {})  # a minute later
            await far.connect(path=path)

    journey(steps())


def test_refusals_are_slow_but_not_many_of_them_and_none_holds_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "REFUSAL_SECONDS", 60.0)
    monkeypatch.setattr(listening, "REFUSALS", 2)

    async def steps() -> None:
        async with listening_to(Told()) as far:
            slow = [asyncio.ensure_future(far.refused(password="wrong")) for _ in range(5)]
            quick: set[asyncio.Task[int]] = set()
            while len(quick) < 3:
                quick, _ = await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
            assert await far.refused(password="wrong") == 401
            assert [task.done() for task in slow].count(False) == 2
        await asyncio.gather(*slow, return_exceptions=True)

    journey(steps())


def test_when_it_closes_nobody_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            ends = [await far.connect(), await far.connect(path=PER_CALL_PATH)]
            asterisks = [await told.next("connected") for _ in ends]
            late, writer = await asyncio.open_connection("127.0.0.1", far.port)

            async def goodbye(socket: web.WebSocketResponse) -> None:
                with pytest.raises(aiohttp.ClientConnectorError):
                    await far.connect()
                await say_goodbye(socket)

            monkeypatch.setattr(listening, "say_goodbye", goodbye)

            async def come_late() -> None:
                await ends[0].closed.wait()
                headers = {"Host": "x", **login("paris")}
                lines = [f"{name}: {value}" for name, value in headers.items()]
                writer.write("\r\n".join(["GET /ari HTTP/1.1", *lines, "", ""]).encode())
                answer = await late.readline()
                writer.close()
                assert answer.split()[1] == b"503"

            await asyncio.gather(far.listener.close(), come_late())
            for end in ends:
                await end.closed.wait()
                assert end.socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
            assert all(asterisk.gone for asterisk in asterisks)
            with pytest.raises(Unreachable):
                await asterisks[0].request(ANSWER, seconds=60)

    journey(steps())


def test_who_does_not_say_goodbye_does_not_hold_up_the_end() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            silent = await far.connect(reads=False)
            asterisk = await told.next("connected")
        assert asterisk.gone
        assert silent.requests.empty()

    journey(steps())


def test_tls_is_spoken() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told, tls=server_tls()) as far:
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await far.connect()
            end = await far.connect(ssl=client_tls())
            asterisk = await told.next("connected")
            asked = asyncio.ensure_future(asterisk.request(ANSWER))
            await end.answer(await end.requests.get())
            assert (await asked).ok

    journey(steps())
