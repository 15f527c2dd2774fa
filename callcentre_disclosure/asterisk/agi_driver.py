"""A session over AGI, for the script and the server alike: bytes in, bytes out.

Whoever owns the pipe or the socket owns the clock too. It feeds ``AgiDriver`` with what arrives
and what happens (the end of the stream, SIGHUP, a deadline that passed) together with the time,
sends the bytes that come back, and stops when ``done`` is true. ``record`` is then the evidence,
or None where Asterisk left before the call was known.

Asterisk waits for ever on a silent AGI, and so do its replies on a stuck channel: every wait here
has a ``deadline``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qsl

from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, endpoint_of
from callcentre_disclosure.disclosure.outcome import Ending, PlaybackReport
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import (
    Answer,
    Command,
    HangUp,
    Play,
    Report,
    Session,
    SetVariables,
)
from callcentre_disclosure.errors import RemoteProtocolError

from .agi import (
    SAMPLES_PER_SECOND,
    EndOfStream,
    Environment,
    Event,
    HangupNotice,
    Reply,
    ScriptSide,
)

#: How long Asterisk may take, in seconds: to introduce a call, and to answer a command beyond
#: the time that the command itself takes.
ENVIRONMENT_SECONDS = 5.0
REPLY_SECONDS = 5.0
#: A disk that does not answer holds a call no longer than this, in seconds, whatever its door.
EVIDENCE_SECONDS = 1.0

#: Read in one command once an agent has answered; none of them can hold a ``|``.
_ANSWERED_BY = "${MEMBERINTERFACE}|${DIALEDPEERNAME}|${QUEUENAME}|${CHANNEL(linkedid)}"


@dataclass(frozen=True, slots=True)
class _Request:
    words: tuple[str, ...]
    seconds: float = REPLY_SECONDS


@dataclass(frozen=True, slots=True)
class _Answered:
    """A reply, or how it failed to come; ``elapsed`` in seconds."""

    reply: Reply | None
    failure: Ending | None
    elapsed: float


_Conversation: TypeAlias = "Generator[_Request, _Answered, LedgerRecord]"
_Step: TypeAlias = "Generator[_Request, _Answered, Report]"


class AgiDriver:
    """Carries out one session. ``begin`` starts it, once the call is known.

    ``fault`` is what the other side did wrong, where that ended the session; ``notes`` are slips
    of the dialplan, for the log.
    """

    def __init__(self, begin: Callable[[CallFacts], Session], door: str, now: float) -> None:
        self.done = False
        self.record: LedgerRecord | None = None
        self.fault: RemoteProtocolError | None = None
        self.notes: tuple[str, ...] = ()
        self.deadline = now + ENVIRONMENT_SECONDS
        self._begin = begin
        self._door = door
        self._agi = ScriptSide()
        self._conversation: _Conversation | None = None
        self._hung_up = False
        self._asked_at = now

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes from Asterisk, empty at the end of the stream; returns the bytes to send."""
        out = b""
        try:
            for event in self._agi.receive(data):
                out += self._heed(event, now)
        except RemoteProtocolError as fault:
            self.fault = fault
            self._fail(Ending.LOST, now)
        return out

    def _heed(self, event: Event, now: float) -> bytes:
        if isinstance(event, Environment):
            self._conversation = self._converse(event)
            return self._advance(None, now)
        if isinstance(event, Reply):
            return self._advance(_Answered(event, None, now - self._asked_at), now)
        if isinstance(event, HangupNotice):
            self._hung_up = True
        else:
            assert isinstance(event, EndOfStream)
            self._fail(Ending.LOST, now)
        return b""

    def hang_up_seen(self) -> None:
        """The caller has gone, says the transport (SIGHUP); the conversation goes on."""
        self._hung_up = True

    def deadline_passed(self, now: float) -> None:
        """Asterisk did not answer in time; it must not be spoken to any more."""
        self._fail(Ending.DEADLINE, now)

    def _fail(self, failure: Ending, now: float) -> None:
        """Let the session come to its verdict with nobody to carry out what it still wants."""
        while not self.done:
            if self._conversation is None:
                self.done = True
            else:
                self._advance(_Answered(None, failure, now - self._asked_at), now, speak=False)

    def _advance(self, answered: _Answered | None, now: float, *, speak: bool = True) -> bytes:
        assert self._conversation is not None
        try:
            if answered is None:
                request = next(self._conversation)
            else:
                request = self._conversation.send(answered)
        except StopIteration as stop:
            self.done, self.record = True, stop.value
            return b""
        self._asked_at = now
        self.deadline = now + request.seconds
        return self._agi.send(*request.words) if speak else b""

    def _converse(self, environment: Environment) -> _Conversation:
        facts = yield from self._facts(environment)
        session = self._begin(facts)
        command = next(session)
        while True:
            report = yield from self._carry_out(command)
            try:
                command = session.send(report)
            except StopIteration as stop:
                record: LedgerRecord = stop.value
                return record

    def _carry_out(self, command: Command) -> _Step:
        if isinstance(command, Answer):
            return (yield from self._do("ANSWER"))
        if isinstance(command, Play):
            return (yield from self._play(command))
        if isinstance(command, SetVariables):
            pairs = ",".join(f'{name}="{value}"' for name, value in command.variables.items())
            return (yield from self._do("EXEC", "MSet", pairs))
        assert isinstance(command, HangUp)
        failed = yield from self._do("HANGUP")
        return failed if failed and failed.ending is not Ending.HANGUP else None

    def _do(self, *words: str) -> _Step:
        answered = yield _Request(words)
        if answered.reply and answered.reply.code == 200 and answered.reply.result in ("0", "1"):
            return None
        return PlaybackReport((yield from self._why(answered)))

    def _play(self, command: Play) -> Generator[_Request, _Answered, PlaybackReport]:
        sound = command.prompt.sound
        stream = _Request(("STREAM", "FILE", sound.path, ""), sound.seconds + REPLY_SECONDS)
        answered = yield stream
        reply, elapsed = answered.reply, answered.elapsed
        # Asterisk counts the samples of the file that it chose: twice as many in one of 16 kHz.
        position = reply.endpos / SAMPLES_PER_SECOND if reply else 0.0
        played = min(position, elapsed)
        if reply and reply.code == 200 and reply.result == "0":
            return PlaybackReport(Ending.FINISHED, min(position, sound.seconds), elapsed)
        if reply and reply.code == 200 and reply.result.isdecimal():
            digit = chr(int(reply.result))
            return PlaybackReport(Ending.KEY, played, elapsed, digit)
        return PlaybackReport((yield from self._why(answered)), played, elapsed)

    def _why(self, answered: _Answered) -> Generator[_Request, _Answered, Ending]:
        """Why a command failed. -1 is a missing file as well as a caller who left, but a channel
        that was hung up no longer tells its status."""
        if answered.failure:
            return answered.failure
        assert answered.reply is not None
        if self._hung_up or answered.reply.code == 511:
            return Ending.HANGUP
        status = yield _Request(("CHANNEL", "STATUS"))
        if status.failure:
            return status.failure
        gone = self._hung_up or (status.reply is not None and status.reply.code == 511)
        return Ending.HANGUP if gone else Ending.REFUSED

    def _facts(self, environment: Environment) -> Generator[_Request, _Answered, CallFacts]:
        query = (environment.get("network_script") or "").partition("?")[2]
        asked = dict(parse_qsl(query, keep_blank_values=True))
        for argument in environment.arguments():
            key, _, value = argument.partition("=")
            asked[key.strip()] = value.strip()
        self.notes = tuple(_notes(asked))
        channel = environment.get("channel") or ""
        stage = Stage.ANSWERED if asked.get("stage") == "answered" else Stage.POSSIBLE
        agent, queue, linked_id = asked.get("agent"), asked.get("queue"), None
        if stage is Stage.ANSWERED:
            answered = yield _Request(("GET", "FULL", "VARIABLE", _ANSWERED_BY))
            told = answered.reply.value.split("|") if answered.reply else []
            member, peer, queue_name, linked_id = told if len(told) == 4 else [""] * 4
            # MEMBERINTERFACE may be left from a queue that the call was in before, so a dialplan
            # that names the agent is believed even where it names nobody.
            agent = member or peer if agent is None else agent
            queue = queue or queue_name
        return CallFacts(
            unique_id=environment.get("uniqueid") or "",
            channel=channel,
            door=self._door,
            direction=(
                Direction.OUTBOUND if asked.get("direction") == "outbound" else Direction.INBOUND
            ),
            stage=stage,
            linked_id=linked_id or None,
            dialled_number=(
                asked.get("did") or environment.get("dnid") or environment.get("extension")
            ),
            caller_number=environment.get("callerid"),
            queue=queue or None,
            agent=agent or None,
            site=asked.get("site") or None,
            trunk=endpoint_of(channel) or None,
            language=asked.get("language") or None,
            channel_language=environment.get("language"),
        )


_KEYS = ("stage", "direction", "site", "queue", "agent", "language", "did", "profile")
_VALUES = {"stage": ("possible", "answered"), "direction": ("inbound", "outbound")}


def _notes(asked: Mapping[str, str]) -> Iterator[str]:
    """What the dialplan says wrongly. It is passed over, as a call is not lost by a slip."""
    for key, value in asked.items():
        if key and key not in _KEYS:
            yield f"the dialplan says {key}=, known are {', '.join(_KEYS)}"
        elif value not in _VALUES.get(key, (value,)):
            yield f"the dialplan says {key}={value}, known are {' and '.join(_VALUES[key])}"
