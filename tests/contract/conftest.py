"""The same call centre behind every door, with sounds that last a fifth of a second."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from callcentre_disclosure import CallFacts, Disclosure
from callcentre_disclosure.asterisk import relay
from callcentre_disclosure.asterisk.fastagi import FastAgiServer
from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import ManifestEntry, write_manifest
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.testing import FakeChannel
from callcentre_disclosure.testing.fake_ari import FakeAsterisk
from tests.call_centre import BIN, AriHandler, CallCentre, Server

SECONDS = 0.2

CONFIGURATION = """\
languages: [fr, en]
numbering: {country_code: "33", trunk_prefix: "0"}
sounds: {folder: sounds}
evidence: {file: evidence.sqlite}
sites:
  casablanca: {country: MA}
  tunis: {country: TN}
  lyon: {country: FR}
agents:
  PJSIP/201: {site: casablanca}
  PJSIP/3*: {site: tunis}
queues:
  support: {sites: [casablanca, tunis]}
  eu-service: {sites: [lyon]}
trunks:
  PJSIP/deaf: {sites: [casablanca], media: answered}
profiles:
  choosy: {version: "2026-11-22", choice: {region: EU, seconds: 0.5}}
  prompt: {deadline: 30}
routes:
  service: {numbers: ["+33 1 84 88 00 01"], queue: support, language: fr}
  premium: {numbers: ["+33 1 84 88 00 02"], sites: [lyon], on_failure: refuse}
  silent: {numbers: ["+33 1 84 88 00 03"], sites: [tunis], on_failure: silent}
  framed:
    numbers: ["+33 1 84 88 00 04"]
    sites: [tunis]
    language: fr
    company: Alpha
    segments: [recording, tariff]
  choosy:
    numbers: ["+33 1 84 88 00 05"]
    queue: support
    language: fr
    profile: choosy
    choice: eu-service
    media: early
    text: true
  everywhere: {numbers: ["+33 1 84 88 00 06"], queue: support, language: fr, on_failure: all}
  nowhere: {numbers: ["+33 1 84 88 00 07"], language: fr, on_failure: all}
  free: {numbers: ["+33 1 84 88 00 08"], queue: support, language: fr, profile: none}
  early: {numbers: ["+33 1 84 88 00 11"], queue: support, language: fr, media: early}
  prompt: {numbers: ["+33 1 84 88 00 10"], queue: support, language: fr, profile: prompt}
segments: {tariff: {fr: Cet appel est taxé., en: This call is charged.}}
domestic_country: FR
"""


@pytest.fixture
def centre(tmp_path: Path) -> CallCentre:
    """A call centre whose sounds are all built."""
    centre = CallCentre(tmp_path)
    centre.path.write_text(CONFIGURATION)
    (tmp_path / "sounds").mkdir()
    write_manifest(
        tmp_path / "sounds",
        {
            sentence.sound_name: ManifestEntry(
                sentence.text, {"wav": "0" * 64}, SECONDS, -22.0, "test"
            )
            for sentence in needed(load(centre.path))
        },
    )
    return centre


Call = Callable[[FakeChannel], FakeChannel]


def by_driver(centre: CallCentre) -> Call:
    """In this process, and in the fake's own time."""
    disclosure = Disclosure.from_file(centre.path)

    def call(channel: FakeChannel) -> FakeChannel:
        driver = disclosure.agi(channel.now)
        channel.run(driver)
        assert driver.record is not None
        disclosure.keep([driver.record])
        return channel

    return call


def by_script(centre: CallCentre) -> Call:
    """Through the AGI script."""
    command = [str(BIN / "callcentre-disclosure-agi")]
    return lambda channel: channel.call_script(command, centre.environment)


def by_server(server: Server) -> Call:
    """Through the FastAGI server; the channel is one with a ``script``."""
    return lambda channel: channel.call_server("127.0.0.1", server.port)


