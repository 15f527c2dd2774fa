"""Targets: what Asterisk, or anybody who connects, says of a call."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from callcentre_disclosure.asterisk import facts
from callcentre_disclosure.asterisk.agi import (
    MAX_COMMAND_BYTES,
    AsteriskSide,
    Environment,
    Event,
    ScriptSide,
)
from callcentre_disclosure.asterisk.agi_driver import AgiDriver
from callcentre_disclosure.asterisk.ari import protocol
from callcentre_disclosure.asterisk.ari.mailbox import CAPACITY, Mailboxes
from callcentre_disclosure.asterisk.stasis.seen import Leg, Seen, Sound, look_again
from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import FindChannel, FindExtension, Session
from callcentre_disclosure.disclosure.decision import decide
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import ANSWERED_CONTEXT, CHOICE_CONTEXT, disclose
from callcentre_disclosure.errors import RemoteProtocolError
from callcentre_disclosure.evidence.document import columns, document
from tests.conftest import small_call_centre
from tests.unit.disclosure.journeys import treated

from .dialplan import arguments


def _rows(table: Any) -> tuple[Any, ...]:
    return tuple(table.values())


#: Between two pieces of what arrives. No UTF-8 has it, and no Asterisk sends it.
CUT = b"\xfe"
#: Pieces that stand for something else that happens.
HANGUP, DEADLINE = b"\x01", b"\x02"

AT = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
CENTRE = treated(small_call_centre(), profile="choice", choice="eu")
SOUNDS = {sound.path for sound in _rows(CENTRE.sounds)}
VARIABLES = {
    "__DISCLOSURE_TOLD",
    "__DISCLOSURE_STATUS",
    "__DISCLOSURE_COUNTRIES",
    "__DISCLOSURE_CHOICE",
    "__DISCLOSURE_CHOSEN_AT",
    "__DISCLOSURE_ID",
    "DISCLOSURE_SITE",
    "DISCLOSURE_DISPOSITION",
}
#: The commands that are sent with nothing of the call in them.
_PLAIN = {
    ("ANSWER",),
    ("CHANNEL", "STATUS"),
    ("EXEC", "Progress", ""),
    ("EXEC", "Hangup", "21"),
    ("GET", "FULL", "VARIABLE", facts.template()),
    ("GET", "FULL", "VARIABLE", "${PJSIP_HEADER(read,Allow)}"),
    ("GET", "FULL", "VARIABLE", f"${{DIALPLAN_EXISTS({ANSWERED_CONTEXT},join,1)}}"),
    ("GET", "FULL", "VARIABLE", f"${{DIALPLAN_EXISTS({CHOICE_CONTEXT},eu,1)}}"),
}


def agi_codec(data: bytes) -> None:
    """Bytes are the same events in whatever pieces they come, or are refused in all of them."""
    size = max(1, data[0]) if data else 1
    whole, pieces = data[1:], [data[at : at + size] for at in range(1, len(data), size)]
    try:
        expected: list[Event] | None = _events([whole])
    except RemoteProtocolError:
        expected = None
    try:
        events: list[Event] | None = _events(pieces)
    except RemoteProtocolError:
        events = None
    assert events == expected
    for event in events or ():
        if isinstance(event, Environment):
            list(event.arguments())
    AsteriskSide().receive(data)


def _events(pieces: list[bytes]) -> list[Event]:
    side = ScriptSide()
    opening = side.receive(AsteriskSide.environment({"channel": "PJSIP/a-1"}))
    assert [type(event) for event in opening] == [Environment]
    side.send("ANSWER")
    return [event for piece in pieces if piece for event in side.receive(piece)]


def agi_environment(data: bytes) -> None:
    """An opening is read, or refused; what is in it can be asked for and is as it came."""
    try:
        events = ScriptSide().receive(data) if data else []
    except RemoteProtocolError:
        return
    for event in events:
        if not isinstance(event, Environment):
            continue
        for value in (*event.variables.values(), *event.arguments()):
            assert "\n" not in value
            assert value.encode("utf-8", "surrogateescape") in data


def agi_session(data: bytes) -> None:
    """A session with whoever connected ends, says nothing but what it has to, and leaves evidence
    that can be written."""
    driver = AgiDriver(_begin, "fastagi", 0.0, "192.0.2.1")
    now = 0.0
    for piece in (*data.split(CUT), b""):
        now += 1.0
        if driver.done:
            break
        if piece == HANGUP:
            driver.hang_up_seen()
        elif piece == DEADLINE:
            driver.deadline_passed(now)
        else:
            sent = driver.receive(piece, now)
            if sent:
                _is_one_of_ours(sent)
    assert driver.done
    list(driver.slips())
    if driver.record:
        _can_be_kept(driver.record)


def _begin(call: CallFacts) -> Session:
    return disclose(call, CENTRE, disclosure_id="id-1", received_at=AT)


def _is_one_of_ours(sent: bytes) -> None:
    assert sent.endswith(b"\n")
    assert sent.count(b"\n") == 1
    assert len(sent) <= MAX_COMMAND_BYTES
    assert not {0, 13}.intersection(sent)
    (words,) = AsteriskSide().receive(sent)
    if words in _PLAIN:
        return
    match words:
        case ("STREAM", "FILE", path, keys, *start):
            assert path in SOUNDS
            assert set(keys) <= set("0123456789*#")
            assert all(sample.isdecimal() for sample in start)
        case ("WAIT", "FOR", "DIGIT", milliseconds):
            assert milliseconds.isdecimal()
        case ("SEND", "TEXT", text):
            assert text.isprintable()
        case ("EXEC", "MSet", pairs):
            for pair in arguments(pairs):
                name, _, value = pair.partition("=")
                assert name in VARIABLES, pairs
                assert value.isprintable()
                assert not set('"$\\').intersection(value)
        case ("EXEC", "ChannelRedirect", target):
            _, *where = arguments(target)  # of nothing but a [ in a name there are none
            assert where in (
                [ANSWERED_CONTEXT, "s", "2"],
                [ANSWERED_CONTEXT, "join", "1"],
                [CHOICE_CONTEXT, "eu", "1"],
                [],
            )
        case ("EXEC", "SoftHangup", channel):
            assert len(arguments(channel)) == 1
        case ("GET", "FULL", "VARIABLE", expression):
            assert expression.startswith("${CHANNEL_EXISTS(")
            assert expression.count("${") == 2, expression
            assert not set('"\t\x1b').intersection(expression)
        case _:
            raise AssertionError(words)


def _can_be_kept(record: LedgerRecord) -> None:
    made = document(record, lambda number: f"k:{len(number)}" if number else None)
    assert json.loads(json.dumps(made)) == made
    for value in columns(made).values():
        assert "\0" not in str(value)
        str(value).encode()


def asked(data: bytes) -> None:
    """What a dialplan says of a call, as a query string, arguments and values of the channel,
    chooses among what the configuration has and nothing else."""
    text = data.decode("utf-8", "surrogateescape")
    query, _, rest = text.partition("\n")
    words, _, value = rest.partition("\n")
    keys = facts.asked(words.split("\t"), query)
    notes = list(facts.slips(keys))
    assert sum(map(len, notes)) < 5_000
    assert all(map(str.isprintable, notes)), notes
    channel = facts.Channel(text, text, text, text, text, facts.read(value))
    call = facts.call_facts(keys, channel, "fastagi")
    made = decide(call, CENTRE, AT)
    assert made.language in CENTRE.languages
    assert made.route in (*_rows(CENTRE.routes), CENTRE.default_route)
    prompts = (made.plan.prompt, made.refusal, *(one.prompt for one in made.fallbacks))
    assert {prompt.sound.path for prompt in prompts if prompt} <= SOUNDS
    for command in (FindChannel(text), FindExtension(CHOICE_CONTEXT, text)):
        if question := facts.question(command):
            assert question[0].count("${") == question[0].count("}") <= 2
            assert not set("\r\n\0\x1b").intersection(question[0])


def ari_message(data: bytes) -> None:
    """A message is read, or refused without a word of it; a version is told, or is none."""
    with suppress(RemoteProtocolError):
        message = protocol.decode(data)
        if isinstance(message, protocol.Event):
            assert isinstance(message.channel_id, str)
            assert all(isinstance(subject, str) for subject in message.subjects)
    protocol.response(200, data)
    text = data.decode("utf-8", "replace")
    protocol.takes_requests(text)
    assert protocol.path(text, text).count("/") == 1
    request = protocol.Request("GET", protocol.path(text), {text: text}, {text: text})
    assert json.loads(protocol.encode(request, text))["request_id"] == text


def ari_events(data: bytes) -> None:
    """Whatever the events of a call say, it goes on and holds no more than it may."""
    boxes, seen = Mailboxes(), Seen()
    box = boxes.open()
    box.follow("a", "b", "p")
    line_of = Line(seen)
    for number, line in enumerate(data.split(b"\n")):
        try:
            message = protocol.decode(line, float(number))
        except RemoteProtocolError:
            continue
        if isinstance(message, protocol.Event):
            boxes.deliver(message)
            line_of.heed(message)
    boxes.missed()
    assert len(box._waiting) <= CAPACITY + 1


class Line:
    """What is seen of a call with two legs, one of which hears a sound."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        for name in ("a", "b"):
            seen.legs[name] = Leg(name)
        seen.sounds["p"] = Sound("p", seen.legs["a"])

    def heed(self, event: protocol.Event) -> None:
        self._seen.heed(event)
        for leg in self._seen.legs.values():
            look_again(leg, event.channel)
            assert isinstance(leg.name, str)
            assert isinstance(leg.keys, str)
            assert leg.language is None or isinstance(leg.language, str)
        for sound in self._seen.sounds.values():
            assert sound.seconds >= 0
