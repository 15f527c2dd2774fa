"""A session over AGI, for the script and the server alike: bytes in, bytes out.

Whoever owns the pipe or the socket owns the clock too. It feeds ``AgiDriver`` with what arrives
and what happens (the end of the stream, SIGHUP, a deadline that passed) together with the time,
sends the bytes that come back, and stops when ``done`` is true. ``record`` is then the evidence,
or None where Asterisk left before the call was known.

Asterisk waits for ever on a silent AGI, and so do its replies on a stuck channel: every wait here
has a ``deadline``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from callcentre_disclosure.disclosure.announcement import Sound
from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import (
    Answer,
    Ask,
    Command,
    FindChannel,
    FindExtension,
    HangUp,
    Play,
    Progress,
    Redirect,
    Release,
    Report,
    SendText,
    Session,
    SetVariables,
)
from callcentre_disclosure.disclosure.outcome import Ending, PlaybackReport
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.errors import LocalProtocolError, RemoteProtocolError

from . import facts
from .agi import (
    MAX_COMMAND_BYTES,
    SAMPLES_PER_SECOND,
    EndOfStream,
    Environment,
    Event,
    HangupNotice,
    Reply,
    ScriptSide,
)
from .silence import Silence

#: How long Asterisk may take, in seconds: to introduce a call, and to answer a command beyond
#: the time that the command itself takes.
ENVIRONMENT_SECONDS = 5.0
REPLY_SECONDS = 5.0
#: And all of it, however promptly each reply comes: longer than any announcement may last.
SESSION_SECONDS = 900.0
#: What is read of one session in all, in bytes; Asterisk sends a few thousand.
MAX_SESSION_BYTES = 131072
#: A disk that does not answer holds a call no longer than this, in seconds, whatever its door.
EVIDENCE_SECONDS = 1.0

#: The longest text message, as it is quoted.
_TEXT_BYTES = MAX_COMMAND_BYTES - len("SEND TEXT \n")
_EVERY_KEY = "0123456789*#"


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
_Playing: TypeAlias = "Generator[_Request, _Answered, PlaybackReport]"


class AgiDriver:
    """Carries out one session with an ``asterisk``. ``begin`` starts it, once the call is known.

    ``fault`` is what the other side did wrong, where that ended the session; ``notes`` are slips
    of the dialplan, for the log. ``silence`` is how long the caller hears nothing because of us.
    ``gone`` tells that the caller has left, or that Asterisk has, or that it no longer answers:
    nothing that is said from here on reaches anybody.
    """

    def __init__(
        self,
        begin: Callable[[CallFacts], Session],
        door: str,
        now: float,
        asterisk: str | None = None,
    ) -> None:
        self.done = False
        self.gone = False
        self.answered = False  #: whether Asterisk has carried out anything
        self.record: LedgerRecord | None = None
        self.fault: RemoteProtocolError | None = None
        self.notes: tuple[str, ...] = ()
        self.deadline = now + ENVIRONMENT_SECONDS
        self._over = now + SESSION_SECONDS
        self._room = MAX_SESSION_BYTES
        self.silence = Silence(now)
        self._begin = begin
        self._door = door
        self._asterisk = asterisk
        self._agi = ScriptSide()
        self._conversation: _Conversation | None = None
        self._now = self._asked_at = now
        self._is_up = False
        self._channel = ""
        self._position = 0

    def slips(self) -> Iterator[str]:
        """What Asterisk or its dialplan did wrong, for the log."""
        yield from self.notes
        if self.fault:
            yield str(self.fault)

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes from Asterisk, empty at the end of the stream; returns the bytes to send."""
        out = b""
        self._room -= len(data)
        try:
            if self._room < 0:
                raise RemoteProtocolError(f"more than {MAX_SESSION_BYTES} bytes")
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
            self.answered = True
            self.gone |= event.code == 511
            return self._advance(_Answered(event, None, now - self._asked_at), now)
        if isinstance(event, HangupNotice):
            self.gone = True
        else:
            assert isinstance(event, EndOfStream)
            self._fail(Ending.LOST, now)
        return b""

    def hang_up_seen(self) -> None:
        """The caller has gone, says the transport (SIGHUP); the conversation goes on."""
        self.gone = True

    def deadline_passed(self, now: float) -> None:
        """Asterisk did not answer in time; it must not be spoken to any more."""
        self._fail(Ending.DEADLINE, now)

    def _fail(self, failure: Ending, now: float) -> None:
        """Let the session come to its verdict with nobody to carry out what it still wants."""
        self.gone = True
        while not self.done:
            if self._conversation is None:
                self.done = True
            else:
                self._advance(_Answered(None, failure, now - self._asked_at), now, speak=False)

    def _advance(self, answered: _Answered | None, now: float, *, speak: bool = True) -> bytes:
        assert self._conversation is not None
        self._now = now
        try:
            if answered is None:
                request = next(self._conversation)
            else:
                request = self._conversation.send(answered)
        except StopIteration as stop:
            self.done, self.record = True, stop.value
            return b""
        self._asked_at = now
        self.deadline = min(now + request.seconds, self._over)
        if not speak:
            return b""
        try:
            return self._agi.send(*request.words)
        except LocalProtocolError as slip:  # a name that no command can carry
            self.notes = (*self.notes, str(slip))
            return self._advance(_Answered(Reply(520), None, 0.0), now)

    def _converse(self, environment: Environment) -> _Conversation:
        call = yield from self._facts(environment)
        self._is_up = call.is_up
        session = self._begin(call)
        command = next(session)
        while True:
            report = yield from self._carry_out(command)
            try:
                command = session.send(report)
            except StopIteration as stop:
                record: LedgerRecord = stop.value
                return record

    def _carry_out(self, command: Command) -> _Step:
        match command:
            case Answer():
                failed = yield from self._do("ANSWER")
                if not self._is_up:
                    self.silence.answered(self._now)
                return failed
            case Progress():
                return (yield from self._do("EXEC", "Progress", ""))
            case SendText(text):
                return (yield from self._send_text(" ".join(text.split())))
            case Play(prompt, key):
                return (yield from self._heard(self._play(prompt.sound, key)))
            case Ask(prompt, seconds):
                return (yield from self._heard(self._ask(prompt.sound, seconds)))
            case FindExtension() | FindChannel():
                asked = facts.question(command)
                return (yield from self._find(*asked)) if asked else PlaybackReport(Ending.LOST)
            case SetVariables(variables):
                pairs = ",".join(f'{name}="{value}"' for name, value in variables.items())
                return (yield from self._do("EXEC", "MSet", pairs))
            case Redirect(context, extension, priority, channel):
                if self.gone and not channel:  # Asterisk would say that it is done
                    return PlaybackReport(Ending.HANGUP)
                name = channel or self._channel
                if not facts.is_plain(name):
                    return PlaybackReport(Ending.REFUSED)
                target = f"{name},{context},{extension},{priority}"
                return (yield from self._do("EXEC", "ChannelRedirect", target))
            case Release(channel):
                if not facts.is_plain(channel):
                    return PlaybackReport(Ending.REFUSED)
                return (yield from self._do("EXEC", "SoftHangup", channel))
            case HangUp(cause):
                failed = yield from self._do("EXEC", "Hangup", str(cause), good=("-1",))
                return failed if failed and failed.ending is not Ending.HANGUP else None

    def _heard(self, playing: _Playing) -> _Playing:
        began = self._now
        report = yield from playing
        if report.played:
            self.silence.broken(began, self._now)
        return report

    def _do(self, *words: str, good: tuple[str, ...] = ("0", "1")) -> _Step:
        answered = yield _Request(words)
        if answered.reply and answered.reply.code == 200 and answered.reply.result in good:
            return None
        return PlaybackReport((yield from self._why(answered)))

    def _send_text(self, text: str) -> _Step:
        """Only to who says that they take messages (the Allow header of their INVITE): Asterisk
        ends a call in which a MESSAGE is not answered for 32 s (16.28, 22.10)."""
        quoted = json.dumps(text, ensure_ascii=False).encode(errors="replace")
        if len(quoted) > _TEXT_BYTES or not self._channel.startswith("PJSIP/"):
            return PlaybackReport(Ending.REFUSED)
        allowed = yield _Request(("GET", "FULL", "VARIABLE", "${PJSIP_HEADER(read,Allow)}"))
        if allowed.failure or not allowed.reply or "MESSAGE" not in allowed.reply.value:
            return PlaybackReport(allowed.failure or Ending.REFUSED)
        return (yield from self._do("SEND", "TEXT", text))

    def _find(self, expression: str, yes: tuple[str, ...]) -> _Step:
        """Whether an expression of the dialplan has a value that says yes."""
        answered = yield _Request(("GET", "FULL", "VARIABLE", expression))
        is_there = answered.reply is not None and answered.reply.value in yes
        return None if is_there else PlaybackReport(answered.failure or Ending.REFUSED)

    def _play(self, sound: Sound, key: str) -> _Playing:
        """To the end: where the key stops it, it goes on from there."""
        report = yield from self._stream(sound, key)
        if report.ending is not Ending.KEY:
            return report
        rest = yield from self._stream(sound, "", self._position, report.played)
        played = max(report.played, rest.played)
        return PlaybackReport(rest.ending, played, report.elapsed + rest.elapsed, report.digit)

    def _ask(self, sound: Sound, seconds: float) -> _Playing:
        report = yield from self._stream(sound, _EVERY_KEY)
        if report.ending is not Ending.FINISHED:
            return report
        wait = ("WAIT", "FOR", "DIGIT", str(round(seconds * 1000)))
        answered = yield _Request(wait, seconds + REPLY_SECONDS)
        elapsed = report.elapsed + answered.elapsed
        reply = answered.reply
        if reply and reply.code == 200 and (reply.key or reply.result == "0"):
            return PlaybackReport(Ending.FINISHED, report.played, elapsed, reply.key)
        return PlaybackReport((yield from self._why(answered)), report.played, elapsed)

    def _stream(self, sound: Sound, keys: str, start: int = 0, before: float = 0.0) -> _Playing:
        """Play a sound until its end or one of the keys, or what is left of it: from a sample of
        its file on, that comes after so many seconds."""
        words = ("STREAM", "FILE", sound.path, keys, *((str(start),) if start else ()))
        answered = yield _Request(words, sound.seconds + REPLY_SECONDS)
        reply, elapsed = answered.reply, answered.elapsed
        self._position = reply.endpos if reply else 0
        # Asterisk counts the samples of the file that it chose: twice as many in one of 16 kHz.
        reached = self._position / SAMPLES_PER_SECOND
        played = min(reached, before + elapsed)
        if reply and reply.code == 200 and reply.result == "0":
            return PlaybackReport(Ending.FINISHED, min(reached, sound.seconds), elapsed)
        if reply and reply.code == 200 and reply.key:
            return PlaybackReport(Ending.KEY, played, elapsed, reply.key)
        return PlaybackReport((yield from self._why(answered)), played, elapsed)

    def _why(self, answered: _Answered) -> Generator[_Request, _Answered, Ending]:
        """Why a command failed. -1 is a missing file as well as a caller who left, but a channel
        that was hung up no longer tells its status."""
        if answered.failure:
            return answered.failure
        if not self.gone:
            status = yield _Request(("CHANNEL", "STATUS"))
            if status.failure:
                return status.failure
        return Ending.HANGUP if self.gone else Ending.REFUSED

    def _facts(self, environment: Environment) -> Generator[_Request, _Answered, CallFacts]:
        query = (environment.get("network_script") or "").partition("?")[2]
        keys = facts.asked(environment.arguments(), query)
        self.notes = tuple(facts.slips(keys))
        self._channel = environment.get("channel") or ""
        answered = yield _Request(("GET", "FULL", "VARIABLE", facts.template()))
        channel = facts.Channel(
            unique_id=environment.get("uniqueid") or "",
            name=self._channel,
            dialled_number=environment.get("dnid") or environment.get("extension"),
            caller_number=environment.get("callerid"),
            language=environment.get("language"),
            variables=facts.read(answered.reply.value if answered.reply else ""),
            asterisk=self._asterisk,
        )
        return facts.call_facts(keys, channel, self._door)
