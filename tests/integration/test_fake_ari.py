"""Asterisk says what was recorded of it, which the fake Asterisk is held against
(tests/unit/testing/test_fake_ari_traces.py). ``RECORD_ARI=1`` records it anew."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Recording
from callcentre_disclosure.testing.sip import Call, Phone
from callcentre_disclosure.testing.sounds import tone
from tests.integration.conftest import RunAsterisk
from tests.unit.testing.test_fake_ari_traces import (
    AGENT,
    APPLICATION,
    RECORDED,
    SCRIPTS,
    SECONDS,
    recorded,
    rehearse,
)

DIALPLAN = f"""\
[inbound]
exten => 100,1,Stasis({APPLICATION},in,100)
 same => n,Wait(5)
[elsewhere]
exten => there,1,Wait(5)
"""


class RealStage:
    """A real Asterisk with two telephones."""

    def __init__(
        self, asterisk: PrivateAsterisk, folder: Path, caller: Phone, agent: Phone
    ) -> None:
        self.url = f"http://127.0.0.1:{asterisk.http_port}"
        self.user, self.password = asterisk.ari_user, asterisk.ari_password
        self.sound, self.empty = str(folder / "tone"), str(folder / "empty")
        Recording(tone(440, SECONDS)).save(folder / "tone.wav")
        (folder / "empty.wav").write_bytes(b"")
        self._asterisk = asterisk
        self._caller = caller
        self._agent = agent
        self._call: Call | None = None

    def call(self) -> None:
        self._call = self._caller.call("100", self._asterisk.sip_address)

    def leave(self) -> None:
        assert self._call is not None
        self._call.hang_up()

    def press(self, key: str) -> None:
        assert self._call is not None
        self._call.send_dtmf(key)

    def agent(self, *, answers_after: float | None = 0.1, rejects: int = 0) -> None:
        self._agent.answer_after = answers_after
        self._agent.reject = rejects or None

    def agent_leaves(self) -> None:
        (*_, last) = (call for call in self._agent.calls if call.incoming)
        last.hang_up()


def test_asterisk_says_what_was_recorded(
    run_asterisk: RunAsterisk,
    asterisk_version: str,
    tmp_path: Path,
    caller: Phone,
    agent: Phone,
) -> None:
    name = AGENT.partition("/")[2]
    asterisk = run_asterisk(DIALPLAN, agents={name: agent.port})
    stage = RealStage(asterisk, tmp_path, caller, agent)
    told = {name: asyncio.run(rehearse(stage, name)) for name in SCRIPTS}
    if os.environ.get("RECORD_ARI"):
        text = json.dumps(told, indent=1, ensure_ascii=False)
        (RECORDED / asterisk_version / "scripts.json").write_text(f"{text}\n")
        pytest.skip("recorded")
    assert told == recorded(asterisk_version)
