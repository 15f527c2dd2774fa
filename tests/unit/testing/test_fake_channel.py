"""The fake refuses what no announcement needs."""

from __future__ import annotations

import sys

import pytest

from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.testing import FakeChannel, UnscriptedCommandError


class Says:
    """A program that says one line, whatever it hears."""

    def __init__(self, line: bytes) -> None:
        self.done = False
        self.deadline = 5.0
        self._line = line

    def receive(self, data: bytes, now: float) -> bytes:
        return self._line

    def hang_up_seen(self) -> None: ...

    def deadline_passed(self, now: float) -> None: ...


@pytest.mark.parametrize(
    "line", [b"EXEC Dial PJSIP/201\n", b"SET VARIABLE X 1\n", b"STREAM FILE x\n", b"NOOP\n", b"\n"]
)
def test_a_command_that_no_announcement_needs_is_refused(line: bytes) -> None:
    with pytest.raises(UnscriptedCommandError):
        FakeChannel().run(Says(line))


def test_a_command_that_is_sent_while_one_runs_is_refused(prompts: list[Prompt]) -> None:
    path = prompts[0].sound.path
    lines = f"""STREAM FILE "{path}" ""\nANSWER\n"""
    talkative = [sys.executable, "-c", "import sys; sys.stdout.write(sys.argv[1])", lines]
    with pytest.raises(UnscriptedCommandError):
        FakeChannel(sounds=prompts).call_script(talkative)
