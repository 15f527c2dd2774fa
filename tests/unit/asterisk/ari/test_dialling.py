"""The client that connects to an Asterisk, and again, against a small one of the tests' own."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from callcentre_disclosure.asterisk.ari import dialling
from callcentre_disclosure.asterisk.ari import mailbox as mailbox_module
from callcentre_disclosure.asterisk.ari.asterisk import LONGEST_REQUEST, Asterisk, Unreachable
from callcentre_disclosure.asterisk.ari.dialling import stay_connected
from callcentre_disclosure.asterisk.ari.mailbox import MISSED
from callcentre_disclosure.asterisk.ari.protocol import Event, Request, Response, path

from .other_end import (
    SECRET,
    OtherEnd,
    Told,
    client_tls,
    journey,
    other_end,
    running,
    server_tls,
)

ANSWER = Request("POST", path("channels", "1", "answer"))


def connecting(asterisk: Asterisk, url: str, **settings: Any) -> Coroutine[Any, Any, None]:
    return stay_connected(
        asterisk, url=url, user="disclosure", password=SECRET, application="our app", **settings
    )


@asynccontextmanager
async def dialled(told: Told, far: OtherEnd, **settings: Any) -> AsyncIterator[Asterisk]:
    asterisk = Asterisk("one", told)
    async with running(connecting(asterisk, far.url, **settings)):
        yield asterisk


# -- connecting --------------------------------------------------------------------------------


def test_the_password_is_in_the_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def steps() -> None:
        told = Told()
        async with other_end(version="16.28.0") as far:
            far.answer = no_content
            async with dialled(told, far) as asterisk:
                await told.next("connected")
                assert (await asterisk.request(ANSWER)).ok
        login = base64.b64encode(f"disclosure:{SECRET}".encode()).decode()
        assert [target for _, target, _ in far.asked] == [
            "/ari/asterisk/info?only=system",
            "/ari/events?app=our%20app&subscribeAll=false",
            "/ari/channels/1/answer",
        ]
        for _, _, headers in far.asked:
            assert headers["Authorization"] == f"Basic {login}"

    journey(steps())
    assert SECRET not in caplog.text


def test_nobody_is_followed_elsewhere() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as stranger, other_end(refusals=[302, 307]) as far:
            far.elsewhere = f"{stranger.url}/ari/asterisk/info"
            async with dialled(told, far):
                await told.next("connected")
            assert stranger.asked == []

    journey(steps())


def test_a_prefix_of_http_conf_is_kept() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far:
            far.url += "/pbx/"
            async with dialled(told, far):
                await told.next("connected")
        assert [target.partition("?")[0] for _, target, _ in far.asked] == [
            "/pbx/ari/asterisk/info",
            "/pbx/ari/events",
        ]

    journey(steps())


def test_tls_is_spoken_and_a_strange_certificate_is_not_trusted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def steps() -> None:
        told = Told()
        async with other_end(tls=server_tls()) as far:
            async with dialled(told, far, tls=client_tls()) as asterisk:
                await told.next("connected")
                end = await far.next()
                await asyncio.gather(carry_out(far, end), asterisk.request(ANSWER))
            async with dialled(Told(), far):
                while "certificate verify failed" not in caplog.text:
                    await asyncio.sleep(0)
            assert len(far.asked) == 2

    journey(steps())


@pytest.mark.parametrize(
    ("status", "advice", "level"),
    [
        (401, "compare user and password", "ERROR"),
        (403, "permit and deny", "ERROR"),
        (404, "is res_ari loaded", "WARNING"),
        (503, "not fully booted", "WARNING"),
        (302, "is no ARI", "ERROR"),
    ],
)
def test_a_refusal_is_explained_once_and_tried_again(
    status: int, advice: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps() -> None:
        told = Told()
        async with other_end(refusals=[status] * 3) as far, dialled(told, far):
            await told.next("connected")

    journey(steps())
    assert [record.levelname for record in caplog.records] == [level]
    assert advice in caplog.text


def test_a_refusal_of_the_websocket_is_one_like_any_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def steps() -> None:
        told = Told()
        async with other_end(websocket_refusals=[404, 404]) as far, dialled(told, far):
            await told.next("connected")

    journey(steps())
    assert "is res_ari loaded" in caplog.text


def test_a_fault_of_ours_leaves_no_asterisk_alone_for_good(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [RuntimeError("planted")]

    def planted(_: str) -> bool:
        if faults:
            raise faults.pop()
        return True

    monkeypatch.setattr(dialling, "takes_requests", planted)

    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far):
            await told.next("connected")

    journey(steps())
    assert "RuntimeError: planted" in caplog.text


@pytest.mark.parametrize(
    "info", ["<html>", "{}", "[]", '{"system": []}', '{"system": {"version": 22}}']
)
def test_what_is_no_ari_is_not_connected_to(info: str, caplog: pytest.LogCaptureFixture) -> None:
    async def steps() -> None:
        async with other_end(info=info) as far, dialled(Told(), far):
            while "is no ARI" not in caplog.text:
                await asyncio.sleep(0)
            assert far.ends.empty()

    journey(steps())


def test_an_asterisk_that_is_silent_from_the_start_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dialling, "CONNECT_SECONDS", 0.01)

    async def steps() -> None:
        held: list[asyncio.StreamWriter] = []
        server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with running(connecting(Asterisk("one", Told()), f"http://{host}:{port}")):
            while len(held) < 3:
                await asyncio.sleep(0)
        server.close()
        for writer in held:
            writer.close()

    journey(steps())
    assert "no answer from" in caplog.text


def test_the_pauses_grow_to_a_limit_and_are_never_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(dialling, "LONGEST_PAUSE", 10.0)
    highest = [max(dialling._pause(n, False) for _ in range(300)) for n in (1, 4, 10, 100_000)]
    assert 0.1 < highest[0] <= 0.2 < highest[1] <= 1.6 < highest[2] <= 10.0 >= highest[3] > 1.6
    assert len({dialling._pause(4, False) for _ in range(10)}) == 10


# -- staying connected -------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["22.10.1", "16.28.0"])
def test_it_reconnects_and_says_that_events_were_missed(version: str) -> None:
    async def steps() -> None:
        told = Told()
        async with other_end(version=version) as far, dialled(told, far) as asterisk:
            await told.next("connected")
            with asterisk.mailbox() as mailbox:
                mailbox.follow("1")
                for _ in range(3):
                    end = await far.next()
                    await end.start("1")
                    assert_event(await mailbox.next(5), "StasisStart")
                    assert await told.next("started") is asterisk
                    end.cut()
                    await told.next("disconnected")
                    assert not asterisk.connected
                    assert await told.next("connected") is asterisk
                    assert asterisk.connected
                    assert await mailbox.next(5) is MISSED
                assert await mailbox.next(0) is None
        assert asterisk.gone
        await told.next("disconnected")
        await told.next("gone")

    journey(steps())


@pytest.mark.parametrize("version", ["22.10.1", "16.28.0"])
def test_a_peer_that_is_silently_dead_is_noticed(version: str) -> None:
    async def steps() -> None:
        told = Told()
        async with (
            other_end(version=version, silent=True) as far,
            dialled(told, far, silence=0.04) as asterisk,
        ):
            await told.next("connected")
            end = await far.next()
            await end.start("1")  # which ends one silence
            await told.next("started")
            await told.next("disconnected")
            assert end.pinged == (version == "22.10.1")
            assert await told.next("connected") is asterisk

    journey(steps())


@pytest.mark.parametrize("version", ["22.10.1", "16.28.0"])
def test_a_peer_that_answers_pings_is_left_alone(version: str) -> None:
    """Requests as pings where it takes them: a ping of the WebSocket can kill an Asterisk 22's."""

    async def steps() -> None:
        told = Told()
        async with other_end(version=version) as far, dialled(told, far, silence=0.2):
            await told.next("connected")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(told.events.get(), 0.3)
            end = await far.next()
            assert (end.pinged > 1) == (version == "22.10.1")

    journey(steps())


