"""Mailboxes: each event once, in order, to those whom it concerns; never in the reader's way."""

from __future__ import annotations

import asyncio

import pytest

from callcentre_disclosure.asterisk.ari import mailbox as mailbox_module
from callcentre_disclosure.asterisk.ari.mailbox import MISSED, Mailbox, Mailboxes, Missed
from callcentre_disclosure.asterisk.ari.protocol import Event

from .other_end import journey


def about(*ids: str, type: str = "Dial") -> Event:  # noqa: A002
    return Event(type, {f"part{n}": {"id": id} for n, id in enumerate(ids)})  # noqa: A001


async def everything(mailbox: Mailbox) -> list[Event | Missed]:
    came = []
    while (event := await mailbox.next(0)) is not None:
        came.append(event)
    return came


def test_each_event_goes_once_and_in_order_to_those_whom_it_concerns() -> None:
    async def steps() -> None:
        mailboxes = Mailboxes()
        caller, agent = mailboxes.open(), mailboxes.open()
        caller.follow("caller", "bridge")
        agent.follow("agent", "bridge")
        told = [about("caller"), about("caller", "bridge"), about("agent"), about("other")]
        for event in told:
            mailboxes.deliver(event)
        assert await everything(caller) == told[:2]
        assert await everything(agent) == told[1:3]

    journey(steps())


def test_a_channel_that_takes_the_place_of_another_is_followed_at_once() -> None:
    """As in a transfer, after which the new one may have hung up before anybody looks."""

    async def steps() -> None:
        mailboxes = Mailboxes()
        mailbox = mailboxes.open()
        mailbox.follow("agent")
        local = {"id": "local"}
        takes = Event("StasisStart", {"channel": local, "replace_channel": {"id": "agent"}})
        leaves = Event("StasisEnd", {"channel": local})
        for event in (takes, leaves):
            mailboxes.deliver(event)
        assert await everything(mailbox) == [takes, leaves]
        assert mailbox.followed == {"agent", "local"}

    journey(steps())


def test_what_is_forgotten_comes_no_more_and_what_came_stays() -> None:
    async def steps() -> None:
        mailboxes = Mailboxes()
        one, other = mailboxes.open(), mailboxes.open()
        one.follow("a", "b")
        other.follow("a")
        mailboxes.deliver(about("a"))
        one.forget("a", "unknown")
        mailboxes.deliver(about("a"))
        mailboxes.deliver(about("b"))
        assert await everything(one) == [about("a"), about("b")]
        assert await everything(other) == [about("a"), about("a")]

    journey(steps())


def test_the_next_event_is_waited_for() -> None:
    async def steps() -> None:
        mailboxes = Mailboxes()
        with mailboxes.open() as mailbox:
            mailbox.follow("a")
            assert await mailbox.next(0.001) is None
            waiting = asyncio.ensure_future(mailbox.next(None))
            await asyncio.sleep(0)
            mailboxes.deliver(about("a"))
            mailboxes.deliver(about("a", "b"))
            assert await waiting == about("a")
            assert await mailbox.next(5) == about("a", "b")

    journey(steps())


def test_a_reader_that_is_cancelled_takes_no_event_with_it() -> None:
    async def steps() -> None:
        mailboxes = Mailboxes()
        mailbox = mailboxes.open()
        mailbox.follow("a")
        waiting = asyncio.ensure_future(mailbox.next(None))
        await asyncio.sleep(0)
        mailboxes.deliver(about("a"))
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert await mailbox.next(0) == about("a")

    journey(steps())


def test_a_full_mailbox_says_so_instead_of_growing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "CAPACITY", 3)

    async def steps() -> None:
        mailboxes = Mailboxes()
        slow, idle = mailboxes.open(), mailboxes.open()
        slow.follow("a")
        idle.follow("b")
        for n in range(5):
            mailboxes.deliver(about("a", type=str(n)))
        assert await everything(slow) == [MISSED, about("a", type="4")]
        assert await everything(idle) == []

    journey(steps())


def test_after_a_reconnect_what_came_before_still_counts() -> None:
    async def steps() -> None:
        mailboxes = Mailboxes()
        mailbox = mailboxes.open()
        mailbox.follow("a")
        mailboxes.deliver(about("a"))
        mailboxes.missed()
        mailboxes.missed()
        mailboxes.deliver(about("a", "b"))
        assert await everything(mailbox) == [about("a"), MISSED, about("a", "b")]

    journey(steps())


def test_a_closed_mailbox_is_empty_and_holds_nobody() -> None:
    async def steps() -> None:
        mailboxes = Mailboxes()
        with mailboxes.open() as mailbox:
            mailbox.follow("a")
            waiting = asyncio.ensure_future(mailbox.next(None))
            await asyncio.sleep(0)
        assert await waiting is None
        mailbox.follow("a")
        mailboxes.deliver(about("a"))
        mailboxes.missed()
        assert await mailbox.next(None) is None

    journey(steps())
