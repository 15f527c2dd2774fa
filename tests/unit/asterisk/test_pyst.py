"""What the adapter for pyst2 does when something else is stuck. What it does in calls is tested
with the real pyst2: tests/contract/test_pyst2.py."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import IO

import pytest

from callcentre_disclosure.asterisk import pyst
from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import disclose


class Agi:
    """What an AGI object of pyst2 holds, on two pipes."""

    def __init__(self, **env: str) -> None:
        self.env = {f"agi_{name}": value for name, value in env.items()}
        incoming, writes = os.pipe()
        reads, outgoing = os.pipe()
        self._asterisk = [reads, writes]
        self.stdin: IO[str] = os.fdopen(incoming)
        self.stdout: IO[str] = os.fdopen(outgoing, "w")
        self.told: list[int] = []
        self._earlier = signal.signal(signal.SIGHUP, lambda number, _: self.told.append(number))

    def asterisk_leaves(self) -> None:
        while self._asterisk:
            os.close(self._asterisk.pop())

    def close(self) -> None:
        signal.signal(signal.SIGHUP, self._earlier)
        self.asterisk_leaves()
        self.stdin.close()
        self.stdout.close()


@pytest.fixture
def nothing_said() -> Iterator[Agi]:
    agi = Agi()
    yield agi
    agi.close()


@pytest.fixture
def introduced() -> Iterator[Agi]:
    agi = Agi(dnid="0184880001", uniqueid="1.1")
    yield agi
    agi.close()


def test_a_silent_asterisk_does_not_hold_the_script(
    nothing_said: Agi, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callcentre_disclosure.asterisk.agi_driver.ENVIRONMENT_SECONDS", 0.05)

    assert pyst.disclose(nothing_said, {}, begin=begin(directory), keep=lambda _: None) is None

    assert nothing_said.told == [signal.SIGHUP]


def test_a_disk_that_does_not_answer_does_not_hold_the_script(
    introduced: Agi,
    directory: Directory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("callcentre_disclosure.asterisk.agi_script.EVIDENCE_SECONDS", 0.05)
    answers, written = threading.Event(), threading.Event()

    def keep(_: Sequence[LedgerRecord]) -> None:
        answers.wait(20)
        written.set()

    introduced.asterisk_leaves()
    record = pyst.disclose(introduced, {"queue": "support"}, begin=begin(directory), keep=keep)

    assert record is not None
    assert (record.call.queue, record.call.dialled_number) == ("support", "0184880001")
    assert "evidence not written within" in caplog.text
    assert not written.is_set()
    answers.set()
    assert written.wait(20)


def begin(directory: Directory) -> Callable[[CallFacts], Session]:
    def begin(call: CallFacts) -> Session:
        return disclose(call, directory, disclosure_id="1", received_at=datetime.now(timezone.utc))

    return begin