def test_an_application_that_was_taken_over_is_left_to_the_other_client(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dialling, "PAUSE_FOR_PEOPLE", 60.0)

    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            await told.next("connected")
            end = await far.next()
            await end.say(type="ApplicationReplaced", application="our app")
            await told.next("disconnected")
            await end.closed.wait()
            with pytest.raises(Unreachable):
                await asterisk.request(ANSWER, seconds=0.05)
            assert far.ends.empty()

    journey(steps())
    assert "took over the application our app" in caplog.text


def test_garbage_costs_nothing_but_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            await told.next("connected")
            end = await far.next()
            for garbage in ("", "{", '{"type": "RESTResponse", "message_body": "0612345678"}'):
                await end.socket.send_str(garbage)
            await end.socket.send_bytes(b"\xff\x00")
            await end.answer({"request_id": "unknown"})
            await end.start("1")
            assert await told.next("started") is asterisk

    journey(steps())
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 4
    assert "0612345678" not in caplog.text


def test_a_message_beyond_all_bounds_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dialling, "LONGEST_MESSAGE", 1000)

    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far):
            await told.next("connected")
            await (await far.next()).say(type="Dial", secret="0612345678" * 100)
            await told.next("disconnected")
            await told.next("connected")

    journey(steps())
    assert "exceeds limit" in caplog.text
    assert "0612345678" not in caplog.text


