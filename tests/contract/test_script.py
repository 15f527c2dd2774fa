"""What is particular to the AGI script: it never loses a call, whatever is wrong."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

from callcentre_disclosure import Disclosure
from callcentre_disclosure.asterisk.agi import AsteriskSide
from callcentre_disclosure.testing import FakeChannel
from tests.call_centre import BIN, CallCentre

#: What Asterisk says of a call that has just come in.
KNOWN = b"200 result=1 (Ring||||||||)\n"
SCRIPT = [str(BIN / "callcentre-disclosure-agi")]
POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."


def test_the_last_good_configuration_stays_at_work(centre: CallCentre) -> None:
    first = FakeChannel("0184880001", sounds=centre.prompts())
    second = FakeChannel("0184880001", sounds=centre.prompts())
    first.call_script(SCRIPT, centre.environment)
    centre.path.write_text("sites: {")
    second.call_script(SCRIPT, centre.environment)
    assert first.timeline == second.timeline == ["answered", POSSIBLE, "connected"]


def test_without_any_configuration_a_call_goes_on(tmp_path: Path) -> None:
    centre = CallCentre(tmp_path)
    channel = FakeChannel("0184880001", language="fr")
    channel.call_script(SCRIPT, centre.environment)
    assert channel.timeline == ["answered", "connected"], "no sound exists on this fake"
    assert channel.variables["DISCLOSURE_STATUS"] == "NOT_DISCLOSED"
    (record,) = centre.evidence()
    assert record["route"] == "no usable configuration"


def test_evidence_that_cannot_be_written_loses_no_call(centre: CallCentre) -> None:
    (centre.folder / "evidence.sqlite").mkdir()
    channel = FakeChannel("0184880001", sounds=centre.prompts())
    channel.call_script(SCRIPT, centre.environment)
    assert channel.timeline == ["answered", POSSIBLE, "connected"]


def run(centre: CallCentre, data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        SCRIPT, env=centre.environment, input=data, capture_output=True, timeout=20, check=False
    )


def test_logs_go_to_standard_error_and_hold_no_number(centre: CallCentre) -> None:
    centre.path.write_text("sites: {")
    opening = AsteriskSide.environment({"callerid": "+33612345678", "dnid": "0184880001"})
    done = run(centre, opening)
    assert done.returncode == 0
    assert done.stdout.startswith(b"GET FULL VARIABLE "), "and nothing after it"
    assert done.stdout.count(b"\n") == 1
    entries = [json.loads(line) for line in done.stderr.splitlines()]
    assert entries[0]["level"] == "error"
    assert b"612345678" not in done.stderr


def test_what_is_no_agi_is_an_error_in_the_log_and_no_failure(centre: CallCentre) -> None:
    done = run(centre, b"hello\n")
    assert (done.returncode, done.stdout) == (0, b"")
    assert "not an AGI environment" in json.loads(done.stderr)["message"]
    assert run(centre, b"").returncode == 0


def test_a_disk_that_does_not_answer_holds_no_call(centre: CallCentre) -> None:
    Disclosure.from_file(centre.path).try_evidence()
    somebody_writes = sqlite3.connect(centre.folder / "evidence.sqlite", isolation_level=None)
    somebody_writes.execute("BEGIN IMMEDIATE")
    with subprocess.Popen(
        SCRIPT,
        env=centre.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(AsteriskSide.environment({"dnid": "0184880001"}))
        for reply in (
            KNOWN,
            b"200 result=0\n",
            b"200 result=0 endpos=80000\n",
            b"200 result=0\n",
        ):
            process.stdout.readline()
            process.stdin.write(reply)
        assert process.stdout.read() == b"", "Asterisk is let go"
        assert process.poll() is None
        process.kill()
        assert b"evidence not written within" in process.stderr.read()
    somebody_writes.close()


def test_a_hangup_while_the_script_starts_does_not_end_it(centre: CallCentre) -> None:
    with subprocess.Popen(
        SCRIPT, env=centre.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        status = Path(f"/proc/{process.pid}/status")
        while not re.search(r"^SigIgn:.*[13579bdf]$", status.read_text(), re.MULTILINE):
            assert process.poll() is None
        process.send_signal(signal.SIGHUP)
        process.stdin.write(AsteriskSide.environment({"dnid": "0184880001"}))
        process.stdout.readline()
        process.stdin.write(KNOWN)
        assert process.stdout.readline() == b"ANSWER\n"
        process.stdin.write(AsteriskSide.error(511))
        assert b"ABANDONED" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(20) == 0
    assert centre.evidence()[0]["outcome"] == "ABANDONED"
