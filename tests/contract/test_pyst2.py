"""An existing script that is written with the real pyst2, with one line of ours in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from textwrap import dedent, indent
from typing import Any

import pytest

from callcentre_disclosure.asterisk.agi import AsteriskSide
from callcentre_disclosure.testing import FakeChannel, Fault
from tests.call_centre import CallCentre

POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
ANSWERED_MA = "Votre appel sera traité au Maroc, merci de patienter."

SCRIPT = """\
import json, signal, sqlite3, sys
from pathlib import Path
from asterisk.agi import AGI, AGIError
from callcentre_disclosure import disclose

def note(**what):
    with Path("notes").open("a") as notes:
        print(json.dumps(what), file=notes)

def recorded():
    with sqlite3.connect("evidence.sqlite") as ledger:
        return ledger.execute("SELECT count(*) FROM entries").fetchone()[0]

agi = AGI()
try:
{body}
except AGIError as problem:
    note(raised=type(problem).__name__)
"""
DISCLOSE = """\
record = disclose(agi)
note(outcome=record and record.outcome.value)
note(state=agi.get_full_variable("${CHANNEL(state)}"))
"""


class Script:
    """A script on disk, and what it noted."""

    def __init__(self, centre: CallCentre) -> None:
        self.folder = centre.folder
        self.environment = centre.environment
        self.command = [sys.executable, str(centre.folder / "script.py")]

    def write(self, body: str) -> None:
        text = SCRIPT.format(body=indent(dedent(body), "    "))
        (self.folder / "script.py").write_text(text)

    def take(self, channel: FakeChannel, body: str = DISCLOSE) -> FakeChannel:
        """The call is handed to the script."""
        self.write(body)
        return channel.call_script(["env", "-C", str(self.folder), *self.command], self.environment)

    def start(self, body: str = DISCLOSE) -> subprocess.Popen[bytes]:
        """The script for a test that plays Asterisk itself."""
        self.write(body)
        return subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=self.environment,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def notes(self) -> Mapping[str, Any]:
        notes: dict[str, Any] = {}
        for line in (self.folder / "notes").read_text().splitlines():
            notes.update(json.loads(line))
        return notes


@pytest.fixture
def script(centre: CallCentre) -> Script:
    return Script(centre)


def service(centre: CallCentre, **more: Any) -> FakeChannel:
    return FakeChannel("0184880001", sounds=centre.prompts(), **more)


def test_its_own_commands_work_before_and_after(script: Script, centre: CallCentre) -> None:
    channel = script.take(
        service(centre, arguments=["their own", "stage=answered"], variables={"CUSTOMER": "Léa"}),
        """\
        note(customer=agi.get_full_variable("${CUSTOMER}"), theirs=agi.env["agi_arg_1"])
        agi.answer()
        before = signal.getsignal(signal.SIGHUP)
        record = disclose(agi)
        assert signal.getsignal(signal.SIGHUP) == before
        note(outcome=record.outcome.value, status=agi.get_full_variable("${DISCLOSURE_STATUS}"))
        agi.appexec("Progress")
        """,
    )
    assert channel.timeline == ["answered", POSSIBLE, "connected"]
    assert channel.conversation[-2:] == ["-> EXEC Progress ", "<- 200 result=0"]
    assert script.notes() == {
        "customer": "Léa",
        "theirs": "their own",
        "outcome": "DISCLOSED",
        "status": "DISCLOSED",
    }
    (record,) = centre.evidence()
    assert (record["door"], record["stage"]) == ("pyst2", "possible")
    assert record["id"] == channel.variables["DISCLOSURE_ID"]


def test_keys_are_those_of_the_dialplan(script: Script, centre: CallCentre) -> None:
    channel = FakeChannel("999", sounds=centre.prompts())
    body = "disclose(agi, stage='answered', agent='PJSIP/201', language='fr', queue=None)"
    assert script.take(channel, body).heard == [ANSWERED_MA]
    (record,) = centre.evidence()
    assert (record["agent"], record["queue"]) == ("PJSIP/201", None)


def test_a_key_that_does_not_exist_is_found_at_the_first_call(
    script: Script, centre: CallCentre
) -> None:
    channel = script.take(
        service(centre),
        """\
        try:
            disclose(agi, qeue="support")
        except TypeError as problem:
            note(problem=str(problem))
        note(state=agi.get_full_variable("${CHANNEL(state)}"))
        """,
    )
    assert script.notes()["problem"].startswith("there is no qeue, known are stage, direction, ")
    assert script.notes()["state"] == "Ring"
    assert len(channel.conversation) == 2


def test_what_a_key_holds_cannot_become_another_variable(
    script: Script, centre: CallCentre
) -> None:
    body = r"""
    disclose(agi, queue='support"\nagi_dnid: 0184880003\n\nEXEC Dial "PJSIP/evil', language="fr")
    """
    assert script.take(service(centre), body).heard == [POSSIBLE]
    assert centre.evidence()[0]["dialled_number"] == "0184880001"


@pytest.mark.parametrize("fault", [Fault(hang_up_after=0.1), Fault(hang_up_after=0)])
def test_a_hangup_meanwhile_is_raised_by_the_next_command(
    script: Script, centre: CallCentre, fault: Fault
) -> None:
    channel = script.take(service(centre, fault=fault))
    assert channel.timeline[-1] == "hung up"
    assert channel.variables["DISCLOSURE_STATUS"] == "ABANDONED"
    assert script.notes() == {"outcome": "ABANDONED", "raised": "AGISIGHUPHangup"}
    assert [record["outcome"] for record in centre.evidence()] == ["ABANDONED"]


def test_a_hangup_before_is_told_by_the_dead_channel(script: Script, centre: CallCentre) -> None:
    body = 'note(state=agi.get_full_variable("${CHANNEL(state)}"))\n' + DISCLOSE
    script.take(service(centre, fault=Fault(hang_up_on="GET")), body)
    assert script.notes()["outcome"] == "ABANDONED"
    assert script.notes()["raised"] == "AGISIGHUPHangup"


def test_a_handler_of_ones_own_is_told_when_the_evidence_is_written(
    script: Script, centre: CallCentre
) -> None:
    script.take(
        service(centre, fault=Fault(hang_up_after=0.1)),
        """\
        def leave(signum, frame):
            note(told=signum, records=recorded())
            sys.exit()
        signal.signal(signal.SIGHUP, leave)
        disclose(agi)
        note(went_on=True)
        """,
    )
    assert script.notes() == {"told": 1, "records": 1}


def test_a_script_that_ignores_hangups_goes_on(script: Script, centre: CallCentre) -> None:
    script.take(
        service(centre, fault=Fault(hang_up_after=0.1)),
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + DISCLOSE,
    )
    assert script.notes() == {"outcome": "ABANDONED", "state": "Up"}


def test_nobody_is_connected_whom_the_route_refuses(script: Script, centre: CallCentre) -> None:
    channel = FakeChannel("0184880002", sounds=centre.prompts(), fault=Fault(missing=True))
    script.take(channel)
    assert channel.timeline[-1].startswith("hung up")
    assert script.notes() == {"outcome": "NOT_DISCLOSED", "raised": "AGISIGHUPHangup"}


def test_who_chose_another_agent_is_no_longer_the_scripts(
    script: Script, centre: CallCentre
) -> None:
    channel = FakeChannel(
        "0184880005",
        sounds=centre.prompts(),
        extensions=["disclosure-choice,eu-service"],
        fault=Fault(press="1", press_in="Union", press_after=0.1),
    )
    script.take(channel)
    chosen = "redirected to disclosure-choice,eu-service,1"
    assert channel.timeline == ["early media", POSSIBLE, chosen]
    assert script.notes() == {"outcome": "DISCLOSED", "raised": "AGISIGHUPHangup"}


def test_missing_sounds_are_no_hangup(script: Script, centre: CallCentre) -> None:
    channel = script.take(service(centre, fault=Fault(missing=True)))
    assert channel.timeline == ["answered", "connected"]
    assert script.notes() == {"outcome": "NOT_DISCLOSED", "state": "Up"}


def test_without_a_configuration_the_script_goes_on(script: Script, centre: CallCentre) -> None:
    channel = service(centre)
    centre.path.unlink()
    script.take(channel)
    assert script.notes() == {"outcome": "NOT_DISCLOSED", "state": "Up"}


def test_another_configuration_than_the_usual_one(script: Script, centre: CallCentre) -> None:
    channel = service(centre)
    centre.path.rename(centre.folder / "other.yaml")
    assert script.take(channel, "disclose(agi, config='other.yaml')").heard == [POSSIBLE]


def test_bytes_of_a_caller_that_are_no_text_arrive(script: Script, centre: CallCentre) -> None:
    script.environment["LC_ALL"] = "C"  # as Asterisk runs; elsewhere pyst2 itself would end
    channel = service(centre, caller="Andr\udce9 0612345678")
    assert script.take(channel).heard == [POSSIBLE]
    assert script.notes() == {"outcome": "DISCLOSED", "state": "Up"}


def test_usage_on_one_line_does_not_make_it_spin(script: Script) -> None:
    """pyst2 would read for ever."""
    with script.start() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(AsteriskSide.environment({"dnid": "0184880001"}))
        while b"MSet" not in (command := process.stdout.readline()):
            assert command
            process.stdin.write(AsteriskSide.error(520))
        process.stdin.write(AsteriskSide.reply(0))
        assert process.stdout.readline().startswith(b"GET FULL VARIABLE")
        process.stdin.write(AsteriskSide.reply(1, "Up"))
        assert process.stdout.read() == b""
    assert script.notes() == {"outcome": "NOT_DISCLOSED", "state": "Up"}


def test_asterisk_may_leave_at_any_moment(script: Script, centre: CallCentre) -> None:
    introduced = AsteriskSide.environment({"dnid": "0184880001"})
    for opening, outcome in ((b"", None), (introduced, "NOT_DISCLOSED")):
        with script.start() as process:
            assert process.stdin is not None
            process.stdin.write(opening)
            process.stdin.close()
        assert script.notes()["outcome"] == outcome
        assert script.notes()["raised"] == "AGISIGHUPHangup"
    assert len(centre.evidence()) == 1


SERVER = """\
    import socket
    with socket.socket(fileno={descriptor}) as listening:
        connection, _ = listening.accept()
        agi = AGI(connection.makefile("r"), connection.makefile("w"))
        note(state=agi.get_full_variable("${{CHANNEL(state)}}"))
        record = disclose(agi, route="service")
        note(outcome=record.outcome.value)
        note(state=agi.get_full_variable("${{CHANNEL(state)}}"))
"""


@pytest.mark.parametrize("leaves", [False, True])
def test_a_fastagi_server_is_told_by_a_line(
    script: Script, centre: CallCentre, leaves: bool
) -> None:
    fault = Fault(hang_up_after=0.1) if leaves else Fault()
    channel = service(centre, script="their?stage=answered", fault=fault)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        os.set_inheritable(listening.fileno(), True)
        body = dedent(SERVER).format(descriptor=listening.fileno())
        script.write(body)
        process = subprocess.Popen(
            script.command,
            cwd=script.folder,
            env=script.environment,
            close_fds=False,
            stderr=subprocess.DEVNULL,
        )
        channel.call_server(*listening.getsockname())
        assert process.wait(20) == 0
    outcome = {"state": "Ring", "outcome": "ABANDONED", "raised": "AGISIGHUPHangup"}
    assert script.notes() == (outcome if leaves else {"state": "Up", "outcome": "DISCLOSED"})
    assert centre.evidence()[0]["stage"] == "possible"
