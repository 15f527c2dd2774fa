"""A fake Asterisk channel that speaks AGI, for tests without Asterisk.

It plays Asterisk's side of one call: introduces the channel, carries out the commands that an
announcement needs, refuses every other one, and notes what the caller would have heard. With
``run`` time is its own, so that a call of ten seconds is over at once; ``call_script`` and
``call_server`` talk to a real process or a real server and take as long as Asterisk would, as does
``call_stasis``, through the ARI of a ``FakeAsterisk``.

What goes wrong on real calls is scripted by a ``Fault``. The answers are those of Asterisk 16.28
and 22.10, and are compared with theirs by tests/integration/test_fake_channel.py.
"""

from __future__ import annotations

import math
import re
import select
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from callcentre_disclosure.asterisk.agi import SAMPLES_PER_SECOND, AsteriskSide
from callcentre_disclosure.disclosure.session import ANSWERED_CONTEXT

from .fake_call import FakeCall, Fault, UnscriptedCommandError

__all__ = ["FakeChannel", "Fault", "UnscriptedCommandError"]

_TOO_EARLY = "a command was sent while one was running"
_PAIR = re.compile(r'(\w+)="([^"]*)"')
_WAITING = f",{ANSWERED_CONTEXT},s,2"


class AgiProgram(Protocol):
    """What holds the other end: bytes in, bytes out, with the time in seconds passed along."""

    done: bool
    deadline: float

    def receive(self, data: bytes, now: float) -> bytes: ...
    def hang_up_seen(self) -> None: ...
    def deadline_passed(self, now: float) -> None: ...