@pytest.fixture
def relayed(centre: CallCentre) -> Iterator[list[CallFacts]]:
    """Has a server in this process hold the sessions of scripts; the calls that it began."""
    disclosure, begun = Disclosure.from_file(centre.path), list[CallFacts]()

    def begin(call: CallFacts) -> Session:
        begun.append(call)
        return disclosure.begin(call)

    async def serve(ready: threading.Event, over: asyncio.Event) -> None:
        server = FastAgiServer(begin, disclosure.keep)
        await server.start(relay.listen(centre.path, [str(centre.folder / "cache")]))
        ready.set()
        await over.wait()
        await server.drain(5)
        await server.close()

    with ThreadPoolExecutor(1) as thread:
        loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
        serving = thread.submit(loop.run_until_complete, serve(ready, over))
        ready.wait(20)
        yield begun
        loop.call_soon_threadsafe(over.set)
        serving.result(20)
        loop.close()


def by_relay(centre: CallCentre, begun: list[CallFacts]) -> Call:
    """Through the AGI script, and the server behind it."""
    by_itself = by_script(centre)

    def call(channel: FakeChannel) -> FakeChannel:
        before = len(begun)
        by_itself(channel)
        assert len(begun) == before + 1
        return channel

    return call


def by_ari(centre: CallCentre, asterisk: FakeAsterisk) -> Call:
    """Through the ARI event handler, which is connected to the fake Asterisk."""

    def call(channel: FakeChannel) -> FakeChannel:
        before = len(centre.evidence())
        asterisk.wait_for_application()
        channel.call_stasis(asterisk)
        asterisk.wait_for(lambda: len(centre.evidence()) > before)
        return channel

    return call


@pytest.fixture
def asterisk(
    centre: CallCentre, fake_asterisk: Callable[..., FakeAsterisk]
) -> Iterator[FakeAsterisk]:
    """A fake Asterisk whose calls the ARI event handler holds; nothing is left of them."""
    fake = fake_asterisk()
    password = centre.folder / "ari-password"
    password.touch(0o600)
    password.write_text(fake.password)
    known = f"{{url: {fake.url}, user: {fake.user}, password_file: {password.name}}}"
    centre.path.write_text(f"{CONFIGURATION}ari: {{asterisks: {{fake: {known}}}}}\n")
    handler = AriHandler(centre)
    yield fake
    handler.stop()
    assert (fake.channels, fake.bridges, fake.playbacks) == ([], [], [])


@pytest.fixture
def over_ari(request: pytest.FixtureRequest) -> bool:
    """Whether the test's call comes through ARI."""
    return bool(request.node.callspec.params.get("door") == "ari")


@pytest.fixture(params=["driver", "script", "relay", "fastagi", "ari"])
def door(request: pytest.FixtureRequest, centre: CallCentre) -> Call:
    """Carries a call through one of the doors to the same call centre."""
    if request.param == "fastagi":
        return by_server(request.getfixturevalue("server"))
    if request.param == "ari":
        return by_ari(centre, request.getfixturevalue("asterisk"))
    if request.param == "relay":
        return by_relay(centre, request.getfixturevalue("relayed"))
    return by_driver(centre) if request.param == "driver" else by_script(centre)


@pytest.fixture
def dial(
    request: pytest.FixtureRequest, centre: CallCentre, fake_channel: Callable[..., FakeChannel]
) -> Callable[..., FakeChannel]:
    """A channel to that call centre, of the kind that the door takes."""
    socket_door = "fastagi" in request.node.name

    def channel(number: str = "0184880001", **keywords: Any) -> FakeChannel:
        without = keywords.pop("without", "\0")
        spoken = [p for p in centre.prompts() if without not in p.announcement.sound_name]
        keywords.setdefault("sounds", spoken)
        keywords.setdefault("extensions", ["disclosure-choice,eu-service"])
        if socket_door:
            keywords.setdefault("script", "disclose")
        return fake_channel(number, **keywords)

    return channel
