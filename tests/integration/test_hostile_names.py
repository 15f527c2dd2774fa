"""Names that would be commands, on real Asterisks: nothing of them is ever evaluated.

Each payload would make a file. That this Asterisk does make one where it is told to is shown first.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from callcentre_disclosure.asterisk.agi import Environment, Event, Reply, ScriptSide
from callcentre_disclosure.asterisk.dialplan import dialplan
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.sip import Phone
from tests.call_centre import CallCentre, Server
from tests.integration.office import open_office

#: Every character that a name may have, and that means something in a dialplan or a shell.
CONFIGURATION = """\
languages: [fr]
domestic_country: FR
numbering: {country_code: "33", trunk_prefix: "0"}
sounds: {folder: sounds}
evidence: {file: evidence.sqlite}
sites: {"r'a`b&c<d>e=f%g!h~i": {country: MA}, lyon: {country: FR}}
agents: {"PJSIP/201": {site: lyon}, "A (b) ${SHELL(c)} $[1]": {site: lyon}}
queues:
  "s&a'l`e<s>=%!~^#*?:@+": {sites: ["r'a`b&c<d>e=f%g!h~i"]}
  "c&h'o`i<c>e=%!~^#*?:@+": {sites: [lyon]}
profiles: {eu: {choice: {region: EU, seconds: 1}}}
routes:
  é.-_x: {numbers: ["0184880001"], queue: "s&a'l`e<s>=%!~^#*?:@+", profile: eu,
          choice: "c&h'o`i<c>e=%!~^#*?:@+", on_failure: refuse}
  told: {numbers: ["0184880002"], sites: ["r'a`b&c<d>e=f%g!h~i"], dial: [PJSIP/201]}
"""

EXTENSIONS = """\
#include extensions_disclosure.conf
[inbound]
exten => control,1,Set(MADE=${{SHELL(touch {control})}})
exten => wire,1,AGI(agi://127.0.0.1:{wire}/x)
exten => idle,1,Wait(20)
exten => _[+0-9]!,1,Set(CALLERID(name)=${{CALLERID(num)}})
 same => n,Goto(disclosure-inbound,${{EXTEN}},1)
"""


class Trap:
    """An Asterisk that evaluates whatever it is told to, and where the payloads' file would be."""

    def __init__(self, folder: Path, installation: Installation, running: ExitStack) -> None:
        self.made = folder / "made"
        self.control = folder / "control"
        self.wire = running.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.wire.settimeout(20)
        self.centre: CallCentre = open_office(folder, CONFIGURATION)
        server = Server(self.centre)
        running.callback(server.stop)
        self.written = dialplan(
            load(self.centre.path), installation.major, f"127.0.0.1:{server.port}"
        )
        self.agent = running.enter_context(Phone(number="201", answer_after=0.0))
        self.asterisk = running.enter_context(
            PrivateAsterisk(
                installation,
                folder / "asterisk",
                extensions=EXTENSIONS.format(control=self.control, wire=self.wire.getsockname()[1]),
                files={"extensions_disclosure.conf": self.written},
                agents={"201": self.agent.port},
                languages={"caller": "fr"},
                modules=("func_shell",),
                environment=self.centre.environment,
            )
        )

    def payloads(self) -> list[str]:
        command = f"SHELL(touch {self.made})"
        return [
            f"${{{command}}}",
            f'",$[${{{command}}}],"',
            f")&System(touch {self.made})&(",
            f'"${{{command}}}"',
            f'\\",System(touch {self.made})',
            f'" EXEC System "touch {self.made}',
            f"|{command}",
            f"a,b;c^d`touch {self.made}`",
            f"$(touch {self.made})",
            "é\t\x1b[31m\\",
        ]

    def originate(self, extension: str) -> None:
        self.asterisk.command(f"channel originate Local/{extension}@inbound extension idle@inbound")


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory, installation: Installation) -> Iterator[Trap]:
    with ExitStack() as running:
        made = Trap(tmp_path_factory.mktemp("trap"), installation, running)
        made.originate("control")
        deadline = time.monotonic() + 10
        while not made.control.exists():
            assert time.monotonic() < deadline, "this Asterisk evaluates nothing at all"
            time.sleep(0.02)
        yield made


def test_every_argument_of_a_command_arrives_as_it_is(trap: Trap) -> None:
    trap.originate("wire")
    connection, _ = trap.wire.accept()
    side = ScriptSide()

    def heard() -> Event:
        while not (events := side.receive(connection.recv(4096))):
            pass
        (event,) = events
        return event

    def said(*words: str) -> Reply:
        connection.sendall(side.send(*words))
        reply = heard()
        assert isinstance(reply, Reply)
        return reply

    with connection:
        connection.settimeout(20)
        assert isinstance(heard(), Environment)
        for payload in trap.payloads():
            assert said("SET", "VARIABLE", "P", payload) == Reply(200, "1")
            assert said("GET", "VARIABLE", "P") == Reply(200, "1", payload)
            assert said("GET", "FULL", "VARIABLE", "${P}|${P}").value == f"{payload}|{payload}"
            assert said("EXEC", "NoOp", payload).code == 200
        assert said("GET", "VARIABLE", "NOBODY") == Reply(200, "0"), "one reply to each command"
    assert not trap.made.exists()


def test_nothing_that_a_caller_calls_themselves_is_evaluated(trap: Trap) -> None:
    with Phone("127.0.0.2") as caller:
        for payload in trap.payloads()[:3]:
            before = len(trap.centre.evidence())
            call = caller.call(
                "0184880002", trap.asterisk.sip_address, caller_id=quote(payload, safe="")
            )
            trap.agent.next_call(30)
            deadline = time.monotonic() + 20
            while len(trap.centre.evidence()) < before + 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            call.hang_up()
            first, again = trap.centre.evidence()[before:]
            assert first["route"] == again["route"] == "told"
            assert again["countries"] == ["FR"]
            assert payload not in str(first)
    assert not trap.made.exists()


def test_the_dialplan_has_what_was_written_and_nothing_more(trap: Trap) -> None:
    wanted: dict[str, int] = {}
    context = ""
    for line in trap.written.splitlines():
        if line.startswith("["):
            context = line.strip("[]")
        elif line.startswith(("exten =>", " same =>")):
            wanted[context] = wanted.get(context, 0) + 1
    for name, count in wanted.items():
        shown = trap.asterisk.command(f"dialplan show {name}")
        (found,) = re.findall(r"\((\d+) priorit", shown)
        assert int(found) == count, shown
    assert not re.findall(r"(?i)\[pbx_config\].*", trap.asterisk.log_text().partition("WARNING")[2])
    assert not trap.made.exists()
