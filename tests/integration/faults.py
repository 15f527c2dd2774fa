"""A house whose ARI event handler can be killed, cut off and frozen in the middle of calls, and
what must be left when a call is over: nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callcentre_disclosure.testing.g711 import SAMPLE_RATE
from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Match, Recording, find
from callcentre_disclosure.testing.sip import Phone
from tests.call_centre import AriHandler, CallCentre
from tests.integration.office import (
    CONFIGURATION,
    NUMBER,
    ROUTES,
    VOICES,
    Heard,
    Office,
    Route,
    open_office,
)
from tests.integration.wire import Wire

ANSWERED_FR = "fr/answered-fr"
#: What a caller hears in the dialplan behind the handler: who was not announced by anybody, and
#: whom no agent has answered.
UNTOLD_HZ, UNANSWERED_HZ = 700, 2200

#: A handler without calls ends within so many seconds (on a busy machine: its connections say
#: goodbye first); one that holds any waits a minute for its end.
AT_ONCE = 10.0

#: A route's own number has whom the configuration says called; with an agent's number before it,
#: that agent, and with * before that for two seconds only.
DIALPLAN = f"""\
[inbound]
exten => _01848800XX,1,Stasis(callcentre-disclosure,dial=route)
 same => n,Goto(after,s,1)
exten => _[234]0101848800XX,1,Stasis(callcentre-disclosure,dial=PJSIP/${{EXTEN:0:3}},did=${{EXTEN:3}})
 same => n,Goto(after,s,1)
exten => _*[234]0101848800XX,1,Stasis(callcentre-disclosure,dial=PJSIP/${{EXTEN:1:3}},did=${{EXTEN:4}},seconds=2)
 same => n,Goto(after,s,1)

[after]
exten => s,1,GotoIf($["${{DIALSTATUS}}" = ""]?untold)
 same => n,PlayTones({UNANSWERED_HZ})
 same => n,Wait(1)
 same => n,Hangup()
 same => n(untold),Answer()
 same => n,PlayTones({UNTOLD_HZ})
 same => n,Wait(1)
 same => n,Hangup()
"""  # noqa: E501
#: Callers by the address that they call from, so that the evidence tells whose it is.
CALLERS = {
    "caller": "127.0.0.2",
    "second": "127.0.0.3",
    "third": "127.0.0.4",
    "last": "127.0.0.5",
    "next": "127.0.0.6",
}

#: The routes of the office, and one more that refuses, with its own first announcement.
EXACT_REFUSE = Route("exact-refuse", "queue: rabat, on_failure: refuse", NUMBER.format(99))
_ROUTES = {**ROUTES, EXACT_REFUSE.name: EXACT_REFUSE}
_CONFIGURATION = CONFIGURATION + "".join(
    f'  {route.name}: {{numbers: ["{route.number}"], {route.text}}}\n' for route in _ROUTES.values()
)


class Handler(AriHandler):
    """The handler, and all that it has said."""

    def __init__(self, centre: CallCentre, asterisks: int = 1) -> None:
        self.said: list[str] = []
        super().__init__(centre, asterisks)

    def _said(self, line: str) -> None:
        self.said.append(line)
        super()._said(line)

    def kill(self) -> None:
        """The handler with all its processes, as by a machine that loses its power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.hang_up_the_log()

    def kill_worker(self) -> None:
        """The process that does the work; the one that watches it starts another."""
        (worker,) = self.workers()
        os.kill(worker, signal.SIGKILL)

    def ends_within(self, seconds: float) -> None:
        """It drains, and has no call left that would have to end first."""
        began = time.monotonic()
        self.stop()
        assert time.monotonic() - began < seconds, self.said
        assert not [line for line in self.said if "in progress when" in line], self.said


