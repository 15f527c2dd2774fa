"""The script of docs/developers.md, which is written with the real pyst2, on real Asterisks."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.testing.recording import Match, find, find_tone
from callcentre_disclosure.testing.sip import Call, Phone
from tests.call_centre import CallCentre
from tests.integration.conftest import AGENT_HZ, RunAsterisk
from tests.test_docs import of

CONFIGURATION = """\
languages: [fr]
sites: {casablanca: {country: MA}}
queues: {customer-service: {sites: [casablanca]}}
agents: {PJSIP/amina: {site: casablanca}}
"""
QUEUES = "[customer-service]\nmember => PJSIP/amina\n"
DIALPLAN = """\
[inbound]
exten => _[+0-9].,1,AGI(script.py)
 same => n,Hangup()
"""
SCRIPT = """\
#!{python}
import sys
from pathlib import Path
sys.path.insert(0, "{folder}")
from service import main
try:
    main()
except Exception as problem:
    Path("{folder}/raised").write_text(type(problem).__name__)
"""


class Line:
    """An Asterisk whose calls are taken by that script, and one caller."""

    def __init__(self, centre: CallCentre, caller: Phone, address: tuple[str, int]) -> None:
        self.centre = centre
        self._caller = caller
        self._address = address

    def call(self) -> Call:
        return self._caller.call("0184880001", self._address)

    def announcement(self, call: Call) -> Match:
        (sound,) = (shipped("prompts") / "sounds/fr").glob("possible-ma-????????.ulaw")
        match = find(call.recording(), sound)
        assert match is not None
        return match

    def raised(self) -> str:
        """What ended the script."""
        file = self.centre.folder / "raised"
        deadline = time.monotonic() + 10
        while not file.exists() or not (name := file.read_text()):
            assert time.monotonic() < deadline, "the script has not ended"
            time.sleep(0.02)
        return name


@pytest.fixture
def line(run_asterisk: RunAsterisk, caller: Phone, agent: Phone, tmp_path: Path) -> Any:
    centre = CallCentre(tmp_path)
    centre.path.write_text(CONFIGURATION)
    (service,) = (block.text for block in of("python") if "from asterisk.agi" in block.text)
    (tmp_path / "service.py").write_text(service)
    asterisk = run_asterisk(
        DIALPLAN,
        queues=QUEUES,
        agents={"amina": agent.port},
        languages={"caller": "fr"},
        environment=centre.environment,
    )
    script = asterisk.agi_bin / "script.py"
    script.write_text(SCRIPT.format(python=sys.executable, folder=tmp_path))
    script.chmod(0o755)
    return Line(centre, caller, asterisk.sip_address)


def test_a_script_announces_its_call_and_goes_on(line: Line, agent: Phone) -> None:
    call = line.call()
    leg = agent.next_call(timeout=20)
    answered = leg.t0 - call.t0 + leg.wait_for("answered")
    call.wait_until(answered + 1.0)
    call.hang_up()
    leg.wait_for("ended", timeout=2)

    told = line.announcement(call)
    assert told.complete, told
    talked = [start for start, end in find_tone(call.recording(), AGENT_HZ) if end - start > 0.5]
    assert told.end <= answered <= talked[0]
    (record,) = line.centre.evidence()
    assert (record["door"], record["outcome"]) == ("pyst2", "DISCLOSED")
    assert (record["queue"], record["countries"]) == ("customer-service", ["MA"])


def test_its_next_command_says_that_the_caller_has_left(line: Line, agent: Phone) -> None:
    call = line.call()
    call.wait_for("audio")
    call.wait_until(2.0)
    call.hang_up()

    assert line.raised() == "AGISIGHUPHangup"
    assert agent.calls == []
    told = line.announcement(call)
    assert not told.complete
    (record,) = line.centre.evidence()
    assert record["outcome"] == "ABANDONED"
    assert record["playbacks"][0]["played"] == pytest.approx(told.heard, abs=0.5)
