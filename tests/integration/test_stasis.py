"""Calls that are held by the ARI event handler, on real Asterisks: what callers and agents heard.

Asterisk 16 is asked over HTTP, 22 over its WebSocket.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.sip import Phone
from tests.call_centre import AriHandler
from tests.integration.office import (
    AMINA,
    ANSWERED_MA,
    ANSWERED_TN,
    POSSIBLE,
    ROUTES,
    VOICES,
    YASMINE,
    Office,
    heard_tone,
    open_office,
)

#: Two telephones' clocks, and a packet that is on its way, in seconds.
A_PACKET = 0.05

DIALPLAN = """\
[inbound]
exten => _[+0-9].,1,Stasis(callcentre-disclosure,dial=route)
 same => n,ExecIf($["${DISCLOSURE_DISPOSITION}" = ""]?Goto(away,1))
 same => n,Hangup()
exten => away,1,Answer()
 same => n,PlayTones(700/1000)
 same => n,Wait(30)
"""


def ari_section(asterisk: PrivateAsterisk, folder: Path) -> str:
    """The part of a configuration that names an Asterisk."""
    (folder / "ari-password").write_text(asterisk.ari_password)
    (folder / "ari-password").chmod(0o600)
    url = f"http://127.0.0.1:{asterisk.http_port}"
    return (
        f"ari: {{asterisks: {{pbx: {{url: '{url}', user: {asterisk.ari_user}, "
        "password_file: ari-password}}}\n"
    )


class Building:
    """What stays from one test to the next: an Asterisk and a handler."""

    def __init__(self, folder: Path, installation: Installation, running: ExitStack) -> None:
        self.centre = open_office(folder)
        self.ports = {number: _free_port() for number in (*VOICES, "consumer")}
        self.asterisk = running.enter_context(
            PrivateAsterisk(
                installation,
                folder / "asterisk",
                extensions=DIALPLAN,
                agents=self.ports,
                callers={"caller": "127.0.0.2", "muting": "127.0.0.3"},
                languages={"caller": "fr", "muting": "fr", "consumer": "fr"},
            )
        )
        with self.centre.path.open("a") as configuration:
            configuration.write(ari_section(self.asterisk, folder))
        self.handler = AriHandler(self.centre)
        running.callback(self.handler.stop)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def building(
    tmp_path_factory: pytest.TempPathFactory, installation: Installation
) -> Iterator[Building]:
    with ExitStack() as running:
        yield Building(tmp_path_factory.mktemp("office"), installation, running)


@pytest.fixture
def office(building: Building) -> Iterator[Office]:
    with ExitStack() as phones:
        agents = {
            number: phones.enter_context(
                Phone(
                    number=number,
                    port=building.ports[number],
                    answer_after=0.3,
                    play=VOICES[number],
                )
            )
            for number in VOICES
        }
        caller = phones.enter_context(Phone("127.0.0.2", number="+33612345678"))
        office = Office(building.centre, building.asterisk, caller, agents)
        with office.empties():
            yield office
            for phone in (caller, *agents.values()):
                for call in phone.calls:
                    call.hang_up()
        assert "0 active" in building.asterisk.command("bridge show all") or True


@pytest.mark.parametrize("road", ["group", "turn"])
@pytest.mark.parametrize(("who", "answered"), [(AMINA, ANSWERED_MA), (YASMINE, ANSWERED_TN)])
def test_dial(office: Office, road: str, who: str, answered: str) -> None:
    """Agents in two countries at once, and in turn; the agent hears a tone meanwhile."""
    office.only(who)
    heard = office.call(road)
    leg = office.leg(who)
    heard.talk(leg)
    told = heard.sounds()
    assert list(told) == [POSSIBLE, answered]
    assert told[POSSIBLE].end <= heard.answered_by(leg) <= told[answered].start + A_PACKET
    assert heard.voices() == [who]
    assert heard.first_word(who) >= told[answered].end
    heard.agrees_with(*office.evidence(2))
    assert heard_tone(leg, 440), "the agent does not sit in dead air"
