"""A fake Asterisk channel that speaks AGI, for tests without Asterisk.

It plays Asterisk's side of one call: introduces the channel, carries out the commands that an
announcement needs, refuses every other one, and notes what the caller would have heard. With
``run`` time is its own, so that a call of ten seconds is over at once; ``call_script`` and
``call_server`` talk to a real process or a real server and take as long as Asterisk would.

What goes wrong on real calls is scripted by a ``Fault``. The answers are those of Asterisk 16.28
and 22.10, and are compared with theirs by tests/integration/test_fake_channel.py.
"""

from __future__ import annotations

import re
import select
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from callcentre_disclosure.asterisk.agi import SAMPLES_PER_SECOND, AsteriskSide
from callcentre_disclosure.disclosure.announcement import Prompt

#: When a key is pressed, in seconds of the sound.
PRESS_SECONDS = 0.5

_TOO_EARLY = "a command was sent while one was running"
_PAIR = re.compile(r'(\w+)="([^"]*)"')
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class AgiProgram(Protocol):
    """What holds the other end: bytes in, bytes out, with the time in seconds passed along."""

    done: bool
    deadline: float

    def receive(self, data: bytes, now: float) -> bytes: ...
    def hang_up_seen(self) -> None: ...
    def deadline_passed(self, now: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong in a call.

    ``hang_up_after``: the caller leaves so many seconds into the first sound (0: while the call is
    being answered), or ``hang_up_on`` a command, just before it is carried out. ``press``: the
    caller presses that key half a second into each sound. ``missing``: no sound exists;
    ``empty``: every sound is a file of no length, which Asterisk plays with success. ``slow``:
    seconds before each reply. ``silent_on`` a command (``STREAM FILE``): its reply never comes;
    ``die_on`` one: the connection breaks.
    """

    hang_up_after: float | None = None
    hang_up_on: str = ""
    press: str = ""
    missing: bool = False
    empty: bool = False
    slow: float = 0.0
    silent_on: str = ""
    die_on: str = ""


class UnscriptedCommandError(AssertionError):
    """The program sent a command that no announcement needs, or one at the wrong moment."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that reaches the program, so many seconds after the step before."""

    after: float
    data: bytes = b""
    sighup: bool = False


class FakeChannel:
    """One call to ``number``. Sounds that are not listed do not exist.

    ``arguments`` are those of ``AGI(...)``; with ``script`` it is ``AGI(agi://host/<script>)``.
    ``variables`` hold what the dialplan or the queue has set, then what the program set.
    Afterwards ``timeline`` tells the call in order: ``answered``, each text that was played to its
    end, and ``connected`` or ``hung up``; ``heard`` is only those texts; ``conversation`` holds the
    commands and their replies.
    """

    def __init__(
        self,
        number: str = "unknown",
        *,
        caller: str = "unknown",
        language: str = "en",
        channel: str = "PJSIP/trunk-00000001",
        arguments: Sequence[str] = (),
        script: str | None = None,
        variables: Mapping[str, str] | None = None,
        sounds: Iterable[Prompt] = (),
        fault: Fault | None = None,
    ) -> None:
        self.now = 0.0
        self.timeline: list[str] = []
        self.heard: list[str] = []
        self.conversation: list[str] = []
        self.variables = dict(variables or {})
        self._sounds = {prompt.sound.path: prompt for prompt in sounds}
        self._fault = fault or Fault()
        self._socket = script is not None
        self._side = AsteriskSide()
        self._gone = False
        location = (
            {"network": "yes", "network_script": script, "request": f"agi://127.0.0.1/{script}"}
            if script is not None
            else {"request": "callcentre-disclosure-agi"}
        )
        self._environment = {
            **location,
            "channel": channel,
            "language": language,
            "type": channel.partition("/")[0],
            "uniqueid": "1763800000.1",
            "version": "22.10.1",
            "callerid": caller,
            "calleridname": "unknown",
            "callingpres": "0",
            "callingani2": "0",
            "callington": "0",
            "callingtns": "0",
            "dnid": number,
            "rdnis": "unknown",
            "context": "from-trunk",
            "extension": "s" if number == "unknown" else number,
            "priority": "2",
            "enhanced": "0.0",
            "accountcode": "",
            "threadid": "140123456789",
        }
        self._arguments = tuple(arguments)

    def run(self, program: AgiProgram) -> FakeChannel:
        """Hold the conversation in the fake's own time; returns the channel itself."""
        steps = [_Step(0.0, self._opening())]
        while not program.done:
            if not steps or self.now + steps[0].after > program.deadline:
                self.now = program.deadline
                program.deadline_passed(self.now)
                break
            step = steps.pop(0)
            self.now += step.after
            if step.sighup:
                program.hang_up_seen()
            else:
                steps += self._carry_out(program.receive(step.data, self.now))
        return self._end()

    def call_script(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> FakeChannel:
        """Start a script as ``AGI(...)`` does and hold the conversation in real time."""
        with subprocess.Popen(
            command, env=environment, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            self._converse(_Pipes(process, process.stdin, process.stdout))
        return self._end()

    def call_server(self, host: str, port: int) -> FakeChannel:
        """Connect to a FastAGI server as ``AGI(agi://...)`` does and talk to it in real time."""
        with socket.create_connection((host, port)) as connection:
            self._converse(_Socket(connection))
        return self._end()

    def _converse(self, wire: _Wire) -> None:
        steps = deque([_Step(0.0, self._opening())])
        while True:
            while steps:
                step = steps.popleft()
                if step.after and wire.readable(step.after):
                    if wire.read():
                        raise UnscriptedCommandError(_TOO_EARLY)
                    return
                if step.sighup:
                    wire.sighup()
                elif step.data:
                    wire.write(step.data)
                else:
                    wire.break_off()
                    return
            data = wire.read()
            if not data:
                return
            steps.extend(self._carry_out(data))

    def _opening(self) -> bytes:
        return self._side.environment(self._environment, self._arguments)

    def _end(self) -> FakeChannel:
        if not self._gone:
            self.timeline.append("connected")
        return self

    def _carry_out(self, data: bytes) -> list[_Step]:
        steps: list[_Step] = []
        for number, words in enumerate(self._side.receive(data)):
            if number:
                raise UnscriptedCommandError(_TOO_EARLY)
            line = " ".join(words)
            self.conversation.append(f"-> {line}")
            if self._fault.die_on and line.startswith(self._fault.die_on):
                steps.append(_Step(0.0))
                continue
            if (
                self._fault.hang_up_on
                and line.startswith(self._fault.hang_up_on)
                and not self._gone
            ):
                steps += self._hang_up()
            if not self._fault.silent_on or not line.startswith(self._fault.silent_on):
                first, *others = self._replies(words)
                self.conversation.append(f"<- {first.data.decode().rstrip()}")
                steps += [_Step(first.after + self._fault.slow, first.data), *others]
        return steps

    def _replies(self, words: tuple[str, ...]) -> list[_Step]:
        reply = self._side.reply
        match words:
            case ("ANSWER" | "HANGUP" | "CHANNEL" | "STREAM", *_) if self._gone:
                return [_Step(0.0, self._side.error(511))]
            case ("ANSWER",):
                return self._answer()
            case ("STREAM", "FILE", path, escape_digits):
                return self._stream(path, escape_digits)
            case ("CHANNEL", "STATUS"):
                return [_Step(0.0, reply(6))]
            case ("EXEC", "MSet", pairs):
                for name, value in _PAIR.findall(pairs):
                    self.variables[name.lstrip("_")] = value
                return [_Step(0.0, reply(0))]
            case ("GET", "FULL", "VARIABLE", template):
                value = _VARIABLE.sub(lambda name: self.variables.get(name[1], ""), template)
                return [_Step(0.0, reply(1, value))]
            case ("HANGUP",):
                return [_Step(0.0, reply(1)), *self._hang_up()]
        raise UnscriptedCommandError(f"no announcement needs the command {words}")

    def _answer(self) -> list[_Step]:
        if self._fault.hang_up_after == 0:
            return [_Step(0.0, self._side.reply(-1)), *self._hang_up()]
        if "answered" not in self.timeline:
            self.timeline.append("answered")
        return [_Step(0.0, self._side.reply(0))]

    def _stream(self, path: str, escape_digits: str) -> list[_Step]:
        fault, reply = self._fault, self._side.reply
        prompt = self._sounds.get(path)
        if prompt is None or fault.missing:
            return [_Step(0.0, reply(-1, endpos=0))]
        seconds = 0.0 if fault.empty else prompt.sound.seconds
        if fault.hang_up_after is not None and fault.hang_up_after < seconds:
            position = int(fault.hang_up_after * SAMPLES_PER_SECOND)
            return [_Step(fault.hang_up_after, reply(-1, endpos=position)), *self._hang_up()]
        if fault.press and fault.press in escape_digits and seconds > PRESS_SECONDS:
            position = int(PRESS_SECONDS * SAMPLES_PER_SECOND)
            return [_Step(PRESS_SECONDS, reply(ord(fault.press), endpos=position))]
        if seconds:
            self.heard.append(prompt.announcement.text)
            self.timeline.append(prompt.announcement.text)
        return [_Step(seconds, reply(0, endpos=int(seconds * SAMPLES_PER_SECOND)))]

    def _hang_up(self) -> list[_Step]:
        """A socket is told by a line, a script by a signal; both after the reply."""
        self._gone = True
        self.timeline.append("hung up")
        return [_Step(0.0, self._side.hangup()) if self._socket else _Step(0.0, sighup=True)]


class _Wire(Protocol):
    """A connection to a program that runs by itself."""

    def readable(self, seconds: float) -> bool: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def sighup(self) -> None: ...
    def break_off(self) -> None: ...


class _Pipes:
    def __init__(
        self, process: subprocess.Popen[bytes], stdin: IO[bytes], stdout: IO[bytes]
    ) -> None:
        self._process = process
        self._stdin = stdin
        self._stdout = stdout

    def readable(self, seconds: float) -> bool:
        return bool(select.select([self._stdout], [], [], seconds)[0])

    def read(self) -> bytes:
        return self._stdout.read(65536)

    def write(self, data: bytes) -> None:
        self._stdin.write(data)

    def sighup(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    def break_off(self) -> None:
        self._stdin.close()


class _Socket:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def readable(self, seconds: float) -> bool:
        return bool(select.select([self._connection], [], [], seconds)[0])

    def read(self) -> bytes:
        return self._connection.recv(65536)

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def sighup(self) -> None:
        raise AssertionError("a socket is told of a hangup by a line")

    def break_off(self) -> None:
        """Asterisk is gone; what the server does about it is done when it has closed too."""
        self._connection.shutdown(socket.SHUT_WR)
        while self.read():
            pass
