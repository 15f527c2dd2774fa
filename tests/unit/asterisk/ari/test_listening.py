"""The server to which Asterisks connect, with clients of the tests' own in their place."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from callcentre_disclosure.asterisk.ari import listening
from callcentre_disclosure.asterisk.ari.asterisk import Unreachable
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
            f"{self._scheme}://127.0.0.1:{self.listener.port}{path}",
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
        url = f"http://127.0.0.1:{self.listener.port}{path}"
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
    await far.listener.start("127.0.0.1", 0)
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
    monkeypatch.setattr(listening, "ALIVE_SECONDS", 0.03)

    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            dead = await far.connect(reads=False)
            asterisk = await told.next("connected")
            asked = asyncio.ensure_future(asterisk.request(ANSWER))
            assert await far.refused() == 409
            await told.next("disconnected")
            end = await far.connect()
            assert await told.next("connected") is asterisk
            await end.answer(await end.requests.get())
            assert (await asked).ok
            assert dead.requests.empty()

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


def test_connections_per_call_are_asterisks_of_their_own() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            await far.connect()
            persistent = await told.next("connected")
            ends = [await far.connect(path=PER_CALL_PATH) for _ in range(3)]
            asterisks = [await told.next("connected") for _ in ends]
            assert len({persistent, *asterisks}) == 4
            assert {asterisk.name for asterisk in asterisks} == {"paris"}
            await ends[1].start("1")
            assert await told.next("started") is asterisks[1]
            mailbox = asterisks[0].mailbox()
            waiting = asyncio.ensure_future(asterisks[0].request(ANSWER, seconds=60))
            await ends[0].requests.get()
            await cut(ends[0])
            assert await told.next("disconnected") is asterisks[0]
            assert await told.next("gone") is asterisks[0]
            assert await mailbox.next(5) is MISSED
            with pytest.raises(Unreachable):
                await waiting
            with pytest.raises(Unreachable):
                await asterisks[0].request(ANSWER, seconds=60)
            assert all(asterisk.connected for asterisk in (persistent, *asterisks[1:]))

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


def test_when_it_closes_nobody_comes_back() -> None:
    async def steps() -> None:
        told = Told()
        async with listening_to(told) as far:
            ends = [await far.connect(), await far.connect(path=PER_CALL_PATH)]
            asterisks = [await told.next("connected") for _ in ends]

            async def come_back(end: End) -> None:
                await end.closed.wait()
                assert end.socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
                with pytest.raises(aiohttp.ClientConnectorError):
                    await far.connect()

            await asyncio.gather(far.listener.close(), *map(come_back, ends))
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


def test_a_port_that_is_taken_is_an_error_and_the_secrets_stay_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def steps() -> None:
        async with listening_to(Told()) as far:
            await far.connect()
            other = Listener(Told(), {})
            with pytest.raises(OSError, match="in use"):
                await other.start("127.0.0.1", far.listener.port)
            await other.close()

    journey(steps())
    assert SECRET not in caplog.text
