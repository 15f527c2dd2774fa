"""The AGI codec, fed every way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcentre_disclosure.asterisk.agi import (
    MAX_COMMAND_BYTES,
    MAX_ENVIRONMENT_LINES,
    MAX_LINE_BYTES,
    MAX_WORDS,
    AsteriskSide,
    EndOfStream,
    Environment,
    Event,
    HangupNotice,
    Reply,
    ScriptSide,
)
from callcentre_disclosure.errors import LocalProtocolError, RemoteProtocolError

OPENING = AsteriskSide.environment({"channel": "PJSIP/a-1", "dnid": "unknown"}, ["a=b", ""])


def opened() -> ScriptSide:
    side = ScriptSide()
    side.receive(OPENING)
    return side


def asked() -> ScriptSide:
    side = opened()
    side.send("ANSWER")
    return side


REPLIES: list[tuple[bytes, list[Event]]] = [
    (b"200 result=0\n", [Reply(200, "0")]),
    (b"200 result=-1\r\n", [Reply(200, "-1")]),
    (b"200 result=0 endpos=33600\n", [Reply(200, "0", "", 33600)]),
    (b"200 result=49 endpos=800\n", [Reply(200, "49", "", 800)]),
    (b"200 result=1 (PJSIP/201)\n", [Reply(200, "1", "PJSIP/201")]),
    (b"200 result=1 (a (b) c)\n", [Reply(200, "1", "a (b) c")]),
    (b"200 result=1 ()\n", [Reply(200, "1", "")]),
    (b"200 result=1 (timeout) endpos=8\n", [Reply(200, "1", "timeout", 8)]),
    (b"200 result=1 (J\xe9r\xf4me)\n", [Reply(200, "1", "J\udce9r\udcf4me")]),
    (b"510 Invalid or unknown command\n", [Reply(510)]),
    (b"511 Command Not Permitted on a dead channel or intercept routine\n", [Reply(511)]),
    (b"520 Invalid command syntax.  Proper usage not available.\n", [Reply(520)]),
    (
        b"520-Invalid command syntax.  Proper usage follows:\nUsage: ANSWER\n\n 200 result=0\n"
        b"HANGUP\n520 End of proper usage.\n",
        [Reply(520)],
    ),
    (b"HANGUP\n200 result=-1\n", [HangupNotice(), Reply(200, "-1")]),
    (b"200 result=-1\nHANGUP\n", [Reply(200, "-1"), HangupNotice()]),
    (b"\n200 result=0\n", [Reply(200, "0")]),
]


@pytest.mark.parametrize(("data", "events"), REPLIES)
def test_a_reply_is_the_same_whole_and_byte_by_byte(data: bytes, events: list[Event]) -> None:
    assert asked().receive(data) == events
    side = asked()
    assert [e for byte in data for e in side.receive(bytes([byte]))] == events


@pytest.mark.parametrize(("data", "events"), REPLIES)
def test_the_stream_may_end_after_every_byte(data: bytes, events: list[Event]) -> None:
    for cut in range(len(data)):
        side = asked()
        came = side.receive(data[:cut]) if cut else []
        assert came == events[: len(came)]
        answered = any(isinstance(event, Reply) for event in came)
        assert side.receive(b"") == [EndOfStream(unanswered=not answered)]


def test_the_environment_is_the_same_whole_and_byte_by_byte() -> None:
    (whole,) = ScriptSide().receive(OPENING)
    side = ScriptSide()
    pieces = [event for byte in OPENING for event in side.receive(bytes([byte]))]
    assert pieces == [whole]
    assert isinstance(whole, Environment)
    assert whole.get("channel") == "PJSIP/a-1"
    assert whole.get("dnid") is None
    assert whole.get("extension") is None
    assert list(whole.arguments()) == ["a=b", ""]


def test_the_stream_may_end_inside_the_environment() -> None:
    for cut in range(len(OPENING)):
        side = ScriptSide()
        assert (side.receive(OPENING[:cut]) if cut else []) == []
        assert side.receive(b"") == [EndOfStream(unanswered=False)]


def test_a_caller_name_that_is_no_utf8_survives() -> None:
    name = b"Ren\xe9e \xff"
    (environment,) = ScriptSide().receive(b"agi_calleridname: " + name + b"\n\n")
    assert isinstance(environment, Environment)
    value = environment.get("calleridname")
    assert value is not None
    assert value.encode("utf-8", "surrogateescape") == name


def test_a_line_feed_in_a_value_does_not_end_the_call() -> None:
    (environment,) = ScriptSide().receive(b"agi_callerid: 1\nmore\nagi_dnid: 2\n\n")
    assert isinstance(environment, Environment)
    assert environment.get("dnid") == "2"
    side = ScriptSide()
    cut, *rest = side.receive(b"agi_callerid: 1\n\nagi_dnid: 2\n\n")
    assert isinstance(cut, Environment)
    assert rest == []


def test_all_128_arguments_are_read() -> None:
    arguments = [f"key{n}={n}" for n in range(MAX_WORDS)]
    (environment,) = ScriptSide().receive(AsteriskSide.environment({}, arguments))
    assert isinstance(environment, Environment)
    assert list(environment.arguments()) == arguments


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x02\x00\n",
        b"x" * (MAX_LINE_BYTES + 1),
        b"".join(b"agi_%d: x\n" % n for n in range(MAX_ENVIRONMENT_LINES + 1)),
    ],
)
def test_what_is_no_agi_environment_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        ScriptSide().receive(data)


@pytest.mark.parametrize("data", [b"hello\n", b"200\n", b"20 result=0\n"])
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        asked().receive(data)


def test_a_reply_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        opened().receive(b"200 result=0\n")


def test_nothing_is_sent_while_a_command_runs() -> None:
    side = asked()
    with pytest.raises(LocalProtocolError):
        side.send("ANSWER")
    side.receive(b"200 result=0\n")
    assert side.send("ANSWER") == b"ANSWER\n"


def test_nothing_is_sent_before_the_environment_is_in() -> None:
    with pytest.raises(LocalProtocolError):
        ScriptSide().send("ANSWER")


def test_every_word_arrives_as_one_argument() -> None:
    words = ("EXEC", "NoOp", 'a "b" \\c', "", "\t d ", 'x" HANGUP "')
    assert AsteriskSide().receive(opened().send(*words)) == [words]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"))))
def test_any_text_arrives_as_it_was_sent(words: list[str]) -> None:
    sent = ("SET", "VARIABLE", *words)
    assert AsteriskSide().receive(opened().send(*sent)) == [sent]


@pytest.mark.parametrize("bad", ["a\nHANGUP", "a\rb", "a\0b"])
def test_a_second_command_cannot_be_smuggled_in(bad: str) -> None:
    side = opened()
    with pytest.raises(LocalProtocolError):
        side.send("SET", "VARIABLE", "X", bad)
    assert side.send("ANSWER"), "a refused command has not been sent"


def test_a_command_fills_asterisks_buffer_and_no_more() -> None:
    room = MAX_COMMAND_BYTES - len('EXEC NoOp ""\n')
    line = opened().send("EXEC", "NoOp", "-" * room)
    assert len(line) == MAX_COMMAND_BYTES
    with pytest.raises(LocalProtocolError):
        opened().send("EXEC", "NoOp", "-" * (room + 1))


def test_a_command_has_at_most_128_words() -> None:
    words = ["EXEC", *("x" for _ in range(MAX_WORDS - 1))]
    assert AsteriskSide().receive(opened().send(*words)) == [tuple(words)]
    with pytest.raises(LocalProtocolError):
        opened().send(*words, "y")


def test_asterisks_usage_in_many_lines_is_one_reply() -> None:
    assert asked().receive(AsteriskSide.usage("Usage: ANSWER\n  Answers")) == [Reply(520)]


@pytest.mark.parametrize("code", [510, 511, 520])
def test_asterisks_errors_are_read(code: int) -> None:
    assert asked().receive(AsteriskSide.error(code)) == [Reply(code)]
