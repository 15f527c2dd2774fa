"""Somebody picks up a telephone that we ring: what Asterisk tells of it comes in any order, for the
channel that is picked up and the one that picks up belong to two of its threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from callcentre_disclosure.asterisk.ari.protocol import Request
from callcentre_disclosure.asterisk.stasis.call import Office
from callcentre_disclosure.asterisk.stasis.handler import Handler
from tests.unit.asterisk.ari.other_end import journey

from .switch import FarSwitch, channel, connected

CALLER = channel("caller", "PJSIP/trunk-1", "Ring")
PICKER = channel("picker", "PJSIP/401-1")


def nobody_is_told(_: object) -> NoReturn:
    raise AssertionError("an agent who calls a colleague is told nothing")


@dataclass
class Ringing:
    """An agent calls two colleagues, whose telephones ring: the legs."""

    far: FarSwitch
    handler: Handler
    legs: list[str]

    async def connected_to(self, who: str) -> None:
        await self.far.is_asked(
            lambda one: one.path.endswith("/addChannel") and one.query["channel"] == f"caller,{who}"
        )

    async def released(self, who: str) -> None:
        await self.far.is_asked(ends(who))


def ends(who: str) -> Callable[[Request], bool]:
    return lambda one: (one.method, one.path) == ("DELETE", f"channels/{who}")


def comes_in(leg: str, who: dict[str, Any] = PICKER) -> dict[str, Any]:
    return {"type": "StasisStart", "args": ["leg", leg], "channel": who}


def is_gone(leg: str, cause: int) -> dict[str, Any]:
    return {"type": "ChannelDestroyed", "cause": cause, "channel": channel(leg, state="Ringing")}


@asynccontextmanager
async def ringing_at(dial: str) -> AsyncIterator[Ringing]:
    handler = Handler("callcentre-disclosure", Office(nobody_is_told, nobody_is_told))
    async with connected(handler) as far:
        arguments = [f"dial={dial}", "transfer=yes"]
        far.tell({"type": "StasisStart", "args": arguments, "channel": CALLER})
        made = await far.is_asked(lambda one: "endpoint" in one.query, 1 + dial.count("&"))
        try:
            yield Ringing(far, handler, [one.path.removeprefix("channels/") for one in made])
        finally:
            far.tell({"type": "StasisEnd", "channel": CALLER})
            while handler.calls:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("cause", [16, 26])
@pytest.mark.parametrize("first", ["who picks up", "who was called"])
def test_others_ring_meanwhile(first: str, cause: int) -> None:
    """The other telephone would ring on for 20 s."""

    async def steps() -> None:
        async with ringing_at("PJSIP/201&PJSIP/301") as call:
            picked, other = call.legs
            told = [is_gone(picked, cause), comes_in(picked)]
            for event in told if first == "who was called" else reversed(told):
                call.far.tell(event)
                await asyncio.sleep(0.01)
            await call.connected_to("picker")
            await call.released(other)

    journey(steps())


def test_nobody_else_rings_and_the_machine_is_busy() -> None:
    """Asterisk tells that the telephone rings no more, and of who has picked it up when it comes
    to that."""

    async def steps() -> None:
        async with ringing_at("PJSIP/201") as call:
            (leg,) = call.legs
            call.far.tell(is_gone(leg, 16))
            await asyncio.sleep(0.3)
            call.far.tell(comes_in(leg))
            await call.connected_to("picker")

    journey(steps())


def test_who_picks_up_what_another_has_answered_is_released() -> None:
    async def steps() -> None:
        async with ringing_at("PJSIP/201&PJSIP/301") as call:
            answered, picked = call.legs
            call.far.tell(comes_in(answered, channel(answered)))
            await call.connected_to(answered)
            call.far.tell(comes_in(picked), is_gone(picked, 16))
            await call.released("picker")
            assert not [one for one in call.far.asked if ends(answered)(one)]

    journey(steps())


def test_who_picks_up_when_the_call_is_over_is_released() -> None:
    async def steps() -> None:
        async with ringing_at("PJSIP/201") as call:
            call.far.tell({"type": "StasisEnd", "channel": CALLER})
            while call.handler.calls:
                await asyncio.sleep(0.001)
            (leg,) = call.legs
            call.far.tell(comes_in(leg), is_gone(leg, 16))
            await call.released("picker")

    journey(steps())
