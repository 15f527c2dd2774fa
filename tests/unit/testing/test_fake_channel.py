"""The fake answers as Asterisk does, and refuses what no announcement needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from callcentre_disclosure.disclosure.announcement import Announcement, Prompt, Sound
from callcentre_disclosure.testing import FakeChannel, Fault, UnscriptedCommandError

TONE = Prompt(Announcement("fr", "a tone", "fr/tone"), Sound("/tone", "", 2.0, "test"))
BEEP = Prompt(Announcement("fr", "a beep", "fr/beep"), Sound("/beep", "", 1.0, "test"))
OWN = "PJSIP/trunk-00000001"
DEAD = "511 Command Not Permitted on a dead channel or intercept routine"


class Says:
    """A program that says its lines one after the other, and notes each reply with its time."""

    def __init__(self, *lines: str) -> None:
        self.done = False
        self.deadline = 60.0
        self.replies: list[str] = []
        self.times: list[float] = []
        self._lines = list(lines)

    def receive(self, data: bytes, now: float) -> bytes:
        reply = data.decode().strip()
        if reply == "HANGUP":
            self.hang_up_seen()
            return b""
        if not reply.startswith("agi_"):
            self.replies.append(reply.removeprefix("200 "))
            self.times.append(now)
        self.done = not self._lines
        return f"{self._lines.pop(0)}\n".encode() if self._lines else b""

    def hang_up_seen(self) -> None:
        self.replies.append("HANGUP")

    def deadline_passed(self, now: float) -> None: ...


def call(
    *lines: str, fault: Fault | None = None, extensions: Sequence[str] = (), script: str | None = ""
) -> tuple[FakeChannel, Says]:
    program = Says(*lines)
    channel = FakeChannel(sounds=[TONE, BEEP], fault=fault, extensions=extensions, script=script)
    return channel.run(program), program


@pytest.mark.parametrize(
    "line",
    [
        "EXEC Dial PJSIP/201",
        "SET VARIABLE X 1",
        "STREAM FILE x",
        "NOOP",
        "",
        "EXEC ChannelRedirect PJSIP/other-00000002,disclosure-choice,eu,1",
    ],
)
def test_a_command_that_no_announcement_needs_is_refused(line: str) -> None:
    with pytest.raises(UnscriptedCommandError):
        call(line)


def test_a_command_that_is_sent_while_one_runs_is_refused(prompts: list[Prompt]) -> None:
    path = prompts[0].sound.path
    lines = f"""STREAM FILE "{path}" ""\nANSWER\n"""
    talkative = [sys.executable, "-c", "import sys; sys.stdout.write(sys.argv[1])", lines]
    with pytest.raises(UnscriptedCommandError):
        FakeChannel(sounds=prompts).call_script(talkative)


@pytest.mark.parametrize(
    ("opening", "timeline"),
    [
        ([], ["connected"]),
        (['EXEC Progress ""'], ["early media", "a tone", "connected"]),
        (['EXEC Progress ""', 'EXEC Progress ""'], ["early media", "a tone", "connected"]),
        (["ANSWER"], ["answered", "a tone", "connected"]),
        (["ANSWER", 'EXEC Progress ""', "ANSWER"], ["answered", "a tone", "connected"]),
        (['EXEC Progress ""', "ANSWER"], ["early media", "answered", "a tone", "connected"]),
    ],
)
def test_what_nobody_can_hear_was_not_heard(opening: list[str], timeline: list[str]) -> None:
    channel, program = call(*opening, 'STREAM FILE /tone ""', "CHANNEL STATUS")
    assert channel.timeline == timeline
    assert program.replies[-2] == "result=0 endpos=16000", "which does not say so"
    assert program.replies[-1] == ("result=6" if "answered" in timeline else "result=4")
    assert program.times[-1] == 2.0


@pytest.mark.parametrize("no_text", [False, True])
def test_a_text_message_is_read_or_not_and_asterisk_says_the_same(no_text: bool) -> None:
    channel, program = call("ANSWER", 'SEND TEXT "au Maroc"', fault=Fault(no_text=no_text))
    assert program.replies == ["result=0", "result=0"]
    assert channel.read == ([] if no_text else ["au Maroc"])


PLAYED, BEEPED = "result=0 endpos=16000", "result=0 endpos=8000"


@pytest.mark.parametrize(
    ("lines", "after", "replies", "seconds", "heard"),
    [
        pytest.param(
            ["STREAM FILE /tone 123", 'STREAM FILE /tone "" 4000'],
            0.5,
            ["result=49 endpos=4000", PLAYED],
            2.0,
            ["a tone"],
            id="stopped, and taken up again",
        ),
        pytest.param(
            ['STREAM FILE /tone ""', "WAIT FOR DIGIT 3000"],
            0.5,
            [PLAYED, "result=0"],
            5.0,
            ["a tone"],
            id="lost",
        ),
        pytest.param(
            ["STREAM FILE /tone 23", "WAIT FOR DIGIT 3000"],
            0.5,
            [PLAYED, "result=0"],
            5.0,
            ["a tone"],
            id="another key is waited for",
        ),
        pytest.param(
            ['STREAM FILE /tone ""', "WAIT FOR DIGIT 3000", "WAIT FOR DIGIT 1000"],
            2.5,
            [PLAYED, "result=49", "result=0"],
            3.5,
            ["a tone"],
            id="after the sound",
        ),
        pytest.param(
            ['STREAM FILE /tone ""', 'STREAM FILE /beep ""', "WAIT FOR DIGIT 3000"],
            2.5,
            [PLAYED, BEEPED, "result=0"],
            6.0,
            ["a tone", "a beep"],
            id="lost in the next sound",
        ),
        pytest.param(
            ['STREAM FILE /tone ""', "STREAM FILE /beep 1"],
            2.5,
            [PLAYED, "result=49 endpos=4000"],
            2.5,
            ["a tone"],
            id="stops the next sound",
        ),
        pytest.param(
            ['STREAM FILE /tone ""', "WAIT FOR DIGIT 1000"],
            3.5,
            [PLAYED, "result=0"],
            3.0,
            ["a tone"],
            id="too late",
        ),
        pytest.param(
            ["STREAM FILE /beep 1", "WAIT FOR DIGIT 1000"],
            0.5,
            [BEEPED, "result=0"],
            2.0,
            ["a beep"],
            id="in no such sound",
        ),
    ],
)
def test_a_key_counts_where_a_command_waits_for_it(
    lines: list[str], after: float, replies: list[str], seconds: float, heard: list[str]
) -> None:
    fault = Fault(press="1", press_in="tone", press_after=after)
    channel, program = call("ANSWER", *lines, fault=fault)
    assert program.replies[1:] == replies
    assert program.times[-1] == seconds
    assert channel.heard == heard


def test_a_caller_who_leaves_in_what_was_left_of_a_sound() -> None:
    fault = Fault(press="1", press_after=0.5, hang_up_after=1.5)
    _, program = call("ANSWER", "STREAM FILE /tone 1", 'STREAM FILE /tone "" 4000', fault=fault)
    assert program.replies[-1] == "result=-1 endpos=12000"


def test_a_missing_file_is_at_the_place_that_was_asked_for() -> None:
    _, program = call("ANSWER", 'STREAM FILE /none ""', 'STREAM FILE /none "" 4000')
    assert program.replies[1:] == ["result=-1 endpos=0", "result=-1 endpos=4000"]


@pytest.mark.parametrize(
    ("extensions", "end"),
    [
        (["disclosure-choice,eu"], "redirected to disclosure-choice,eu,1"),
        (["disclosure-choice,us"], "hung up"),
    ],
    ids=["there", "not there"],
)
@pytest.mark.parametrize("script", [None, "disclose"])
def test_for_the_program_a_call_that_is_redirected_is_over(
    extensions: list[str], end: str, script: str | None
) -> None:
    channel, program = call(
        "ANSWER",
        f"EXEC ChannelRedirect {OWN},disclosure-choice,eu,1",
        "CHANNEL STATUS",
        'STREAM FILE /tone ""',
        "SEND TEXT x",
        "WAIT FOR DIGIT 100",
        'EXEC Progress ""',
        'EXEC MSet "A=\\"1\\""',
        "GET FULL VARIABLE ${A}",
        extensions=extensions,
        script=script,
    )
    assert channel.timeline == ["answered", end]
    assert program.replies[1:] == [
        "result=0",
        "HANGUP",
        *[DEAD] * 4,
        "result=0",
        "result=0",
        "result=1 (1)",
    ]


def test_who_is_hung_up_on_is_told_why_and_goes_nowhere() -> None:
    channel, program = call(
        "EXEC Hangup 21",
        "ANSWER",
        "EXEC Hangup 21",
        f"EXEC ChannelRedirect {OWN},disclosure-choice,eu,1",
        extensions=["disclosure-choice,eu"],
    )
    assert channel.timeline == ["hung up with cause 21"]
    assert program.replies == ["result=-1", "HANGUP", DEAD, "result=-1", "result=0"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("DIALPLAN_EXISTS(disclosure-choice,eu,1)", "1"),
        ("DIALPLAN_EXISTS(disclosure-choice,us,1)", "0"),
        ("CHANNEL_EXISTS(PJSIP/201-0000001a)", "1"),
        ("IMPORT(PJSIP/201-0000001a,CHANNEL(checkhangup))", "1"),
        ("CHANNEL(state)", "Ring"),
        ("CHANNEL(linkedid)", "1763800000.1"),
        ("QUEUENAME", ""),
    ],
)
def test_what_the_dialplan_knows(expression: str, value: str) -> None:
    line = f"GET FULL VARIABLE ${{{expression}}}"
    fault = Fault(agent_leaves=True)
    _, program = call(line, extensions=["disclosure-choice,eu"], fault=fault)
    assert program.replies == [f"result=1 ({value})"]