class House:
    """What stays from one test to the next: one Asterisk or several, by name, that all call the
    same agents, and the wire between them and the handler.

    ``ari`` is what the configuration says about them, ``connected`` how many of them are connected
    before anybody calls.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.centre = open_office(folder, _CONFIGURATION)
        self.ports = {number: free_port() for number in (*VOICES, "consumer")}
        self.asterisks: dict[str, PrivateAsterisk] = {}
        self.wires: list[Wire] = []
        self.ari = ""
        self.connected = 1
        self._configuration = self.centre.path.read_text()

    def asterisk(self, installation: Installation, name: str, **options: Any) -> PrivateAsterisk:
        """Another one, to be started."""
        self.asterisks[name] = PrivateAsterisk(
            installation,
            self.folder / name,
            extensions=DIALPLAN,
            agents=self.ports,
            callers=CALLERS,
            languages=dict.fromkeys(CALLERS, "fr"),
            environment=self.centre.environment,
            **options,
        )
        return self.asterisks[name]

    def password_file(self, name: str, password: str) -> str:
        """A file that holds a password."""
        file = self.folder / f"{name}-password"
        file.write_text(password)
        file.chmod(0o600)
        return file.name

    def handler(self) -> Handler:
        """Starts the handler, and waits for it to be connected."""
        self.centre.path.write_text(f"{self._configuration}ari: {self.ari}\n")
        return Handler(self.centre, self.connected)


@dataclass
class Staff(Office):
    """The office of a test, with more callers, and the handler that holds their calls.

    ``wire`` is that of the first Asterisk.
    """

    house: House = field(kw_only=True)
    handler: Handler = field(kw_only=True)
    callers: dict[str, Phone] = field(kw_only=True)

    def __post_init__(self) -> None:
        self.logged = len(self.asterisk.log_text())

    @property
    def wire(self) -> Wire:
        return self.house.wires[0]

    def call_from(
        self, caller: str, number: str = "", route: str = "group", *, at: str = ""
    ) -> Heard:
        """Somebody calls a route and, by an agent's number before it, that agent there; over the
        Asterisk of that name, or the first."""
        asterisk = self.house.asterisks[at] if at else self.asterisk
        number += _ROUTES[route].number
        return Heard(self, self.callers[caller].call(number, asterisk.sip_address))

    def phones(self) -> list[Phone]:
        """All telephones."""
        return [*self.agents.values(), *self.callers.values()]

    def records(self, heard: Heard) -> list[dict[str, Any]]:
        """The evidence of one call so far."""
        ours = next(name for name, phone in self.callers.items() if heard.call in phone.calls)
        records = self.centre.evidence()[self.before :]
        return [record for record in records if record["channel"].startswith(f"PJSIP/{ours}-")]

    def outcomes(self, heard: Heard) -> list[str]:
        """What the evidence says of a call so far."""
        return [record["outcome"] for record in self.records(heard)]

    def wait_for_log(self, what: str) -> None:
        """Wait until Asterisk says something that it has not said in this test before."""
        deadline = time.monotonic() + 10
        while what not in self.asterisk.log_text()[self.logged :]:
            assert time.monotonic() < deadline, f"Asterisk does not say {what!r}"
            time.sleep(0.02)

    def nothing_is_left(self) -> None:
        """Every telephone is released, and no Asterisk has a channel, bridge or subscription."""
        for phone in self.phones():
            for call in phone.calls:
                call.wait_for("ended", timeout=2)
        deadline = time.monotonic() + 5
        for asterisk in self.house.asterisks.values():
            while left := what_is_left(asterisk):
                assert time.monotonic() < deadline, left
                time.sleep(0.05)

    def give_up(self) -> None:
        """End what a test may leave that failed, and show what was going on."""
        for wire in self.house.wires:
            wire.mend()
        if self.handler.process.poll() is None:
            self.handler.kill()
        print("".join(self.handler.said))
        for asterisk in self.house.asterisks.values():
            print(*asterisk.log_text().splitlines()[-100:], sep="\n")


@contextmanager
def at_work(house: House) -> Iterator[Staff]:
    """A handler and telephones for one test. In the end nothing is left of any call: no telephone
    is off its hook, Asterisk has no channel and no bridge and tells the handler of nothing any
    more, and the handler ends at once when it is asked to."""
    with ExitStack() as running:
        agents = {
            number: running.enter_context(
                Phone(
                    number=number, port=house.ports[number], answer_after=0.3, play=VOICES[number]
                )
            )
            for number in VOICES
        }
        callers = {
            name: running.enter_context(Phone(address, number=f"+3361234560{index}"))
            for index, (name, address) in enumerate(CALLERS.items())
        }
        staff = Staff(
            house.centre,
            next(iter(house.asterisks.values())),
            callers["caller"],
            agents,
            house=house,
            handler=house.handler(),
            callers=callers,
        )
        running.callback(staff.give_up)
        with staff.empties():
            yield staff
            staff.nothing_is_left()
        staff.handler.ends_within(AT_ONCE)


def what_is_left(asterisk: PrivateAsterisk) -> dict[str, Any]:
    """What Asterisk has of calls at the moment."""
    left = {
        "channels": ask(asterisk, "channels"),
        "bridges": ask(asterisk, "bridges"),
        "shown": asterisk.command("bridge show all").strip().splitlines()[1:],
    }
    for application in ask(asterisk, "applications"):
        left |= {kind: application[kind] for kind in ("channel_ids", "bridge_ids")}
    return {kind: some for kind, some in left.items() if some}


def ask(asterisk: PrivateAsterisk, what: str) -> Any:
    """One question to ARI, next to the handler."""
    login = b64encode(f"{asterisk.ari_user}:{asterisk.ari_password}".encode()).decode()
    url = f"http://127.0.0.1:{asterisk.http_port}/ari/{what}"
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of this machine that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def said(heard: Heard, name: str) -> list[Match]:
    """Every time that a sound was heard from beginning to end, which it was."""
    recording, file = heard.call.recording(), heard.file(name)
    times = sorted(_times(recording, file), key=lambda match: match.start)
    assert times, f"{heard.call}: {name}: {find(recording, file)}"
    return times


def _times(recording: Recording, file: Path, after: float = 0.0) -> Iterator[Match]:
    match = find(recording, file, after=after)
    if match and match.complete:
        yield match
        if match.start - after > match.length:
            before = Recording(recording.samples[: round(match.start * SAMPLE_RATE)])
            yield from _times(before, file, after)
        if recording.duration - match.end > match.length:
            yield from _times(recording, file, match.end)


@contextmanager
def cut_short(staff: Staff, sound: str) -> Iterator[None]:
    """A sound has lost its second half on the disk."""
    (file,) = (staff.centre.folder / "sounds").glob(f"{sound}-????????.wav")
    whole = file.read_bytes()
    samples = Recording.load(file).samples
    Recording(samples[: len(samples) // 2]).save(file)
    yield
    file.write_bytes(whole)
