"""A session over AGI, for the script and the server alike: bytes in, bytes out.

Whoever owns the pipe or the socket owns the clock too. It feeds ``AgiDriver`` with what arrives
and what happens (the end of the stream, SIGHUP, a deadline that passed) together with the time,
sends the bytes that come back, and stops when ``done`` is true. ``record`` is then the evidence,
or None where Asterisk left before the call was known.

Asterisk waits for ever on a silent AGI, and so do its replies on a stuck channel: every wait here
has a ``deadline``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
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

from .agi import EndOfStream, Environment, Event, HangupNotice, Reply, ScriptSide

#: How long Asterisk may take, in seconds: to introduce a call, and to answer a command beyond
#: the time that the command itself takes.
ENVIRONMENT_SECONDS = 5.0
REPLY_SECONDS = 5.0
#: ``STREAM FILE`` counts in samples of the 8 kHz file that it plays.
SAMPLES_PER_SECOND = 8000

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

    ``fault`` is what the other side did wrong, where that ended the session.
    """

    def __init__(self, begin: Callable[[CallFacts], Session], door: str, now: float) -> None:
        self.done = False
        self.record: LedgerRecord | None = None
        self.fault: RemoteProtocolError | None = None
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
            answered = yield _Request(("ANSWER",))
            if answered.reply is None:
                return PlaybackReport(answered.failure or Ending.LOST)
            return None if answered.reply.result == "0" else PlaybackReport(Ending.HANGUP)
        if isinstance(command, Play):
            return (yield from self._play(command))
        if isinstance(command, SetVariables):
            pairs = ",".join(f'{name}="{value}"' for name, value in command.variables.items())
            yield _Request(("EXEC", "MSet", pairs))
        else:
            assert isinstance(command, HangUp)
            yield _Request(("HANGUP",))
        return None

    def _play(self, command: Play) -> Generator[_Request, _Answered, PlaybackReport]:
        sound = command.prompt.sound
        stream = _Request(("STREAM", "FILE", sound.path, ""), sound.seconds + REPLY_SECONDS)
        answered = yield stream
        reply, elapsed = answered.reply, answered.elapsed
        if reply is None:
            assert answered.failure is not None
            return PlaybackReport(answered.failure, elapsed=elapsed)
        played = reply.endpos / SAMPLES_PER_SECOND
        if reply.code == 200 and reply.result == "0":
            return PlaybackReport(Ending.FINISHED, played, elapsed)
        if reply.code == 200 and reply.result.isdecimal():
            digit = chr(int(reply.result))
            return PlaybackReport(Ending.KEY, played, elapsed, digit)
        gone = reply.code == 511 or (yield from self._gone())
        return PlaybackReport(Ending.HANGUP if gone else Ending.REFUSED, played, elapsed)

    def _gone(self) -> Generator[_Request, _Answered, bool]:
        """Whether -1 means that the caller left: a missing file is answered by the same number,
        but a channel that was hung up no longer tells its status."""
        if self._hung_up:
            return True
        answered = yield _Request(("CHANNEL", "STATUS"))
        return self._hung_up or answered.reply is None or answered.reply.code == 511

    def _facts(self, environment: Environment) -> Generator[_Request, _Answered, CallFacts]:
        asked = dict(parse_qsl((environment.get("network_script") or "").partition("?")[2]))
        for argument in environment.arguments():
            key, _, value = argument.partition("=")
            asked[key.strip()] = value.strip()
        channel = environment.get("channel") or ""
        stage = Stage(asked["stage"]) if asked.get("stage") in _STAGES else Stage.POSSIBLE
        agent, queue, linked_id = asked.get("agent"), asked.get("queue"), None
        if stage is Stage.ANSWERED:
            answered = yield _Request(("GET", "FULL", "VARIABLE", _ANSWERED_BY))
            told = answered.reply.value.split("|") if answered.reply else []
            member, peer, queue_name, linked_id = told if len(told) == 4 else [""] * 4
            agent = agent or member or endpoint_of(peer)
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


_STAGES = frozenset(stage.value for stage in Stage)
