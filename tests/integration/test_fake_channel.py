"""The fake channel answers as Asterisk does: one server says the same to both, and the replies are
compared."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from callcentre_disclosure.disclosure.announcement import Announcement, Prompt, Sound
from callcentre_disclosure.testing import FakeChannel, Fault
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Recording, find_tone
from callcentre_disclosure.testing.sip import Phone
from callcentre_disclosure.testing.sounds import tone
from tests.integration.conftest import RunAsterisk

SECONDS = 0.6
VARIABLES = "${{CHANNEL(state)}}|${{DISCLOSURE_TOLD}}|${{QUEUENAME}}|${{SHARED(DISCLOSURE_AGENT)}}"
THERE = "${{CHANNEL_EXISTS({channel})}}${{IMPORT({channel},CHANNEL(checkhangup))}}"
CHOICE = 'EXEC "ChannelRedirect" "{channel},disclosure-choice,eu-service,1"'
TO_THE_END = [
    "ANSWER",
    "ANSWER",
    "CHANNEL STATUS",
    'STREAM FILE "{sound}" ""',
    'STREAM FILE "{sound}" "12"',
    'STREAM FILE "{sound}" "" 2400',
    'STREAM FILE "{sound}" "" 4800',
    'STREAM FILE "{sound}-that-is-missing" ""',
    'STREAM FILE "{sound}-that-is-missing" "" 2400',
    'SEND TEXT "Votre appel pourra être traité \\"au Maroc\\"."',
    'EXEC "Progress" ""',
    "WAIT FOR DIGIT 100",
    'EXEC MSet "__A=\\"MA,TN\\",B=\\"\\",C=\\"x y\\""',
    'GET FULL VARIABLE "${{A}}|${{B}}|${{C}}|${{D}}"',
    'GET FULL VARIABLE "${{D}}"',
    f'GET FULL VARIABLE "{VARIABLES}"',
    f'GET FULL VARIABLE "{THERE}"',
    'GET FULL VARIABLE "${{DIALPLAN_EXISTS(disclosure-choice,eu-service,1)}}"',
    'GET FULL VARIABLE "${{DIALPLAN_EXISTS(disclosure-choice,nobody,1)}}"',
    'EXEC "Hangup" "21"',
    "CHANNEL STATUS",
    'EXEC "Hangup" "21"',
    'EXEC MSet "E=\\"1\\""',
    'GET FULL VARIABLE "${{E}}"',
]
#: Before the answer. The first sound is played with success, and nobody hears it.
EARLY = [
    f'GET FULL VARIABLE "{VARIABLES}"',
    "CHANNEL STATUS",
    'STREAM FILE "{sound}" ""',
    'EXEC "Progress" ""',
    'SEND TEXT "au Maroc"',
    'STREAM FILE "{sound}" ""',
    "CHANNEL STATUS",
    'EXEC "Progress" ""',
    "ANSWER",
    f'GET FULL VARIABLE "{VARIABLES}"',
    CHOICE,
    "CHANNEL STATUS",
    'STREAM FILE "{sound}" ""',
    'SEND TEXT "au Maroc"',
    "WAIT FOR DIGIT 100",
    'EXEC "Progress" ""',
    'EXEC MSet "E=\\"1\\""',
    'GET FULL VARIABLE "${{E}}"',
    "ANSWER",
]
REFUSED = ['EXEC "Hangup" "21"', "ANSWER", CHOICE, 'GET FULL VARIABLE "${{A}}"']
CALLER_LEAVES = [
    "ANSWER",
    'STREAM FILE "{sound}" ""',
    "CHANNEL STATUS",
    "ANSWER",
    'STREAM FILE "{sound}" ""',
    'SEND TEXT "au Maroc"',
    'EXEC "Progress" ""',
    "WAIT FOR DIGIT 100",
    'EXEC MSet "A=\\"1\\""',
    'GET FULL VARIABLE "${{A}}"',
    'GET FULL VARIABLE "${{DIALPLAN_EXISTS(disclosure-choice,eu-service,1)}}"',
    CHOICE,
    'EXEC "Hangup" "21"',
]
KEY_IN_A_SOUND = [
    "ANSWER",
    'STREAM FILE "{sound}" "1"',
    'STREAM FILE "{sound}" "" 2400',
    "WAIT FOR DIGIT 300",
]
KEY_FOR_NOBODY = ["ANSWER", 'STREAM FILE "{sound}" ""', "WAIT FOR DIGIT 300"]
WRONG_KEY = ["ANSWER", 'STREAM FILE "{sound}" "23"', "WAIT FOR DIGIT 300"]
KEY_AFTER_A_SOUND = [
    "ANSWER",
    'STREAM FILE "{sound}" "1"',
    "WAIT FOR DIGIT 1500",
    "WAIT FOR DIGIT 100",
]


class Interviewer:
    """A FastAGI server that says some lines, one after the other, and notes every reply."""

    def __init__(self, sound: str) -> None:
        self._sound = sound
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]

    def interview(self, lines: list[str], come: Callable[[], object]) -> list[str]:
        """The replies of whoever comes."""
        replies: list[str] = []
        thread = threading.Thread(target=self._ask, args=(lines, replies))
        thread.start()
        come()
        thread.join(20)
        assert not thread.is_alive()
        return replies

    def _ask(self, lines: list[str], replies: list[str]) -> None:
        connection, _ = self._listening.accept()
        with connection, connection.makefile("rwb", buffering=0) as stream:
            opening = [line.decode() for line in iter(stream.readline, b"\n")]
            (channel,) = (line.split()[1] for line in opening if line.startswith("agi_channel:"))
            for template in lines:
                line = template.format(sound=self._sound, channel=channel)
                stream.write(line.encode() + b"\n")
                reply = stream.readline().decode()
                while reply == "HANGUP\n":
                    replies.append("HANGUP")
                    reply = stream.readline().decode()
                replies.append(f"{template}: {_rounded(reply)}")

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
def interviewer(prompt: Prompt) -> Iterator[Interviewer]:
    server = Interviewer(prompt.sound.path)
    yield server
    server.close()


DIALPLAN = """\
[inbound]
exten => 1,1,AGI(agi://127.0.0.1:{port}/interview)
 same => n,Wait(5)
[disclosure-choice]
exten => eu-service,1,Wait(5)
"""


INTERVIEWS = {
    "to the end": (TO_THE_END, Fault()),
    "early media": (EARLY, Fault()),
    "refused": (REFUSED, Fault()),
    "caller leaves": (CALLER_LEAVES, Fault(hang_up_after=0.3)),
    "key in a sound": (KEY_IN_A_SOUND, Fault(press="1", press_after=0.3)),
    "key for nobody": (KEY_FOR_NOBODY, Fault(press="1", press_after=0.3)),
    "wrong key": (WRONG_KEY, Fault(press="1", press_after=0.3)),
    "key after a sound": (KEY_AFTER_A_SOUND, Fault(press="1", press_after=0.9)),
}


def test_the_fake_replies_as_asterisk_does(
    run_asterisk: RunAsterisk, caller: Phone, prompt: Prompt, interviewer: Interviewer
) -> None:
    asterisk = run_asterisk(DIALPLAN.format(port=interviewer.port))
    real, fake = {}, {}
    for name, (lines, fault) in INTERVIEWS.items():
        call = partial(rehearse, caller, asterisk, fault)
        real[name] = interviewer.interview(lines, call)
        channel = FakeChannel(
            "1",
            script="interview",
            sounds=[prompt],
            extensions=["disclosure-choice,eu-service"],
            fault=fault,
        )
        served = partial(channel.call_server, "127.0.0.1", interviewer.port)
        fake[name] = interviewer.interview(lines, served)
    assert fake == real


def rehearse(caller: Phone, asterisk: PrivateAsterisk, fault: Fault) -> None:
    """A real call in which the same goes wrong."""
    call = caller.call("1", asterisk.sip_address)
    if fault.hang_up_after or fault.press:
        begun = call.wait_for("audio")
        call.wait_until(begun + (fault.hang_up_after or fault.press_after))
    if fault.press:
        call.send_dtmf(fault.press)
    if fault.hang_up_after:
        call.hang_up()


def test_the_fake_is_heard_where_a_caller_hears(
    run_asterisk: RunAsterisk, caller: Phone, prompt: Prompt, interviewer: Interviewer
) -> None:
    """Of the sounds before the answer only the second comes through."""
    asterisk = run_asterisk(DIALPLAN.format(port=interviewer.port))
    lines, fake = EARLY[2:6], FakeChannel("1", script="interview", sounds=[prompt])
    interviewer.interview(lines, partial(fake.call_server, "127.0.0.1", interviewer.port))
    interviewer.interview(lines, partial(caller.call, "1", asterisk.sip_address))
    (call,) = caller.calls
    assert fake.timeline == ["early media", "a tone", "connected"]
    assert len(find_tone(call.recording(), 440)) == len(fake.heard) == 1
    assert [message.text for message in call.messages] == fake.read == ["au Maroc"]
