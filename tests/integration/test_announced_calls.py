"""Announced calls on real Asterisks, judged by what the caller received.

The configuration is config.example.yaml without its opening hours (so that the day on which the
tests run changes nothing); agents are PJSIP/201 in Casablanca and PJSIP/301 in Tunis.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Match, find, find_tone
from callcentre_disclosure.testing.sip import Call, Phone
from tests.call_centre import BIN, CallCentre, Server
from tests.dialplans import (
    announced_answer,
    announced_dial,
    announced_queue,
)
from tests.integration.conftest import AGENT_HZ, RunAsterisk
from tests.integration.received import keep

SERVICE = "0184880001"  # on_failure: generic, in French
PREMIUM = "0184880002"  # on_failure: refuse, in the language of the channel

POSSIBLE = "possible-ma-tn-mg"
AGENTS = "PJSIP/201&PJSIP/301"
#: As docs/administrators.md has it.
SCRIPT_AS_HOOK = '"callcentre-disclosure-agi,stage=answered,queue=customer-service"'
AWAY = "127.0.0.1:1"  # where no server listens
LISTEN = 1.0  # seconds for which an agent is listened to

QUEUES = """\
[customer-service]
setinterfacevar=yes
ringinuse=no
strategy=linear
member => PJSIP/201
member => PJSIP/301
"""


@pytest.fixture
def centre(tmp_path: Path) -> CallCentre:
    """The company of the example, with sounds of its own that a test may spoil."""
    text = shipped("config.example.yaml").read_text(encoding="utf-8")
    text = text.replace("/var/lib/callcentre-disclosure", str(tmp_path))
    centre = CallCentre(tmp_path)
    centre.path.write_text(re.sub(r"\n    hours:.*", "", text), encoding="utf-8")
    shutil.copytree(shipped("prompts") / "sounds", tmp_path / "sounds")
    return centre


@pytest.fixture
def amina() -> Iterator[Phone]:
    """PJSIP/201, in Casablanca."""
    with Phone(number="201", answer_after=0.3, play=AGENT_HZ) as phone:
        yield phone


@pytest.fixture
def yasmine() -> Iterator[Phone]:
    """PJSIP/301, in Tunis."""
    with Phone(number="301", answer_after=0.3, play=AGENT_HZ) as phone:
        yield phone


class Line:
    """The call centre, connected to an Asterisk, and one caller."""

    def __init__(self, centre: CallCentre, asterisk: PrivateAsterisk, caller: Phone) -> None:
        self.centre = centre
        self.asterisk = asterisk
        self._caller = caller

    def call(self, number: str) -> Call:
        return self._caller.call(number, self.asterisk.sip_address)

    def sound(self, name: str) -> Path:
        """The French sound of an announcement, by the beginning of its name."""
        (found,) = (self.centre.folder / "sounds/fr").glob(f"{name}-????????.ulaw")
        return found

    def heard(self, call: Call, name: str) -> Match | None:
        return find(call.recording(), self.sound(name))

    def heard_whole(self, call: Call, name: str) -> Match:
        """Fails where an announcement was not heard from its first word to its last."""
        match = self.heard(call, name)
        assert match is not None
        assert match.complete, match
        stem, major = self.sound(name).stem, self.asterisk.installation.major
        keep(call.recording(), match, self.centre.folder / "sounds", f"fr/{stem}", str(major))
        return match


@pytest.fixture
def line(
    run_asterisk: RunAsterisk, centre: CallCentre, caller: Phone, amina: Phone, yasmine: Phone
) -> Any:
    def connect(extensions: str) -> Line:
        asterisk = run_asterisk(
            extensions,
            queues=QUEUES,
            agents={"201": amina.port, "301": yasmine.port},
            languages={"caller": "fr"},
            environment=centre.environment,
        )
        (asterisk.agi_bin / "callcentre-disclosure-agi").symlink_to(
            BIN / "callcentre-disclosure-agi"
        )
        return Line(centre, asterisk, caller)

    return connect


def agent_heard(call: Call) -> list[tuple[float, float]]:
    """When the caller heard an agent. (Half a second is no syllable of an announcement.)"""
    spans = find_tone(call.recording(), AGENT_HZ)
    return [span for span in spans if span[1] - span[0] > 0.5]


def listen_to_the_agent(call: Call, leg: Call, after: float) -> float:
    """Let an agent talk for a while, hang up; returns when the agent had answered."""
    answered = leg.t0 - call.t0 + leg.wait_for("answered")
    call.wait_until(answered + after + LISTEN)
    call.hang_up()
    leg.wait_for("ended", timeout=2)
    return answered


def announced(door: str, server: Server | None) -> str:
    """The dialplan that announces a call through a door before it dials."""
    address = f"127.0.0.1:{server.port}" if server else AWAY
    dialplan = announced_dial("PJSIP/201", address, "inbound")
    if door == "script":
        return dialplan.replace(f"agi://{address}/disclose", "callcentre-disclosure-agi")
    return dialplan


@pytest.mark.parametrize("door", ["script", "fastagi"])
def test_the_possible_countries_before_dial(
    line: Any, server: Server, amina: Phone, door: str
) -> None:
    office = line(announced(door, server))
    call = office.call(SERVICE)
    leg = amina.next_call(timeout=20)
    answered = listen_to_the_agent(call, leg, 0.5)

    match = office.heard_whole(call, POSSIBLE)
    assert match.end <= answered
    assert agent_heard(call)[0][0] >= match.end
    (record,) = office.centre.evidence()
    assert record["outcome"] == "DISCLOSED"
    assert record["door"] == ("agi" if door == "script" else "fastagi")
    assert record["playbacks"][0]["sound"].startswith("fr/possible-ma-tn-mg-")


@pytest.mark.parametrize(
    ("who", "country", "other", "door"),
    [("201", "ma", "tn", "fastagi"), ("301", "tn", "ma", "script")],
    ids=["MA", "TN-script"],
)
def test_the_country_of_the_queue_member_who_answered(
    line: Any,
    server: Server,
    amina: Phone,
    yasmine: Phone,
    who: str,
    country: str,
    other: str,
    door: str,
) -> None:
    answering, busy = (amina, yasmine) if who == "201" else (yasmine, amina)
    busy.reject = 486
    address = f"127.0.0.1:{server.port}"
    dialplan = announced_queue("customer-service", address, "inbound")
    if door == "script":
        hook = f"agi://{address}/disclose?stage=answered&queue=customer-service"
        assert hook in dialplan
        dialplan = dialplan.replace(hook, SCRIPT_AS_HOOK)
    office = line(dialplan)
    call = office.call(SERVICE)
    leg = answering.next_call(timeout=20)
    answered = listen_to_the_agent(call, leg, 4.5)

    possible = office.heard_whole(call, POSSIBLE)
    told = office.heard_whole(call, f"answered-{country}")
    assert possible.end <= answered <= told.start
    assert agent_heard(call)[0][0] >= told.end
    elsewhere = office.heard(call, f"answered-{other}")
    assert elsewhere is None or not elsewhere.complete
    first, second = office.centre.evidence()
    assert (first["stage"], first["countries"]) == ("possible", ["MA", "TN", "MG"])
    assert (second["stage"], second["countries"]) == ("answered", [country.upper()])
    assert second["agent"] == f"PJSIP/{who}"
    assert second["queue"] == "customer-service"
    assert second["disposition"] == "BRIDGE"


def test_the_country_of_the_agent_who_was_dialled(
    line: Any, server: Server, amina: Phone, yasmine: Phone
) -> None:
    amina.reject = 486
    office = line(announced_answer(AGENTS, f"127.0.0.1:{server.port}", "inbound"))
    call = office.call(SERVICE)
    leg = yasmine.next_call(timeout=20)
    answered = listen_to_the_agent(call, leg, 4.5)

    told = office.heard_whole(call, "answered-tn")
    assert answered <= told.start
    assert agent_heard(call)[0][0] >= told.end
    (record,) = office.centre.evidence()
    assert record["agent"] == "PJSIP/301"
    assert record["agent_channel"].startswith("PJSIP/301-")
    assert record["countries"] == ["TN"]


@pytest.mark.parametrize(
    ("door", "number"), [("script", SERVICE), ("fastagi", PREMIUM)], ids=["generic", "refuse"]
)
def test_a_missing_sound_gives_what_the_policy_says(
    line: Any, server: Server, amina: Phone, door: str, number: str
) -> None:
    office = line(announced(door, server))
    office.sound(POSSIBLE if number == SERVICE else "possible-fr-ma").unlink()
    call = office.call(number)
    if number == SERVICE:
        answered = listen_to_the_agent(call, amina.next_call(timeout=20), 0.5)
        assert office.heard_whole(call, "generic").end <= answered
        assert agent_heard(call)
    else:
        call.wait_for("ended")
        assert call.ending is not None
        assert not call.ending.by_us
        assert amina.calls == []
    server.stop()
    (record,) = office.centre.evidence()
    assert record["outcome"] == "NOT_DISCLOSED"
    assert record["cause"].startswith("FAILED: fr/possible-")
    assert record["disposition"] == ("HANG_UP" if number == PREMIUM else "CONTINUE_IN_DIALPLAN")


@pytest.mark.parametrize(
    ("dialplan", "sound"),
    [
        (announced_dial("PJSIP/201", AWAY, "inbound"), POSSIBLE),
        (announced_answer("PJSIP/201", AWAY, "inbound"), "answered-ma"),
        (announced_queue("customer-service", AWAY, "inbound"), POSSIBLE),
    ],
    ids=["dial", "answer", "queue"],
)
def test_a_server_that_is_down_is_replaced_by_the_script(
    line: Any, amina: Phone, dialplan: str, sound: str
) -> None:
    office = line(dialplan)
    call = office.call(SERVICE)
    listen_to_the_agent(call, amina.next_call(timeout=20), 4.5)
    assert office.heard_whole(call, sound).end <= agent_heard(call)[0][0]
    (record,) = office.centre.evidence()
    assert (record["outcome"], record["door"]) == ("DISCLOSED", "agi")


def test_without_server_and_sound_a_refusing_route_refuses(line: Any, amina: Phone) -> None:
    office = line(announced("fastagi", None))
    office.sound("possible-fr-ma").unlink()
    call = office.call(PREMIUM)
    call.wait_for("ended")
    assert amina.calls == []


def test_without_a_usable_configuration_a_call_is_told_that_much(
    line: Any, centre: CallCentre, amina: Phone
) -> None:
    centre.path.write_text("sites: {")
    office = line(announced("script", None))
    call = office.call(SERVICE)
    answered = listen_to_the_agent(call, amina.next_call(timeout=20), 0.5)
    assert office.heard_whole(call, "generic").end <= answered
    assert agent_heard(call)


@pytest.mark.parametrize(
    ("door", "blow"),
    [("fastagi", signal.SIGKILL), ("fastagi", signal.SIGSTOP), ("script", signal.SIGKILL)],
    ids=["killed", "frozen", "killed-behind-the-script"],
)
def test_a_server_that_dies_in_the_announcement_holds_no_call(
    line: Any, server: Server, amina: Phone, door: str, blow: signal.Signals
) -> None:
    office = line(announced(door, server))
    (worker,) = server.workers()
    call = office.call(SERVICE)
    call.wait_for("audio")
    call.wait_until(2.0)
    os.kill(worker, blow)
    answered = listen_to_the_agent(call, amina.next_call(timeout=40), 0.5)
    # What was begun does not count: the script has told it again, from the first word.
    again = find(call.recording(), office.sound(POSSIBLE), after=2.05)
    assert again is not None
    assert again.complete, again
    assert again.end <= answered
    assert agent_heard(call)[0][0] >= again.end
    doors = {record["door"]: record["outcome"] for record in office.centre.evidence()}
    assert doors["agi"] == "DISCLOSED"


def test_a_server_frozen_before_the_call_holds_it_for_seconds_only(
    line: Any, server: Server, amina: Phone
) -> None:
    office = line(announced("fastagi", server))
    (worker,) = server.workers()
    os.kill(worker, signal.SIGSTOP)
    call = office.call(SERVICE)
    answered = listen_to_the_agent(call, amina.next_call(timeout=30), 0.5)
    assert office.heard_whole(call, POSSIBLE).end <= answered