class StasisApplications(Protocol):
    """An Asterisk whose ``Stasis(...)`` takes a call: ``FakeAsterisk``."""

    def take(self, call: FakeCall, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that reaches the program, so many seconds after the step before."""

    after: float
    data: bytes = b""
    sighup: bool = False


class FakeChannel(FakeCall):
    """A ``FakeCall`` that a program carries out, by AGI or by ARI."""

    #: The time of a ``run``, in seconds.
    now = 0.0

    def run(self, program: AgiProgram) -> FakeChannel:
        """Hold the conversation in the fake's own time; returns the channel itself."""
        agi = _Agi(self)
        steps = [_Step(0.0, agi.opening())]
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
                steps += agi.carry_out(program.receive(step.data, self.now))
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
            _converse(_Agi(self), _Pipes(process, process.stdin, process.stdout))
        return self._end()

    def call_server(self, host: str, port: int) -> FakeChannel:
        """Connect to a FastAGI server as ``AGI(agi://...)`` does and talk to it in real time."""
        with socket.create_connection((host, port)) as connection:
            _converse(_Agi(self), _Socket(connection))
        return self._end()

    def call_stasis(self, asterisk: StasisApplications, seconds: float = 30.0) -> FakeChannel:
        """Come into ``Stasis(...)`` of a fake Asterisk; returns when the call has left it.

        Raises ``AssertionError`` where it is still there after so many seconds.
        """
        asterisk.take(self, seconds)
        return self

    def _end(self) -> FakeChannel:
        self.go_on()
        return self


def _converse(agi: _Agi, wire: _Wire) -> None:
    """Hold the conversation in real time, to its end."""
    steps = deque([_Step(0.0, agi.opening())])
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
        steps.extend(agi.carry_out(data))


class _Agi:
    """Asterisk's side of the conversation about a call: commands in, what they cause out."""

    def __init__(self, call: FakeCall) -> None:
        self._call = call
        self._side = AsteriskSide()
        self._clock = 0.0
        self._presses: list[float] = []

    def opening(self) -> bytes:
        call, number, script = self._call, self._call.number, self._call.script
        location = (
            {"network": "yes", "network_script": script, "request": f"agi://127.0.0.1/{script}"}
            if script is not None
            else {"request": "callcentre-disclosure-agi"}
        )
        environment = {
            **location,
            "channel": call.channel,
            "language": call.language,
            "type": call.channel.partition("/")[0],
            "uniqueid": call.unique_id,
            "version": "22.10.1",
            "callerid": call.caller,
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
        return self._side.environment(environment, call.arguments)

    def carry_out(self, data: bytes) -> list[_Step]:
        steps: list[_Step] = []
        fault = self._call.fault
        for number, words in enumerate(self._side.receive(data)):
            if number:
                raise UnscriptedCommandError(_TOO_EARLY)
            line = " ".join(words)
            self._call.conversation.append(f"-> {line}")
            if _is(fault.die_on, line):
                steps.append(_Step(0.0))
                continue
            if _is(fault.hang_up_on, line) and not self._call.gone:
                self._call.leave()
                steps.append(self._notice())
            if not _is(fault.silent_on, line):
                first, *others = self._replies(words)
                self._call.conversation.append(f"<- {first.data.decode().rstrip()}")
                steps += [_Step(first.after + fault.slow, first.data), *others]
        return steps

    def _replies(self, words: tuple[str, ...]) -> list[_Step]:
        reply = self._side.reply
        match words:
            case ("ANSWER" | "CHANNEL" | "STREAM" | "SEND" | "WAIT", *_) if self._call.gone:
                return [_Step(0.0, self._side.error(511))]
            case ("ANSWER",):
                return [_Step(0.0, reply(0))] if self._call.answer() else self._dead(reply(-1))
            case ("EXEC", "Progress", _):
                self._call.open_early_media()
                return [_Step(0.0, reply(0))]
            case ("SEND", "TEXT", text):
                self._call.text(text)
                return [_Step(0.0, reply(0))]
            case ("STREAM", "FILE", path, escape_digits):
                return self._stream(path, escape_digits, 0.0)
            case ("STREAM", "FILE", path, escape_digits, sample):
                return self._stream(path, escape_digits, int(sample) / SAMPLES_PER_SECOND)
            case ("WAIT", "FOR", "DIGIT", milliseconds):
                return self._wait(int(milliseconds) / 1000)
            case ("CHANNEL", "STATUS"):
                return [_Step(0.0, reply(6 if self._call.up else 4))]
            case ("EXEC", "MSet", pairs):
                for name, value in _PAIR.findall(pairs):
                    self._call.set(name, value)
                return [_Step(0.0, reply(0))]
            case ("GET", "FULL", "VARIABLE", template):
                return [_Step(0.0, reply(1, self._call.evaluate(template)))]
            case ("EXEC", "ChannelRedirect", target) if target.endswith(_WAITING):
                self._call.timeline.append(f"{target.partition(',')[0]} waits")
                return [_Step(0.0, reply(0))]
            case ("EXEC", "SoftHangup", name):
                self._call.timeline.append(f"{name} is released")
                return [_Step(0.0, reply(0))]
            case ("EXEC", "ChannelRedirect", target):
                return self._redirect(*target.split(",", 1))
            case ("EXEC", "Hangup", _) if self._call.gone:
                return [_Step(0.0, reply(-1))]
            case ("EXEC", "Hangup", cause):
                self._call.hang_up(int(cause))
                return self._dead(reply(-1))
        raise UnscriptedCommandError(f"no announcement needs the command {words}")

    def _redirect(self, channel: str, place: str) -> list[_Step]:
        """For the program the call is over, wherever it is sent."""
        if channel != self._call.channel:
            raise UnscriptedCommandError(f"no announcement redirects {channel}")
        if self._call.gone:
            return [_Step(0.0, self._side.reply(0))]
        self._call.redirect(place)
        return self._dead(self._side.reply(0))

    def _wait(self, seconds: float) -> list[_Step]:
        """For a key that is pressed after the end of a sound."""
        pressed = self._pressed_within(seconds, self._call.fault.press)
        if pressed is None:
            return [_Step(seconds, self._side.reply(0))]
        return [_Step(pressed, self._side.reply(ord(self._call.fault.press)))]

    def _stream(self, path: str, escape_digits: str, start: float) -> list[_Step]:
        reply, sound = self._side.reply, self._call.sound(path, start)
        if sound is None:
            return [_Step(0.0, reply(-1, endpos=int(start * SAMPLES_PER_SECOND)))]
        end = sound.ends if sound.left is None else sound.left
        if sound.pressed is not None:
            self._presses.append(self._clock + sound.pressed)
        pressed = self._pressed_within(end - start, escape_digits)
        if pressed is not None:
            position = int((start + pressed) * SAMPLES_PER_SECOND)
            return [_Step(pressed, reply(ord(self._call.fault.press), endpos=position))]
        position = int(end * SAMPLES_PER_SECOND)
        if sound.left is not None:
            self._call.leave()
            return self._dead(reply(-1, endpos=position), end - start)
        if sound.ends:
            self._call.hear(sound.text)
        return [_Step(end - start, reply(0, endpos=position))]

    def _pressed_within(self, seconds: float, keys: str) -> float | None:
        """Let a command take its time; returns when, in seconds, one of the keys has ended it.

        The keys that it does not wait for are lost.
        """
        begun = self._clock
        while self._presses and self._presses[0] < begun + seconds:
            self._clock = self._presses.pop(0)
            if self._call.fault.press in keys:
                return self._clock - begun
        self._clock = begun + seconds
        return None

    def _dead(self, reply: bytes, after: float = 0.0) -> list[_Step]:
        """The reply to the command that ended the call, or during which it ended."""
        return [_Step(after, reply), self._notice()]

    def _notice(self) -> _Step:
        """A socket is told of a hangup by a line, a script by a signal."""
        if self._call.script is None:
            return _Step(0.0, sighup=True)
        return _Step(0.0, self._side.hangup())


def _is(name: str, line: str) -> bool:
    """Whether a line is that of the command that a fault names."""
    return bool(name) and line.startswith(name)


class _Wire(Protocol):
    """A connection to a program that runs by itself."""

    def readable(self, seconds: float) -> bool: ...
    def read(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    def sighup(self) -> None: ...
    def break_off(self) -> None: ...


def _readable(what: IO[bytes] | socket.socket, seconds: float) -> bool:
    ready = select.poll()  # also where a test has more than 1,024 files open
    ready.register(what, select.POLLIN)
    return bool(ready.poll(math.ceil(seconds * 1000)))


class _Pipes:
    def __init__(
        self, process: subprocess.Popen[bytes], stdin: IO[bytes], stdout: IO[bytes]
    ) -> None:
        self._process = process
        self._stdin = stdin
        self._stdout = stdout

    def readable(self, seconds: float) -> bool:
        return _readable(self._stdout, seconds)

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
        return _readable(self._connection, seconds)

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
