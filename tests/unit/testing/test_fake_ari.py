"""The fake Asterisk: who hears what, everything that goes wrong on request, and what is refused.

That it answers as Asterisk does is shown by test_fake_ari_traces.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from callcentre_disclosure.disclosure.announcement import Announcement, Prompt, Sound
from callcentre_disclosure.testing import FakeChannel, Fault, UnscriptedCommandError
from callcentre_disclosure.testing.fake_ari import (
    FakeAgent,
    FakeAsterisk,
    Listener,
    Trouble,
)
from callcentre_disclosure.testing.fake_sockets import authorization

from .test_fake_ari_traces import AGENT, APPLICATION, FakeStage, Program, program, under_way

pytest_plugins = ["pytester"]

SECONDS = 0.2
TONE = Prompt(Announcement("fr", "a tone", "fr/tone"), Sound("/tone", "", SECONDS, "test"))
EMPTY = Prompt(Announcement("fr", "nothing", "fr/empty"), Sound("/empty", "", 0.0, "test"))
BEEP = Prompt(Announcement("fr", "a beep", "fr/beep"), Sound("/beep", "", SECONDS, "test"))
SOUNDS = [TONE, EMPTY, BEEP]

Fake = Callable[..., FakeAsterisk]
Play = Callable[[Program], Awaitable[None]]


@pytest.fixture
def asterisk(fake_asterisk: Fake) -> FakeAsterisk:
    return fake_asterisk(application=APPLICATION, agents={AGENT: FakeAgent()})


class Stage(FakeStage):
    """A stage whose caller is described by the test."""

    def __init__(self, asterisk: FakeAsterisk, **call: Any) -> None:
        super().__init__(asterisk, SOUNDS[:2])
        self.caller = FakeChannel(
            "100",
            channel="PJSIP/caller-00000001",
            unique_id="1763800000.1",
            **{"sounds": SOUNDS, "caller": "+33612345678", **call},
        )

    def call(self) -> None:
        self.asterisk.begin(self.caller)

    def leave(self) -> None:
        self.asterisk.hang_up(self.caller)

    def press(self, key: str) -> None:
        self.asterisk.press(self.caller, key)


def play(asterisk: FakeAsterisk, script: Play, **call: Any) -> tuple[FakeChannel, Program]:
    """What becomes of a call with which a program does what the script says."""
    stage = Stage(asterisk, **call)

    async def run() -> Program:
        async with program(stage, "test") as playing:
            await asyncio.wait_for(script(playing), 20)
        return playing

    done = asyncio.run(run())
    return stage.caller, done


async def announce(p: Program) -> None:
    """Answer, play a sound, and let the call go on."""
    await p.call()
    await p.play("1")
    await p.until("PlaybackFinished", p.id("1"))
    await p.ask("POST", "channels/{}/continue")
    await p.until("StasisEnd")


# -- who hears what ------------------------------------------------------------------------------


def test_the_announcement_and_then_the_agent(asterisk: FakeAsterisk) -> None:
    async def connect(p: Program) -> None:
        await p.call()
        await p.ask("POST", "channels/{}/ring")
        await p.ring("leg")
        await p.until("StasisStart", p.id("leg"))
        await p.ask("POST", f"channels/{p.id('leg')}/play/{p.id('wait')}", {"media": "tone:ring"})
        await p.play("1")
        await p.until("PlaybackFinished", p.id("1"))
        await p.ask("DELETE", f"playbacks/{p.id('wait')}")
        await p.ask("POST", f"bridges/{p.id('b')}", {"type": "mixing"})
        await p.ask("POST", f"bridges/{p.id('b')}/addChannel", {"channel": f"{{}},{p.id('leg')}"})
        await p.play("2", "/beep")
        await p.until("PlaybackFinished", p.id("2"))
        await asyncio.to_thread(p.stage.agent_leaves)
        await p.until("ChannelDestroyed", p.id("leg"))
        await p.ask("DELETE", "channels/{}")
        await p.until("StasisEnd")
        await p.ask("DELETE", f"bridges/{p.id('b')}")

    caller, _ = play(asterisk, connect)
    assert caller.timeline == [
        "answered",
        "ringing",
        "a tone",
        f"connected to {AGENT}",
        f"parted from {AGENT}",
        "a beep",
        f"connected to {AGENT}",
        f"parted from {AGENT}",
        "hung up with cause 16",
    ]
    assert caller.heard == ["a tone", "a beep"]
    assert asterisk.agents[AGENT].timeline == [
        "rings",
        "answered",
        "tone",
        "connected to PJSIP/caller",
        "parted from PJSIP/caller",
        "connected to PJSIP/caller",
        "hung up",
    ]
    assert (asterisk.channels, asterisk.bridges, asterisk.playbacks) == ([], [], [])


@pytest.mark.parametrize("what", ["ring", "moh"])
def test_who_waits_with_a_tone_is_deaf_to_a_bridge(asterisk: FakeAsterisk, what: str) -> None:
    async def connect(p: Program) -> None:
        await p.call(answered=False)
        await p.ring("leg")
        await p.until("StasisStart", p.id("leg"))
        await p.ask("POST", f"channels/{{}}/{what}")
        await p.ask("POST", f"bridges/{p.id('b')}", {"type": "mixing"})
        await p.ask("POST", f"bridges/{p.id('b')}/addChannel", {"channel": f"{{}},{p.id('leg')}"})
        await p.ask("POST", "channels/{}/answer")
        assert asterisk.agents[AGENT].timeline[-1] == "answered"
        await p.ask("DELETE", f"channels/{{}}/{what}")
        await p.leave()

    caller, _ = play(asterisk, connect)
    waits = {"ring": "ringing", "moh": "music"}[what]
    assert caller.timeline == [waits, "answered", f"connected to {AGENT}", "hung up"]


def test_a_tone_and_a_telephone_that_rings_for_nothing(asterisk: FakeAsterisk) -> None:
    agent = asterisk.agents[AGENT]

    async def ring(p: Program) -> None:
        await p.call()
        agent.answers_after = None
        await p.ring("1", timeout="0.1")
        await p.until("ChannelDestroyed", p.id("1"))
        agent.rejects = 486
        await p.ring("2")
        await p.until("ChannelDestroyed", p.id("2"))
        agent.rejects, agent.answers_after, agent.hangs_up_after = 0, 0.0, 0.1
        await p.ring("3")
        await p.until("ChannelDestroyed", p.id("3"))
        await p.leave()

    play(asterisk, ring)
    assert agent.timeline == ["rings", "released", "refused", "rings", "answered", "hung up"]


def test_early_media_is_heard_and_needs_no_answer(asterisk: FakeAsterisk) -> None:
    async def early(p: Program) -> None:
        await p.call(answered=False)
        await p.ask("POST", "channels/{}/progress")
        await p.play("1")
        await p.until("PlaybackFinished", p.id("1"))
        await p.ask("DELETE", "channels/{}", {"reason_code": "21"})
        await p.until("StasisEnd")

    caller, _ = play(asterisk, early)
    assert caller.timeline == ["early media", "a tone", "hung up with cause 21"]


def test_a_sound_that_was_stopped_was_not_heard(asterisk: FakeAsterisk) -> None:
    async def stop(p: Program) -> None:
        await p.call()
        await p.play("1")
        await p.until("PlaybackStarted", p.id("1"))
        await p.ask("DELETE", f"playbacks/{p.id('1')}")
        await p.until("PlaybackFinished", p.id("1"))
        await p.leave()

    caller, _ = play(asterisk, stop)
    assert caller.timeline == ["answered", "hung up"]


@pytest.mark.parametrize(
    ("where", "end"),
    [
        ({}, "connected"),
        ({"context": "choice", "extension": "eu"}, "redirected to choice,eu,1"),
        ({"context": "choice", "extension": "us", "priority": "2"}, "hung up"),
    ],
    ids=["the next line", "there", "not there"],
)
def test_where_a_call_goes_on(asterisk: FakeAsterisk, where: dict[str, str], end: str) -> None:
    async def go_on(p: Program) -> None:
        await p.call(answered=False)
        await p.ask("POST", "channels/{}/continue", where)
        await p.until("StasisEnd")

    caller, _ = play(asterisk, go_on, extensions=["choice,eu"])
    assert caller.timeline == [end]
    assert asterisk.channels == []


def test_legs_inherit_what_they_should(asterisk: FakeAsterisk) -> None:
    async def inherit(p: Program) -> None:
        await p.call()
        for name in ("__A", "_B", "C"):
            await p.ask("POST", "channels/{}/variable", {"variable": name, "value": name})
        await p.ring("leg")
        values = [
            (await p.ask("GET", f"channels/{p.id('leg')}/variable", {"variable": name})).body
            for name in ("A", "B", "C", "CHANNEL(linkedid)")
        ]
        assert [value.get("value") for value in values] == ["__A", "_B", None, p.caller]
        await p.ask("DELETE", f"channels/{p.id('leg')}")
        await p.leave()

    caller, _ = play(asterisk, inherit)
    assert [caller.variables[name] for name in "ABC"] == ["__A", "_B", "C"]


def test_a_message_next_to_a_call(asterisk: FakeAsterisk) -> None:
    async def send(p: Program) -> None:
        await p.call()
        for to in ("pjsip:caller/sip:+33612345678@127.0.0.2:5060", "pjsip:nobody/sip:x"):
            await p.ask(
                "PUT", "endpoints/sendMessage", {"to": to, "from": "x"}, {"body": "au Maroc"}
            )
        await p.leave()

    caller, done = play(asterisk, send)
    assert caller.read == ["au Maroc"]
    first, second = done.answers[1:]
    assert first.endswith(": 202")
    assert second.endswith(": 404 Endpoint not found")


def test_calls_at_the_same_time_have_nothing_to_do_with_one_another(
    asterisk: FakeAsterisk,
) -> None:
    faults = [Fault(hang_up_after=0.1), Fault()] * 10
    calls = [
        FakeChannel("100", unique_id=f"1763800000.{n}", sounds=SOUNDS, fault=fault)
        for n, fault in enumerate(faults)
    ]

    async def announce_all(p: Program) -> None:
        for call in calls:
            asterisk.begin(call)
        for number, call in enumerate(calls, 1):
            await p.until("StasisStart", call.unique_id)
            p.caller = call.unique_id
            await p.ask("POST", "channels/{}/answer")
            await p.play(f"{number}")
        for number, call in enumerate(calls, 1):
            await p.until("PlaybackFinished", p.id(f"{number}"))
            p.caller = call.unique_id
            await p.ask("POST", "channels/{}/continue")
            await p.until("StasisEnd", call.unique_id)

    play(asterisk, announce_all)
    assert [call.timeline for call in calls] == [
        ["answered", "hung up"],
        ["answered", "a tone", "connected"],
    ] * 10


# -- what goes wrong in a call -------------------------------------------------------------------


def test_a_caller_who_leaves_in_a_sound(asterisk: FakeAsterisk) -> None:
    async def tell(p: Program) -> None:
        await p.call()
        await p.play("1")
        await p.until("StasisEnd")

    caller, done = play(asterisk, tell, fault=Fault(hang_up_after=0.1))
    assert caller.timeline == ["answered", "hung up"]
    finished = next(e for e in done.events if e.type == "PlaybackFinished")
    assert finished.body["playback"]["state"] == "failed"


def test_a_caller_who_leaves_while_the_call_is_answered(asterisk: FakeAsterisk) -> None:
    async def answer(p: Program) -> None:
        await p.call()
        await p.until("StasisEnd")

    caller, done = play(asterisk, answer, fault=Fault(hang_up_after=0))
    assert caller.timeline == ["hung up"]
    assert done.answers == ["POST channels/{}/answer: 500 Failed to answer channel"]


REQUESTS: dict[str, Play] = {
    "ANSWER": lambda p: _ask(p, "POST", "answer"),
    "EXEC Progress": lambda p: _ask(p, "POST", "progress"),
    "STREAM FILE": lambda p: _ask(p, "POST", "play", {"media": "sound:/tone"}),
    "CHANNEL STATUS": lambda p: _ask(p, "GET", ""),
    "GET FULL VARIABLE ${DIALPLAN": lambda p: _ask(
        p, "GET", "variable", {"variable": "DIALPLAN_EXISTS(a,b,1)"}
    ),
    "GET FULL VARIABLE ${CHANNEL(state)}|": lambda p: _ask(
        p, "GET", "variable", {"variable": "EVAL(${CHANNEL(state)}|${A})"}
    ),
    "EXEC MSet": lambda p: _ask(p, "POST", "variable", {"variable": "A", "value": "1"}),
    "EXEC ChannelRedirect": lambda p: _ask(
        p, "POST", "continue", {"context": "choice", "extension": "eu"}
    ),
    "EXEC Hangup": lambda p: _ask(p, "DELETE", ""),
}


async def _ask(p: Program, method: str, what: str, query: dict[str, str] | None = None) -> None:
    await p.ask(method, f"channels/{{}}/{what}".rstrip("/"), query)


@pytest.mark.parametrize("command", REQUESTS)
def test_a_caller_who_leaves_before_a_request(asterisk: FakeAsterisk, command: str) -> None:
    async def ask(p: Program) -> None:
        await p.call(answered=False)
        await REQUESTS[command](p)
        await p.until("StasisEnd")

    caller, done = play(asterisk, ask, fault=Fault(hang_up_on=command))
    assert caller.timeline == ["hung up"]
    assert " 404 " in done.answers[-1]


def test_a_sound_opens_early_media_first(asterisk: FakeAsterisk) -> None:
    caller, _ = play(
        asterisk,
        lambda p: _call_and(p, REQUESTS["STREAM FILE"]),
        fault=Fault(hang_up_on="EXEC Progress"),
    )
    assert caller.timeline == ["hung up"]


async def _call_and(p: Program, then: Play) -> None:
    await p.call(answered=False)
    await then(p)


def test_a_caller_who_leaves_where_the_program_waits_for_a_key(asterisk: FakeAsterisk) -> None:
    async def wait(p: Program) -> None:
        await p.call()
        for name in ("1", "2"):
            await p.play(name)
            await p.until("PlaybackFinished", p.id(name))
        await p.until("StasisEnd")

    caller, _ = play(asterisk, wait, fault=Fault(hang_up_on="WAIT FOR DIGIT"))
    assert caller.timeline == ["answered", "a tone", "a tone", "hung up"]


def test_a_key_is_pressed_in_a_sound_and_after_it(asterisk: FakeAsterisk) -> None:
    async def wait(p: Program) -> None:
        await p.call()
        await p.play("1", "/beep")
        await p.play("2")
        await p.until("ChannelDtmfReceived")
        await p.leave()

    fault = Fault(press="7", press_in="tone", press_after=SECONDS + 0.1)
    caller, done = play(asterisk, wait, fault=fault)
    (key,) = (e for e in done.events if e.type == "ChannelDtmfReceived")
    assert key.body["digit"] == "7"
    assert caller.heard == ["a beep", "a tone"]


def test_a_bridge_tells_of_keys_only_where_that_was_asked_for(asterisk: FakeAsterisk) -> None:
    async def press(p: Program) -> None:
        await p.call()
        for kind in ("mixing", "mixing,dtmf_events"):
            bridge = f"bridges/{p.id(kind)}"
            await p.ask("POST", bridge, {"type": kind})
            await p.ask("POST", f"{bridge}/addChannel", {"channel": "{}"})
            await asyncio.to_thread(p.stage.press, str(len(kind)))
            await p.ask("DELETE", bridge)
        await p.until("ChannelDtmfReceived")
        await p.leave()

    _, done = play(asterisk, press)
    assert [e.body["digit"] for e in done.events if e.type == "ChannelDtmfReceived"] == ["18"]


@pytest.mark.parametrize("fault", [Fault(missing=True), Fault(empty=True)])
def test_a_sound_that_cannot_be_played_was_not_heard(asterisk: FakeAsterisk, fault: Fault) -> None:
    caller, done = play(asterisk, announce, fault=fault)
    assert caller.timeline == ["answered", "connected"]
    states = [e.body["playback"]["state"] for e in done.events if "playback" in e.body]
    assert states == ["playing", "failed"]


def test_a_telephone_that_takes_no_messages(asterisk: FakeAsterisk) -> None:
    async def allowed(p: Program) -> None:
        await p.call()
        await p.ask("GET", "channels/{}/variable", {"variable": "PJSIP_HEADER(read,Allow)"})
        await p.leave()

    _, done = play(asterisk, allowed, fault=Fault(no_text=True))
    assert done.answers[-1].endswith("200 INVITE, ACK, BYE")


def test_a_slow_asterisk(asterisk: FakeAsterisk) -> None:
    async def answer(p: Program) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        await p.call()
        assert clock() - begun >= 0.2
        await p.leave()

    play(asterisk, answer, fault=Fault(slow=0.2))


def test_an_asterisk_that_does_not_answer_a_request_does_not_carry_it_out(
    asterisk: FakeAsterisk,
) -> None:
    async def ask(p: Program) -> None:
        await p.call(answered=False)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(p.ask("POST", "channels/{}/answer"), 0.3)
        await p.leave()

    caller, _ = play(asterisk, ask, fault=Fault(silent_on="ANSWER"))
    assert caller.timeline == ["hung up"]


@pytest.mark.parametrize("command", [*REQUESTS, "WAIT FOR DIGIT"])
def test_an_asterisk_that_dies_takes_its_calls_with_it(
    asterisk: FakeAsterisk, command: str
) -> None:
    async def ask(p: Program) -> None:
        await p.call(answered=False)
        if command in REQUESTS:
            with suppress(aiohttp.ClientError):  # aiohttp asks again for what can be asked twice
                await REQUESTS[command](p)
        else:
            await p.play("1")
            await p.until("PlaybackFinished", p.id("1"))
        await closed(p)
        await p.ask("GET", "channels")
        assert (asterisk.channels, asterisk.bridges, asterisk.playbacks) == ([], [], [])

    caller, _ = play(asterisk, ask, fault=Fault(die_on=command))
    assert caller.timeline[-1] == "lost"


async def closed(p: Program) -> None:
    """Wait for the end of the WebSocket."""
    assert p.reading is not None
    await asyncio.wait_for(asyncio.shield(p.reading), 10)


# -- what goes wrong on the wire -----------------------------------------------------------------


def types(done: Program) -> list[str]:
    return [event.type for event in done.events]


WHOLE = [
    "StasisStart",
    "ChannelStateChange",
    "PlaybackStarted",
    "PlaybackFinished",
    "StasisEnd",
]


def test_events_that_are_lost_or_come_twice(asterisk: FakeAsterisk) -> None:
    asterisk.trouble = Trouble(lost=["PlaybackStarted"], doubled=["PlaybackFinished", "StasisEnd"])
    _, done = play(asterisk, announce)
    finished = ["PlaybackFinished"] * 2
    assert types(done)[:5] == [*WHOLE[:2], *finished, "StasisEnd"]


def test_an_event_that_comes_late_is_overtaken(asterisk: FakeAsterisk) -> None:
    asterisk.trouble = Trouble(late={"ChannelStateChange": SECONDS / 2})
    _, done = play(asterisk, announce)
    late = ["StasisStart", "PlaybackStarted", "ChannelStateChange", "PlaybackFinished"]
    assert types(done)[:4] == late


def test_two_events_that_change_places(asterisk: FakeAsterisk) -> None:
    async def tell(p: Program) -> None:
        await p.call()
        await p.play("1", "/missing")
        await p.until("PlaybackStarted", p.id("1"))
        await p.leave()

    asterisk.trouble = Trouble(swapped=[("PlaybackStarted", "PlaybackFinished")])
    _, done = play(asterisk, tell)
    assert types(done)[2:4] == ["PlaybackFinished", "PlaybackStarted"]
    _, done = play(asterisk, announce)
    assert types(done)[:5] == WHOLE, "they are not adjacent here, and none is held for long"


def test_requests_that_are_refused(asterisk: FakeAsterisk) -> None:
    async def play_thrice(p: Program) -> None:
        await p.call()
        for name in "123":
            await p.play(name)
        await p.until("PlaybackFinished", p.id("3"))
        await p.leave()

    asterisk.trouble = Trouble(refused={"POST channels/*/play/* #2": 503})
    caller, done = play(asterisk, play_thrice)
    statuses = [int(answer.rpartition("}: ")[2].split()[0]) for answer in done.answers[1:]]
    assert statuses == [201, 503, 201]
    assert caller.heard == ["a tone", "a tone"]


def test_an_answer_that_never_comes_to_a_request_that_was_carried_out(
    asterisk: FakeAsterisk,
) -> None:
    async def ask(p: Program) -> None:
        await p.call(answered=False)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(p.ask("POST", "channels/{}/answer"), 0.3)
        await p.until("ChannelStateChange")
        await p.leave()

    asterisk.trouble = Trouble(unanswered=["POST channels/*/answer"])
    caller, _ = play(asterisk, ask)
    assert caller.timeline == ["answered", "hung up"]


@pytest.mark.parametrize(
    ("trouble", "seen"),
    [
        (Trouble(break_at="PlaybackStarted"), WHOLE[:3]),
        (Trouble(break_at="PlaybackStarted", break_before=True), WHOLE[:2]),
        (Trouble(break_at=2), WHOLE[:2]),
    ],
    ids=["after an event", "before it", "after the second message"],
)
def test_a_connection_that_breaks_while_the_call_goes_on(
    asterisk: FakeAsterisk, trouble: Trouble, seen: list[str]
) -> None:
    async def lose(p: Program) -> None:
        await p.call()
        if seen != WHOLE[:2] or trouble.break_before:
            await p.play("1")
        await closed(p)
        assert types(p) == seen
        async with program(p.stage, "again") as again:
            again.caller = p.caller
            assert asterisk.channels == [p.caller]
            await again.play("2")
            await again.until("PlaybackFinished", again.id("2"))
            await again.leave()

    asterisk.trouble = trouble
    caller, _ = play(asterisk, lose)
    assert caller.timeline[-2:] == ["a tone", "hung up"]


def test_what_was_asked_for_is_done_even_if_nobody_waits_for_the_answer(
    asterisk: FakeAsterisk,
) -> None:
    async def go(p: Program) -> None:
        await p.call(answered=False)
        await p.play("1")
        await p.until("PlaybackStarted", p.id("1"))
        answer = await under_way(p, p.ask("POST", "channels/{}/answer"))
        answer.cancel()
        await p.until("ChannelStateChange")
        await p.leave()

    caller, _ = play(asterisk, go)
    assert caller.timeline == ["early media", "a tone", "answered", "hung up"]


def test_nobody_listens_for_a_while(asterisk: FakeAsterisk) -> None:
    async def lose(p: Program) -> None:
        with suppress(aiohttp.ClientError):
            await p.call()
        await closed(p)
        with pytest.raises(aiohttp.ClientError):
            await p.ask("GET", "channels")
        untold = FakeChannel("100", unique_id="1763800000.9", sounds=SOUNDS)
        await asyncio.to_thread(untold.call_stasis, asterisk)
        assert (untold.timeline, untold.variables["STASISSTATUS"]) == (["connected"], "FAILED")
        while True:
            try:
                await p.ask("GET", "channels")
            except aiohttp.ClientError:
                continue
            break
        await asyncio.to_thread(p.stage.leave)

    asterisk.trouble = Trouble(break_at="ChannelStateChange", away=0.5)
    play(asterisk, lose)
    assert any("nobody is connected" in line for line in asterisk.conversation)


def test_a_playback_that_never_ends(asterisk: FakeAsterisk) -> None:
    async def tell(p: Program) -> None:
        await p.call()
        await p.play("1")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(p.until("PlaybackFinished", p.id("1")), SECONDS * 2)
        await p.leave()

    asterisk.trouble = Trouble(endless=True)
    caller, _ = play(asterisk, tell)
    assert caller.timeline == ["answered", "hung up"]
    assert asterisk.playbacks == []


def test_a_restart_leaves_nothing(asterisk: FakeAsterisk) -> None:
    async def lose(p: Program) -> None:
        await p.call()
        await p.ring("leg")
        await p.until("StasisStart", p.id("leg"))
        await p.ask("POST", f"bridges/{p.id('b')}", {"type": "mixing"})
        await p.ask("POST", f"bridges/{p.id('b')}/addChannel", {"channel": f"{{}},{p.id('leg')}"})
        await p.play("1")
        await p.until("PlaybackStarted", p.id("1"))
        remove = p.ask("POST", f"bridges/{p.id('b')}/removeChannel", {"channel": "{}"})
        waits = await under_way(p, remove)
        await asyncio.to_thread(asterisk.restart)
        with pytest.raises(aiohttp.ClientError):
            await waits
        assert (await p.ask("GET", "channels")).body == []
        assert (await p.ask("GET", f"applications/{APPLICATION}")).status == 404

    caller, _ = play(asterisk, lose)
    left = f"parted from {AGENT}"
    assert caller.timeline == ["answered", f"connected to {AGENT}", left, "lost"]
    assert asterisk.agents[AGENT].timeline[-1] == "lost"
    assert (asterisk.channels, asterisk.bridges, asterisk.playbacks) == ([], [], [])


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("POST", "channels/{}/snoop", {}),
        ("POST", "bridges/b/moh", {}),
        ("GET", "endpoints", {}),
        ("POST", "channels/{}/play", {"media": "digits:5"}),
        ("PUT", "endpoints/sendMessage", {"to": "pjsip:caller", "from": "x", "body": "x"}),
    ],
)
def test_a_request_that_no_announced_call_needs_fails_the_test(
    asterisk: FakeAsterisk, method: str, path: str, query: dict[str, str]
) -> None:
    stage = Stage(asterisk)

    async def ask(p: Program) -> None:
        await p.until("StasisStart", stage.caller.unique_id)
        p.caller = stage.caller.unique_id
        await p.ask(method, path, query)
        await p.leave()

    async def run() -> None:
        async with program(stage, "test") as p:
            asking = asyncio.create_task(ask(p))
            with pytest.raises(UnscriptedCommandError):
                await asyncio.to_thread(stage.caller.call_stasis, asterisk)
            await asking

    asyncio.run(run())


def test_what_is_unscripted_outside_of_calls_fails_the_test_too() -> None:
    async def ask(asterisk: FakeAsterisk) -> int:
        return await status_of(asterisk, "recordings/live", authorization("test", "test-password"))

    with pytest.raises(UnscriptedCommandError), FakeAsterisk() as asterisk:
        assert asyncio.run(ask(asterisk)) == 501


def test_a_call_that_nobody_lets_go_of(asterisk: FakeAsterisk) -> None:
    async def hold(p: Program) -> None:
        with pytest.raises(AssertionError, match="did not happen within"):
            await asyncio.to_thread(FakeChannel(sounds=SOUNDS).call_stasis, asterisk, 0.2)

    play(asterisk, hold)


def test_something_that_does_not_happen(asterisk: FakeAsterisk) -> None:
    with pytest.raises(AssertionError, match="did not happen within"):
        asterisk.wait_for_application(0.1)


@pytest.mark.parametrize(
    ("path", "login", "status"),
    [
        ("asterisk/ping", {}, 401),
        ("asterisk/ping", authorization("test", "wrong"), 401),
        ("asterisk/ping", authorization("test", "test-password"), 200),
        ("asterisk/ping?api_key=test:test-password", {}, 200),
        ("events?app=a", {}, 401),
        ("events", authorization("test", "test-password"), 400),
    ],
)
def test_who_may_ask(asterisk: FakeAsterisk, path: str, login: dict[str, str], status: int) -> None:
    assert asyncio.run(status_of(asterisk, path, login)) == status


async def status_of(asterisk: FakeAsterisk, path: str, login: dict[str, str]) -> int:
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.get(f"{asterisk.url}/ari/{path}") as answer,
    ):
        return answer.status


# -- applications and their connections ----------------------------------------------------------


def test_a_second_program_takes_the_application_over(asterisk: FakeAsterisk) -> None:
    async def replace_it(p: Program) -> None:
        async with program(p.stage, "second") as second:
            await p.until("ApplicationReplaced")
            await second.call()
            known = await second.ask("GET", f"applications/{APPLICATION}")
            assert known.body["channel_ids"] == [second.caller]
            await second.leave()
        assert types(p) == ["ApplicationReplaced"]
        assert p.reading is not None
        assert not p.reading.done(), "it is left alone, not closed"

    play(asterisk, replace_it)


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        ("no JSON", 400, ""),
        ("[]", 400, ""),
        ("{}", 400, "No 'type' property."),
        ('{"type": "Other"}', 400, "Unknown request type."),
        ('{"type": "RESTRequest"}', 400, "Unknown or missing 'method' property."),
        (
            '{"type": "RESTRequest", "method": "POST", "uri": "bridges", "message_body": "{}"}',
            400,
            "No 'content_type' for 'message_body'.",
        ),
        ('{"type": "RESTRequest", "method": "GET", "uri": "channels"}', 200, ""),
    ],
)
def test_what_asterisk_says_to_requests_over_the_websocket(
    asterisk: FakeAsterisk, sent: str, status: int, message: str
) -> None:
    async def ask() -> dict[str, Any]:
        login = authorization(asterisk.user, asterisk.password)
        async with (
            aiohttp.ClientSession(headers=login) as session,
            session.ws_connect(f"{asterisk.url}/ari/events?app=a") as socket,
        ):
            await socket.send_str(sent)
            answer: dict[str, Any] = await socket.receive_json(timeout=10)
            return answer

    answer = asyncio.run(ask())
    assert (answer["type"], answer["status_code"]) == ("RESTResponse", status)
    assert message in answer.get("message_body", "")


def test_asterisk_16_takes_no_requests_over_the_websocket(fake_asterisk: Fake) -> None:
    async def ask(p: Program) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(p.ask_by_socket("GET", "asterisk/ping"), 0.3)
        assert (await p.ask("GET", "asterisk/ping")).ok

    play(fake_asterisk(version="16.28.0", application=APPLICATION), ask)


def test_a_message_that_is_too_long_ends_the_connection(asterisk: FakeAsterisk) -> None:
    async def shout(p: Program) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(p.ask_by_socket("GET", "x" * 70_000), 0.5)
        await closed(p)

    play(asterisk, shout)


class Answering:
    """A program that waits for Asterisk to connect; it answers, and lets go."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.connections = 0
        self.refuses = 0

    async def connected(self, request: web.Request) -> web.StreamResponse:
        if self.refuses:
            self.refuses -= 1
            raise web.HTTPServiceUnavailable
        assert request.headers["Authorization"] == authorization("fake", "secret")["Authorization"]
        self.connections += 1
        socket = web.WebSocketResponse(protocols=("ari",))
        await socket.prepare(request)
        async for message in socket:
            event = json.loads(message.data)
            self.events.append(event)
            if event["type"] == "StasisStart":
                uri = f"channels/{event['channel']['id']}/continue"
                asked = {"type": "RESTRequest", "request_id": "1", "method": "POST", "uri": uri}
                await socket.send_str(json.dumps(asked))
        return socket