def test_a_fault_of_the_application_costs_no_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def steps() -> None:
        told = Told(planted=RuntimeError("planted"))
        async with other_end() as far, dialled(told, far):
            await told.next("connected")
            end = await far.next()
            for channel in ("1", "2"):
                await end.start(channel)
                await told.next("started")

    journey(steps())
    assert caplog.text.count("RuntimeError: planted") == 5  # and when it ended, twice


# -- events ------------------------------------------------------------------------------------


def test_the_reader_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "CAPACITY", 100)

    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            await told.next("connected")
            end = await far.next()
            slow, quick = asterisk.mailbox(), asterisk.mailbox()
            slow.follow("slow")
            quick.follow("quick")
            for n in range(1050):
                await end.say(type="ChannelVarset", channel={"id": "slow"}, value=n)
            await end.say(type="ChannelVarset", channel={"id": "quick"})
            assert_event(await quick.next(5), "ChannelVarset")
            assert await slow.next(0) is MISSED
            numbers = []
            while isinstance(event := await slow.next(0), Event):
                numbers.append(event.body["value"])
            assert numbers == list(range(1050 - len(numbers), 1050))

    journey(steps())


def test_an_event_tells_when_it_was_read() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far):
            await told.next("connected")
            before = asyncio.get_running_loop().time()
            await (await far.next()).start("1")
            _, _, event = await told.events.get()
            assert event
            assert before <= event.received_at <= asyncio.get_running_loop().time()

    journey(steps())


# -- requests ----------------------------------------------------------------------------------


