"""The FastAGI server on a real socket, with the fake channel in Asterisk's place."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from ipaddress import ip_network
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk import agi_driver, keeping
from callcentre_disclosure.asterisk.fastagi import FastAgiServer
from callcentre_disclosure.asterisk.guard import COMPLAINTS, Guard
from callcentre_disclosure.asterisk.observing import Unobserved
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import Session, SetVariables
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import disclose
from callcentre_disclosure.testing import FakeChannel, Fault

NUMBER = "0184880001"
POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
SECONDS = 0.2
ANYBODY = Guard()


@pytest.fixture
def quick(prompts: list[Prompt]) -> list[Prompt]:
    """The sounds of the call centre, spoken very fast."""
    return [replace(p, sound=replace(p.sound, seconds=SECONDS)) for p in prompts]


@pytest.fixture
def begin(directory: Directory, quick: list[Prompt]) -> Callable[[CallFacts], Session]:
    sounds = {prompt.announcement.sound_name: prompt.sound for prompt in quick}
    hurried = replace(directory, sounds=sounds)
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
    return lambda call: disclose(call, hurried, disclosure_id="id", received_at=moment)


@asynccontextmanager
async def serving(
    begin: Callable[[CallFacts], Session],
    keep: Callable[[Sequence[LedgerRecord]], None],
    guard: Guard = ANYBODY,
    observer: Unobserved | None = None,
) -> AsyncIterator[tuple[FastAgiServer, int]]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = FastAgiServer(begin, keep, observer or Unobserved(), guard)
    await server.start(listening)
    try:
        yield server, listening.getsockname()[1]
    finally:
        await server.drain(5)
        await server.close()


async def call(port: int, quick: list[Prompt], fault: Fault | None = None) -> FakeChannel:
    channel = FakeChannel(NUMBER, script="disclose", sounds=quick, fault=fault)
    return await asyncio.to_thread(channel.call_server, "127.0.0.1", port)


def test_a_call_goes_on_once_its_evidence_is_kept(
    begin: Callable[[CallFacts], Session], quick: list[Prompt]
) -> None:
    kept: list[LedgerRecord] = []

    async def journey() -> None:
        async with serving(begin, kept.extend) as (_, port):
            channel = await call(port, quick)
            assert channel.timeline == ["answered", POSSIBLE, "connected"]
            assert [record.outcome for record in kept] == [DisclosureOutcome.DISCLOSED]

    asyncio.run(journey())


def test_calls_are_served_side_by_side(
    begin: Callable[[CallFacts], Session], quick: list[Prompt]
) -> None:
    kept: list[LedgerRecord] = []

    async def journey() -> None:
        async with serving(begin, kept.extend) as (_, port):
            hung_up = Fault(hang_up_after=SECONDS / 2)
            channels = await asyncio.gather(
                *(call(port, quick, hung_up if n % 2 else None) for n in range(20))
            )
        assert [channel.timeline[-1] for channel in channels] == ["connected", "hung up"] * 10

    asyncio.run(journey())
    assert len(kept) == 20
    assert sum(record.outcome is DisclosureOutcome.ABANDONED for record in kept) == 10


@pytest.mark.parametrize("hello", [b"GET / HTTP/1.1\r\n\r\n", b"", b"agi_channel: x\n"])
def test_who_speaks_no_agi_is_shown_the_door(
    begin: Callable[[CallFacts], Session],
    quick: list[Prompt],
    hello: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agi_driver, "ENVIRONMENT_SECONDS", 0.1)

    async def journey() -> None:
        async with serving(begin, lambda _: None) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(hello)
            assert await reader.read() == b""
            writer.close()
            assert (await call(port, quick)).heard == [POSSIBLE]

    asyncio.run(journey())


def test_a_fault_of_ours_never_holds_a_call(quick: list[Prompt]) -> None:
    def broken(_: CallFacts) -> Session:
        raise RuntimeError("planted")

    async def journey() -> None:
        async with serving(broken, lambda _: None) as (_, port):
            assert (await call(port, quick)).timeline == ["connected"]

    asyncio.run(journey())


def test_a_disk_that_does_not_answer_holds_no_call(
    begin: Callable[[CallFacts], Session], quick: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "EVIDENCE_SECONDS", 0.05)
    disk = threading.Event()
    kept: list[LedgerRecord] = []

    def stuck(records: Sequence[LedgerRecord]) -> None:
        assert disk.wait(10)
        kept.extend(records)

    async def journey() -> None:
        async with serving(begin, stuck) as (_, port):
            assert (await call(port, quick)).timeline[-1] == "connected"
            assert kept == []
            disk.set()

    asyncio.run(journey())
    assert len(kept) == 1, "the evidence follows when the disk is back"


def test_a_drained_server_lets_its_calls_end(
    begin: Callable[[CallFacts], Session], quick: list[Prompt]
) -> None:
    playing = threading.Event()

    def begun(facts: CallFacts) -> Session:
        playing.set()
        return begin(facts)

    async def journey() -> None:
        async with serving(begun, lambda _: None) as (server, port):
            running = asyncio.create_task(call(port, quick))
            await asyncio.to_thread(playing.wait, 5)
            await server.drain(5)
            assert (await running).heard == [POSSIBLE]
            with pytest.raises(ConnectionRefusedError):
                await call(port, quick)

    asyncio.run(journey())


def test_calls_that_outlast_the_drain_leave_their_evidence(
    begin: Callable[[CallFacts], Session], quick: list[Prompt]
) -> None:
    kept: list[LedgerRecord] = []
    begun: list[CallFacts] = []

    def counted(facts: CallFacts) -> Session:
        begun.append(facts)
        return begin(facts)

    async def journey() -> None:
        async with serving(counted, kept.extend) as (server, port):
            fault = Fault(silent_on="STREAM FILE")
            calls = [asyncio.create_task(call(port, quick, fault)) for _ in range(10)]
            while len(begun) < len(calls):
                await asyncio.sleep(0.01)
            await server.drain(0.01)
            await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(journey())
    assert len(kept) == 10
    assert {record.outcome for record in kept} == {DisclosureOutcome.NOT_DISCLOSED}


class Refusals(Unobserved):
    def __init__(self) -> None:
        self.count = 0

    def refused(self) -> None:
        self.count += 1


def ignore(_: Sequence[LedgerRecord]) -> None:
    pass


@pytest.mark.parametrize(
    ("allowed", "host", "admitted"),
    [
        ([], "203.0.113.9", True),
        (["10.1.0.0/16"], "10.1.2.3", True),
        (["10.1.0.0/16"], "10.2.0.1", False),
        (["192.0.2.1", "10.1.0.0/16"], "::ffff:10.1.2.3", True),
        (["2001:db8::/32"], "2001:db8::9", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["10.1.0.0/16"], "2001:db8::9", False),
    ],
)
def test_who_may_connect(allowed: list[str], host: str, admitted: bool) -> None:
    assert Guard(tuple(map(ip_network, allowed))).admits(host) is admitted


def test_a_stranger_is_shown_the_door_before_a_word_is_said(
    begin: Callable[[CallFacts], Session], caplog: pytest.LogCaptureFixture
) -> None:
    refusals = Refusals()

    async def journey() -> None:
        elsewhere = Guard((ip_network("192.0.2.0/24"),))
        async with serving(begin, ignore, elsewhere, refusals) as (_, port):
            for _ in range(COMPLAINTS + 5):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()

    asyncio.run(journey())
    assert refusals.count == COMPLAINTS + 5
    said = [record.getMessage() for record in caplog.records]
    assert "127.0.0.1 connected, and --allow does not name it" in said[0]
    assert len(said) == COMPLAINTS, "a stranger does not fill the disk with our log"


def test_whoever_connects_to_the_socket_for_scripts_is_no_host(
    begin: Callable[[CallFacts], Session], tmp_path: Path
) -> None:
    """Not even one that has bound its own end to a path."""
    elsewhere = Guard((ip_network("192.0.2.0/24"),))

    async def journey() -> None:
        with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as script:
            listening.bind(str(tmp_path / "server"))
            server = FastAgiServer(begin, ignore, guard=elsewhere)
            await server.start(listening)
            script.bind(str(tmp_path / "script"))
            script.connect(str(tmp_path / "server"))
            script.sendall(b"agi_network: no\n\n")
            script.settimeout(5)
            assert (await asyncio.to_thread(script.recv, 4)) == b"GET "
            script.close()
            await server.drain(5)
            await server.close()

    asyncio.run(journey())


def test_a_script_that_did_not_wait_for_us_leaves_the_evidence_itself(
    begin: Callable[[CallFacts], Session], tmp_path: Path
) -> None:
    kept: list[LedgerRecord] = []

    async def journey() -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "server"))
            listening.listen()
            with socket.socket(socket.AF_UNIX) as script:
                script.connect(str(tmp_path / "server"))
                script.sendall(b"agi_network: no\nagi_uniqueid: 1.1\n\n")
            server = FastAgiServer(begin, kept.extend)
            await server.start(listening)
            with socket.socket(socket.AF_UNIX) as after:  # is accepted after the other one
                after.connect(str(tmp_path / "server"))
                after.sendall(b"agi_network: no\nagi_uniqueid: 1.2\n\n")
                after.settimeout(5)
                assert (await asyncio.to_thread(after.recv, 4)) == b"GET "
                after.sendall(b"200 result=0\n")
                await asyncio.to_thread(after.recv, 4096)
            await server.drain(5)
            await server.close()

    asyncio.run(journey())
    assert [record.call.unique_id for record in kept] == ["1.2"]


def test_who_says_nothing_makes_room_for_calls(
    begin: Callable[[CallFacts], Session], quick: list[Prompt]
) -> None:
    refusals = Refusals()

    async def journey() -> None:
        async with serving(begin, ignore, Guard(calls=3), refusals) as (_, port):
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            channels = await asyncio.gather(*(call(port, quick) for _ in range(3)))
            assert [channel.heard for channel in channels] == [[POSSIBLE]] * 3
            for reader, writer in silent:
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()

    asyncio.run(journey())
    assert refusals.count == 3


def test_one_call_too_many_goes_on_at_once_and_no_other_suffers(
    begin: Callable[[CallFacts], Session], quick: list[Prompt]
) -> None:
    playing = threading.Semaphore(0)
    refusals = Refusals()

    def begun(facts: CallFacts) -> Session:
        playing.release()
        return begin(facts)

    async def journey() -> None:
        async with serving(begun, ignore, Guard(calls=2), refusals) as (_, port):
            held = [asyncio.create_task(call(port, quick)) for _ in range(2)]
            for _ in held:
                assert await asyncio.to_thread(playing.acquire, timeout=5)
            with pytest.raises(ConnectionError):
                await call(port, quick)
            assert [channel.heard for channel in await asyncio.gather(*held)] == [[POSSIBLE]] * 2
            assert (await call(port, quick)).heard == [POSSIBLE], "there is room again"

    asyncio.run(journey())
    assert refusals.count == 1


def test_a_call_is_introduced_in_time_or_not_at_all(
    begin: Callable[[CallFacts], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time counts from the connection, whatever comes meanwhile."""
    monkeypatch.setattr(agi_driver, "ENVIRONMENT_SECONDS", 0.3)

    async def trickle(writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(b"agi_x: y\n")
                await writer.drain()
                await asyncio.sleep(0.01)

    async def journey() -> None:
        async with serving(begin, ignore) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            trickling = asyncio.create_task(trickle(writer))
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            trickling.cancel()
            writer.close()

    asyncio.run(journey())


def test_who_does_not_read_what_we_say_is_let_go_of(
    begin: Callable[[CallFacts], Session], caplog: pytest.LogCaptureFixture
) -> None:
    said = -1

    def chatty(facts: CallFacts) -> Session:
        nonlocal said
        for said in range(4000):  # noqa: B007
            yield SetVariables({"X": "x" * 1900})
        return (yield from begin(facts))

    async def journey() -> None:
        async with serving(chatty, ignore) as (server, port):
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", port))
            deaf.sendall(b"agi_network: yes\n\n")
            assert await asyncio.to_thread(deaf.recv, 1)
            for number in range(4000):
                deaf.sendall(b"200 result=1\n")
                while said < number:
                    await asyncio.sleep(0)
            deaf.shutdown(socket.SHUT_WR)
            await server.drain(5)
            deaf.close()

    asyncio.run(journey())
    assert not caplog.records, "it was not there any more when the server had waited"