@pytest.mark.parametrize("per_call", [False, True])
def test_asterisk_connects_to_the_program(per_call: bool) -> None:
    answering = Answering()
    answering.refuses = 1

    async def serve() -> None:
        server = web.Application()
        server.router.add_get("/ari", answering.connected)
        runner = web.AppRunner(server, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ari"
        await asyncio.to_thread(call_twice, Listener(url, "fake", "secret", per_call))
        await runner.cleanup()

    def call_twice(listener: Listener) -> None:
        with FakeAsterisk(application=APPLICATION, listener=listener) as asterisk:
            for number in range(2):
                call = FakeChannel("100", unique_id=f"1763800000.{number}").call_stasis(asterisk)
                assert call.timeline == ["connected"]
            asterisk.break_off()
            asterisk.wait_for(lambda: answering.connections == 2)

    asyncio.run(serve())
    kinds = [event["type"] for event in answering.events]
    assert kinds.count("StasisStart") == kinds.count("RESTResponse") == 2
    told = [e["application"] for e in answering.events if e["type"] == "ApplicationRegistered"]
    if per_call:
        assert told == [f"{APPLICATION}:PJSIP/trunk-00000001"] * 2
    else:
        assert set(told) == {APPLICATION}
        first = kinds.index("ApplicationRegistered")
        assert kinds[:first] == ["StasisStart"], "what came while it was refused, comes first"


def test_a_listener_that_is_never_there_gets_no_calls(fake_asterisk: Fake) -> None:
    nobody = Listener("ws://127.0.0.1:1/ari", "fake", "secret", per_call=True)
    asterisk = fake_asterisk(listener=nobody)
    call = FakeChannel("100").call_stasis(asterisk)
    assert (call.timeline, call.variables["STASISSTATUS"]) == (["connected"], "FAILED")


# -- for tests -----------------------------------------------------------------------------------


def test_two_calls_cannot_have_one_id(asterisk: FakeAsterisk) -> None:
    async def hold(p: Program) -> None:
        await p.call()
        with pytest.raises(ValueError, match="two calls with the id"):
            await asyncio.to_thread(FakeChannel("100").call_stasis, asterisk)
        await p.leave()

    play(asterisk, hold)


def test_a_failed_test_shows_what_was_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import urllib.request

        def test_call(fake_asterisk, fake_channel):
            asterisk = fake_asterisk()
            channel = fake_channel("100")
            channel.call_stasis(asterisk)
            key = f"{asterisk.user}:{asterisk.password}"
            urllib.request.urlopen(f"{asterisk.url}/ari/asterisk/ping?api_key={key}").close()
            assert channel.heard == ["something"]
        """
    )
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "*ARI conversation 1*",
            "timeline: *connected*",
            "*Asterisk 1*",
            "-> GET asterisk/ping*",
            "<- 200 GET asterisk/ping",
        ]
    )
