"""The fake channel answers as Asterisk does: one server says the same to both, and the replies are
compared."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from callcentre_disclosure.disclosure.announcement import Announcement, Prompt, Sound
from callcentre_disclosure.testing import FakeChannel, Fault
from callcentre_disclosure.testing.recording import Recording
from callcentre_disclosure.testing.sip import Phone
from callcentre_disclosure.testing.sounds import tone
from tests.integration.conftest import RunAsterisk

SECONDS = 1.0
TO_THE_END = [
    "ANSWER",
    "ANSWER",
    "CHANNEL STATUS",
    'STREAM FILE "{sound}" ""',
    'STREAM FILE "{sound}" "12"',
    'STREAM FILE "{sound}-that-is-missing" ""',
    'EXEC MSet "__A=\\"MA,TN\\",B=\\"\\",C=\\"x y\\""',
    'GET FULL VARIABLE "${{A}}|${{B}}|${{C}}|${{D}}"',
    'GET FULL VARIABLE "${{D}}"',
    "HANGUP",
    "CHANNEL STATUS",
    'EXEC MSet "E=\\"1\\""',
    'GET FULL VARIABLE "${{E}}"',
]
CALLER_LEAVES = [
    "ANSWER",
    'STREAM FILE "{sound}" ""',
    "CHANNEL STATUS",
    "ANSWER",
    'STREAM FILE "{sound}" ""',
    'EXEC MSet "A=\\"1\\""',
    'GET FULL VARIABLE "${{A}}"',
    "HANGUP",
]


class Interviewer:
    """A FastAGI server that says its lines, one after the other, and notes every reply."""

    def __init__(self, lines: list[str], sound: Path) -> None:
        self._lines = [line.format(sound=sound) for line in lines]
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def interview(self, come: Callable[[], object]) -> list[str]:
        """The replies of whoever comes."""
        replies: list[str] = []
        thread = threading.Thread(target=self._ask, args=(replies,))
        thread.start()
        come()
        thread.join(20)
        assert not thread.is_alive()
        return replies

    def _ask(self, replies: list[str]) -> None:
        connection, _ = self._listening.accept()
        with connection, connection.makefile("rwb", buffering=0) as stream:
            while stream.readline().strip():
                pass
            for line in self._lines:
                stream.write(line.encode() + b"\n")
                reply = stream.readline().decode()
                while reply == "HANGUP\n":
                    replies.append("HANGUP")
                    reply = stream.readline().decode()
                replies.append(f"{line.partition(chr(34))[0]}: {_rounded(reply)}")

    def close(self) -> None:
        self._listening.close()


def _rounded(reply: str) -> str:
    """A reply that says of its position only whether it is the start, the end or between."""

    def place(match: re.Match[str]) -> str:
        seconds = int(match[1]) / 8000
        return "endpos=" + ("start" if not seconds else "end" if seconds == SECONDS else "between")

    return re.sub(r"endpos=(\d+)", place, reply.strip())


@pytest.fixture
def prompt(tmp_path: Path) -> Prompt:
    Recording(tone(440, SECONDS)).save(tmp_path / "tone.wav")
    announced = Announcement("fr", "a tone", "fr/tone")
    return Prompt(announced, Sound(str(tmp_path / "tone"), "", SECONDS, "test"))


@pytest.fixture
def interviewer(request: pytest.FixtureRequest, prompt: Prompt) -> Iterator[Interviewer]:
    server = Interviewer(request.param, Path(prompt.sound.path))
    yield server
    server.close()


@pytest.mark.parametrize(
    ("interviewer", "leaves_after"),
    [(TO_THE_END, None), (CALLER_LEAVES, 0.5)],
    indirect=["interviewer"],
    ids=["to the end", "caller leaves"],
)
def test_the_fake_replies_as_asterisk_does(
    run_asterisk: RunAsterisk,
    caller: Phone,
    prompt: Prompt,
    interviewer: Interviewer,
    leaves_after: float | None,
) -> None:
    asterisk = run_asterisk(
        f"[inbound]\nexten => 1,1,AGI(agi://127.0.0.1:{interviewer.port}/interview)\n"
    )

    def real() -> None:
        call = caller.call("1", asterisk.sip_address)
        if leaves_after is None:
            call.wait_for("ended", timeout=20)
        else:
            call.wait_until(call.wait_for("audio") + leaves_after)
            call.hang_up()

    fault = Fault(hang_up_after=leaves_after) if leaves_after else None
    fake = FakeChannel("1", script="interview", sounds=[prompt], fault=fault)
    expected = interviewer.interview(real)
    assert interviewer.interview(lambda: fake.call_server("127.0.0.1", interviewer.port)) == (
        expected
    )
    assert len(expected) > len(CALLER_LEAVES), "the hangup was noted too"
