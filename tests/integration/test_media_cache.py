"""Installed sounds on real Asterisks: by their names, and from a web server.

``sounds.url`` has Asterisk fetch each sound once and keep it in its media cache. What that costs a
call while the web server is down is measured here, for nothing else of Asterisk's tells.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.speech.build import build
from callcentre_disclosure.speech.engines import NanoTts
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Match, find
from callcentre_disclosure.testing.sip import Call, Phone
from tests import command_line
from tests.call_centre import CallCentre, Server
from tests.dialplans import announced_dial
from tests.integration.conftest import AGENT_HZ, RunAsterisk

CONFIGURATION = """\
languages: [fr]
sites: {casablanca: {country: MA}}
default: {sites: [casablanca]}
"""
YEAR = {"Cache-Control": "max-age=31536000"}
"""What the administrators' handbook asks a web server for."""
LOOKUPS = 3
"""How often Asterisk asks for a sound that it does not get: in the channel's language, in none,
and in English."""


class Web:
    """A web server of a folder; ``asked`` is what it was asked for so far."""

    def __init__(self, folder: Path) -> None:
        self.headers: Mapping[str, str] = YEAR
        self.asked: list[str] = []
        handler = partial(_Handler, self, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """From now on connections are refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, web: Web, *arguments: Any, **options: Any) -> None:
        self._web = web
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        self._web.asked.append(f"GET {self.path}")
        super().do_GET()

    def do_HEAD(self) -> None:
        self._web.asked.append(f"HEAD {self.path}")
        if self.headers.get("If-None-Match") == self._web.headers.get("ETag"):
            self.send_response(304)
            self.end_headers()
        else:
            super().do_HEAD()

    def end_headers(self) -> None:
        for name, value in self._web.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    serving = Web(tmp_path / "web")
    yield serving
    serving.stop()


@pytest.fixture
def amina() -> Iterator[Phone]:
    """PJSIP/201, in Casablanca."""
    with Phone(number="201", answer_after=0.1, play=AGENT_HZ) as phone:
        yield phone


def company(folder: Path, sounds: str) -> CallCentre:
    """A company whose sounds are built and installed."""
    centre = CallCentre(folder)
    centre.path.write_text(f"{CONFIGURATION}sounds: {{folder: built, {sounds}}}\n")
    configuration = load(centre.path)
    entry = configuration.sounds
    build(
        needed(configuration), entry.folder, {"fr": NanoTts()}, formats=entry.formats, level=-22.0
    )
    return centre


def install(centre: CallCentre, *arguments: str) -> None:
    command = ["prompts", "install", "--config", str(centre.path), *arguments]
    done = command_line.run(*command)
    assert done.exit_code == 0, done.output


def sound(centre: CallCentre, name: str) -> Path:
    """The file that a sound was built as, by the beginning of its name."""
    (found,) = (centre.folder / "built/fr").glob(f"{name}-????????.wav")
    return found


def heard_whole(call: Call, reference: Path) -> Match:
    match = find(call.recording(), reference)
    assert match is not None
    assert match.complete, match
    return match


@dataclass(frozen=True)
class Told:
    """A call that came to an agent: the announcement that it was to hear, if it did, and when the
    telephone of the agent rang (seconds)."""

    match: Match | None
    connected_after: float

    @property
    def whole(self) -> bool:
        return (
            self.match is not None
            and self.match.complete
            and self.match.end <= self.connected_after
        )


class Line:
    """The company, connected to an Asterisk; calls are told where they may be answered."""

    def __init__(
        self,
        centre: CallCentre,
        caller: Phone,
        amina: Phone,
        server: Server,
        run_asterisk: RunAsterisk,
    ) -> None:
        self.centre = centre
        self._caller = caller
        self._amina = amina
        self._server = server
        self._run_asterisk = run_asterisk

    def connect(self, timeout: int = 5) -> PrivateAsterisk:
        """``timeout``: how long a transfer may take, in seconds, from Asterisk 18 on."""
        self._asterisk = self._run_asterisk(
            announced_dial("PJSIP/201", f"127.0.0.1:{self._server.port}", "inbound"),
            agents={"201": self._amina.port},
            languages={"caller": "fr"},
            environment=self.centre.environment,
            files={"res_http_media_cache.conf": f"[general]\ntimeout_secs = {timeout}\n"},
        )
        return self._asterisk

    def call(self, reference: Path) -> Told:
        call = self._caller.call("100", self._asterisk.sip_address)
        leg = self._amina.next_call(timeout=20)
        leg.wait_for("answered")
        call.hang_up()
        leg.wait_for("ended")
        return Told(find(call.recording(), reference), leg.t0 - call.t0)

    def outcomes(self) -> list[str]:
        self._server.stop()
        return [record["outcome"] for record in self.centre.evidence()]


@pytest.fixture
def line(
    centre: CallCentre, caller: Phone, amina: Phone, server: Server, run_asterisk: RunAsterisk
) -> Line:
    return Line(centre, caller, amina, server, run_asterisk)


class TestByName:
    """Below Asterisk's own folder of sounds."""

    @pytest.fixture
    def centre(self, tmp_path: Path) -> CallCentre:
        (tmp_path / "asterisk/data/sounds").mkdir(parents=True)
        centre = company(tmp_path, "installed: asterisk/data/sounds")
        install(centre)
        return centre

    def test_a_dialplan_plays_it_in_the_language_of_the_channel(
        self, run_asterisk: RunAsterisk, caller: Phone, centre: CallCentre
    ) -> None:
        reference = sound(centre, "possible-ma")
        asterisk = run_asterisk(
            f"""\
[inbound]
exten => 100,1,Answer()
 same => n,Set(CHANNEL(language)=fr)
 same => n,Playback({reference.stem})
 same => n,Hangup()
"""
        )
        call = caller.call("100", asterisk.sip_address)
        call.wait_for("ended")
        assert heard_whole(call, reference).start < 0.5

    def test_calls_play_it_from_there(self, line: Line) -> None:
        built = line.centre.folder / "built"
        reference = sound(line.centre, "possible-ma").rename(line.centre.folder / "reference.wav")
        for file in built.glob("fr/*"):
            file.unlink()
        line.connect()
        assert line.call(reference).whole
        assert line.outcomes() == ["DISCLOSED"]


class TestFromAWebServer:
    """By ``sounds.url``."""

    @pytest.fixture
    def centre(self, tmp_path: Path, web: Web) -> CallCentre:
        centre = company(tmp_path, f"url: 'http://127.0.0.1:{web.port}'")
        install(centre, "--http", str(tmp_path / "web"))
        return centre

    @pytest.fixture
    def possible(self, centre: CallCentre) -> Path:
        return sound(centre, "possible-ma")

    def test_is_fetched_once_and_kept(self, line: Line, web: Web, possible: Path) -> None:
        line.connect()
        assert line.call(possible).whole
        (asked,) = web.asked
        assert asked.startswith(f"GET /fr/{possible.stem}")
        assert line.call(possible).whole
        web.stop()
        assert line.call(possible).whole
        assert web.asked == [asked]
        assert line.outcomes() == ["DISCLOSED"] * 3

    def test_without_an_age_each_call_asks_whether_it_changed(
        self, line: Line, web: Web, possible: Path
    ) -> None:
        """And once the server is down, Asterisk throws away what it has."""
        web.headers = {"ETag": '"one"'}
        line.connect()
        assert line.call(possible).whole
        before = len(web.asked)
        assert line.call(possible).whole
        assert {asked.split()[0] for asked in web.asked[before:]} == {"HEAD"}
        web.stop()
        told = line.call(possible)
        assert told.match is None
        assert told.connected_after < 2.0
        assert line.outcomes() == ["DISCLOSED", "DISCLOSED", "NOT_DISCLOSED"]

    def test_a_server_that_refuses_connections_holds_no_call(
        self, line: Line, web: Web, possible: Path
    ) -> None:
        line.connect()
        web.stop()
        told = line.call(possible)
        assert told.match is None
        assert told.connected_after < 2.0
        assert line.outcomes() == ["NOT_DISCLOSED"]

    @pytest.mark.parametrize("silence", ["accepts and says nothing", "answers nothing at all"])
    def test_a_server_that_is_silent_holds_a_call_as_long_as_asterisk_is_told(
        self, line: Line, web: Web, possible: Path, silence: str
    ) -> None:
        """``timeout_secs`` for each look-up of the sound that names the country, and of the one
        that names none. Asterisk 16 cannot be told: there it is 180 s, for either sound nine
        minutes (540 s were measured, and 404 s where no connection comes about)."""
        asterisk = line.connect(timeout=1)
        if asterisk.installation.major == 16:
            help_text = asterisk.command("config show help res_http_media_cache")
            assert "timeout_secs" not in help_text
            return
        web.stop()
        queue = 0 if silence == "answers nothing at all" else 16
        with ExitStack() as open_sockets:
            silent = socket.create_server(("127.0.0.1", web.port), backlog=queue)
            open_sockets.enter_context(silent)
            for _ in range(0 if queue else 4):  # the queue is full: packets get no answer
                waiting = open_sockets.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(silent.getsockname())
            told = line.call(possible)
        assert told.match is None
        assert told.connected_after == pytest.approx(2 * LOOKUPS, abs=1.5)
        assert line.outcomes() == ["NOT_DISCLOSED"]