async def no_content(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def carry_out(far: OtherEnd, end: Any) -> None:
    await end.answer(await end.requests.get())


def assert_event(event: object, kind: str) -> None:
    assert isinstance(event, Event)
    assert event.type == kind


def test_requests_go_over_the_websocket_where_the_version_can() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end(version="22.10.1") as far, dialled(told, far) as asterisk:
            end = await far.next()
            asked = [
                asyncio.ensure_future(asterisk.request(Request("GET", f"channels/{n}")))
                for n in range(3)
            ]
            came = [await end.requests.get() for _ in asked]
            for request in reversed(came):
                await end.answer(request, 200, json.dumps(request["uri"]))
            assert await asyncio.gather(*asked) == [
                Response(200, f"channels/{n}") for n in range(3)
            ]

    journey(steps())


@pytest.mark.parametrize(
    ("version", "settings"), [("16.28.0", {}), ("22.10.1", {"over_http": True})]
)
def test_requests_go_over_http_where_the_version_cannot_or_whoever_runs_it_prefers(
    version: str, settings: dict[str, bool]
) -> None:
    requests: list[tuple[str, str, str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        text = await request.text()
        requests.append((request.method, str(request.rel_url), request.content_type, text))
        if request.method == "DELETE":
            return web.Response(status=404, text="<html>")
        return web.json_response({"id": "1"}, status=201)

    async def steps() -> None:
        told = Told()
        async with other_end(version=version) as far, dialled(told, far, **settings) as asterisk:
            far.answer = handle
            play = Request(
                "POST", path("channels", "a/b", "play"), {"media": "sound:a+b c&d"}, {"x": "é"}
            )
            assert await asterisk.request(play) == Response(201, {"id": "1"})
            assert await asterisk.request(Request("DELETE", "channels/1")) == Response(404)

    journey(steps())
    assert requests == [
        (
            "POST",
            "/ari/channels/a%2Fb/play?media=sound%3Aa%2Bb%20c%26d",
            "application/json",
            '{"x": "\\u00e9"}',
        ),
        ("DELETE", "/ari/channels/1", "application/octet-stream", ""),
    ]


def test_slow_requests_over_http_do_not_wait_for_each_other() -> None:
    async def steps() -> None:
        together = asyncio.Event()
        waiting = 0

        async def handle(_: web.Request) -> web.Response:
            nonlocal waiting
            waiting += 1
            if waiting == 10:
                together.set()
            await together.wait()
            return web.Response(status=204)

        told = Told()
        async with other_end(version="16.28.0") as far, dialled(told, far) as asterisk:
            far.answer = handle
            answers = await asyncio.gather(*(asterisk.request(ANSWER) for _ in range(10)))
            assert all(answer.ok for answer in answers)

    journey(steps())


def test_a_request_that_was_cut_off_is_said_again_under_its_id_and_answered_once() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            end = await far.next()
            asked = [asyncio.ensure_future(asterisk.request(ANSWER)) for _ in range(200)]
            came = [await end.requests.get() for _ in asked]
            await end.answer(came[0])
            assert (await asked[0]).ok
            end.cut()
            end = await far.next()
            again = [await end.requests.get() for _ in asked[1:]]
            assert again == came[1:]
            for request in again:
                await end.answer(request)
                await end.answer(request, 409)
            assert [answer.status for answer in await asyncio.gather(*asked)] == [204] * 200
            assert end.requests.empty()

    journey(steps())


def test_a_request_over_http_that_was_cut_off_is_said_again() -> None:
    cuts = 2

    async def handle(request: web.Request) -> web.Response:
        nonlocal cuts
        cuts -= 1
        if cuts >= 0:
            assert request.transport
            request.transport.abort()
        return web.Response(status=204)

    async def steps() -> None:
        nonlocal cuts
        told = Told()
        async with other_end(version="16.28.0") as far, dialled(told, far) as asterisk:
            far.answer = handle
            assert (await asterisk.request(ANSWER)).ok
            cuts = 1
            with pytest.raises(Unreachable):
                await asterisk.request(ANSWER, repeat=False)
            assert asterisk.connected

    journey(steps())


@pytest.mark.parametrize("repeat", [True, False])
def test_an_asterisk_that_is_not_fully_booted_is_asked_again(repeat: bool) -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            end = await far.next()
            asked = asyncio.ensure_future(asterisk.request(ANSWER, repeat=repeat))
            for status in (503, 503, 204):
                await end.answer(await end.requests.get(), status)
            assert (await asked).ok

    journey(steps())


def test_what_must_not_be_repeated_fails_at_once() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            end = await far.next()
            asked = asyncio.ensure_future(asterisk.request(ANSWER, seconds=60, repeat=False))
            await end.requests.get()
            end.cut()
            with pytest.raises(Unreachable):
                await asked
            assert (await far.next()).requests.empty()

    journey(steps())


def test_no_answer_in_time_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def steps() -> None:
        told = Told()
        never = Asterisk("never", told)
        with pytest.raises(Unreachable, match="answer to POST channels/1/answer"):
            await never.request(ANSWER, seconds=0.01)
        async with other_end() as far, dialled(told, far) as asterisk:
            end = await far.next()
            with pytest.raises(Unreachable, match="connected"):
                await asterisk.request(ANSWER, seconds=0.05)
            await end.answer(await end.requests.get())  # too late, and no harm
            asked = asyncio.ensure_future(asterisk.request(ANSWER))
            await carry_out(far, end)
            assert (await asked).ok
        assert "nobody waits for" in caplog.text
        with pytest.raises(Unreachable, match="gone"):
            await asterisk.request(ANSWER, seconds=60)

    journey(steps())


def test_whoever_waits_for_a_connection_is_told_that_there_will_be_none() -> None:
    async def steps() -> None:
        asterisk = Asterisk("one", Told())
        async with running(connecting(asterisk, "http://127.0.0.1:1")):
            asked = asyncio.ensure_future(asterisk.request(ANSWER, seconds=60))
            await asyncio.sleep(0)
        with pytest.raises(Unreachable):
            await asked

    journey(steps())


def test_a_request_that_is_too_long_does_not_cost_the_connection() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            long = Request("POST", "channels", body={"variables": {"A": "x" * LONGEST_REQUEST}})
            assert (await asterisk.request(long)).status == 413
            assert (await far.next()).requests.empty()

    journey(steps())


def test_a_request_can_be_cancelled() -> None:
    async def steps() -> None:
        told = Told()
        async with other_end() as far, dialled(told, far) as asterisk:
            end = await far.next()
            asked = asyncio.ensure_future(asterisk.request(ANSWER))
            request = await end.requests.get()
            asked.cancel()
            await asyncio.wait({asked})
            assert asked.cancelled()
            await end.answer(request)
            await end.start("1")
            await told.next("connected")
            await told.next("started")

    journey(steps())
