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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from callcentre_disclosure.asterisk.agi import SAMPLES_PER_SECOND, AsteriskSide
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.session import ANSWERED_CONTEXT

_TOO_EARLY = "a command was sent while one was running"
_PAIR = re.compile(r'(\w+)="([^"]*)"')
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_WAITING = f",{ANSWERED_CONTEXT},s,2"
_DIALPLAN_EXISTS = re.compile(r"DIALPLAN_EXISTS\((.*),1\)")


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
    caller presses that key ``press_after`` seconds after the beginning of each sound in whose text
    ``press_in`` is found, once in each; a key that no command waits for then is lost. ``missing``:
    no sound exists; ``empty``: every sound is a file of no length, which Asterisk plays with
    success. ``no_text``: the caller's telephone takes no text messages.
    ``agent_leaves``: the agent who had answered hangs up while the caller is told.
    ``slow``: seconds before each reply. ``silent_on`` a command (``STREAM FILE``): its reply never
    comes; ``die_on`` one: the connection breaks.
    """

    hang_up_after: float | None = None
    hang_up_on: str = ""
    press: str = ""
    press_after: float = 0.5
    press_in: str = ""
    missing: bool = False
    empty: bool = False
    no_text: bool = False
    agent_leaves: bool = False
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
    """One call to ``number``. Sounds that are not listed do not exist, and what is played before
    the call was answered, or its early media opened, nobody hears.

    ``arguments`` are those of ``AGI(...)``; with ``script`` it is ``AGI(agi://host/<script>)``.
    ``variables`` hold what the dialplan or the queue has set, then what the program set.
    ``extensions`` are those of the dialplan, as ``context,extension``. ``unique_id`` begins with
    the second since 1970 in which the call came in. Afterwards ``timeline``
    tells the call in order: ``answered`` or ``early media``, each text that was played to its end,
    and ``connected``, ``hung up`` (with the cause where there is one) or ``redirected to`` an
    extension; ``heard`` is only those texts, ``read`` those that came as messages;
    ``conversation`` holds the commands and their replies.
    """

    def __init__(
        self,
        number: str = "unknown",
        *,
        caller: str = "unknown",
        language: str = "en",
        channel: str = "PJSIP/trunk-00000001",
        unique_id: str = "1763800000.1",
        arguments: Sequence[str] = (),
        script: str | None = None,
        variables: Mapping[str, str] | None = None,
        extensions: Collection[str] = (),
        sounds: Iterable[Prompt] = (),
        fault: Fault | None = None,
    ) -> None:
        self.now = 0.0
        self.timeline: list[str] = []
        self.heard: list[str] = []
        self.read: list[str] = []
        self.conversation: list[str] = []
        own = {"CHANNEL(state)": "Ring", "CHANNEL(linkedid)": unique_id}
        self.variables = {**own, **(variables or {})}
        self._extensions = extensions
        self._early_media = False
        self._clock = 0.0
        self._presses: list[float] = []
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
            "uniqueid": unique_id,
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
            case ("ANSWER" | "CHANNEL" | "STREAM" | "SEND" | "WAIT", *_) if self._gone:
                return [_Step(0.0, self._side.error(511))]
            case ("ANSWER",):
                return self._answer()
            case ("EXEC", "Progress", _):
                if not (self._gone or self._up or self._early_media):
                    self._early_media = True
                    self.timeline.append("early media")
                return [_Step(0.0, reply(0))]
            case ("SEND", "TEXT", text):
                self.read += [] if self._fault.no_text else [text]
                return [_Step(0.0, reply(0))]
            case ("STREAM", "FILE", path, escape_digits):
                return self._stream(path, escape_digits, 0.0)
            case ("STREAM", "FILE", path, escape_digits, sample):
                return self._stream(path, escape_digits, int(sample) / SAMPLES_PER_SECOND)
            case ("WAIT", "FOR", "DIGIT", milliseconds):
                return self._wait(int(milliseconds) / 1000)
            case ("CHANNEL", "STATUS"):
                return [_Step(0.0, reply(6 if self._up else 4))]
            case ("EXEC", "MSet", pairs):
                for name, value in _PAIR.findall(pairs):
                    self.variables[name.lstrip("_")] = value
                return [_Step(0.0, reply(0))]
            case ("GET", "FULL", "VARIABLE", template):
                value = _VARIABLE.sub(lambda name: self._value(name[1]), template)
                return [_Step(0.0, reply(1, value))]
            case ("EXEC", "ChannelRedirect", target) if target.endswith(_WAITING):
                self.timeline.append(f"{target.partition(',')[0]} waits")
                return [_Step(0.0, reply(0))]
            case ("EXEC", "SoftHangup", name):
                self.timeline.append(f"{name} is released")
                return [_Step(0.0, reply(0))]
            case ("EXEC", "ChannelRedirect", target):
                return self._redirect(*target.split(",", 1))
            case ("EXEC", "Hangup", cause):
                if self._gone:
                    return [_Step(0.0, reply(-1))]
                return [_Step(0.0, reply(-1)), *self._hang_up(f" with cause {cause}")]
        raise UnscriptedCommandError(f"no announcement needs the command {words}")

    @property
    def _up(self) -> bool:
        return self.variables["CHANNEL(state)"] == "Up"

    def _answer(self) -> list[_Step]:
        if self._fault.hang_up_after == 0:
            return [_Step(0.0, self._side.reply(-1)), *self._hang_up()]
        if not self._up:
            self.timeline.append("answered")
            self.variables["CHANNEL(state)"] = "Up"
        return [_Step(0.0, self._side.reply(0))]

    def _redirect(self, channel: str, place: str) -> list[_Step]:
        """Asterisk takes any place, and hangs up on who is sent to one that does not exist. For
        the program the call is over either way."""
        if channel != self._environment["channel"]:
            raise UnscriptedCommandError(f"no announcement redirects {channel}")
        if self._gone:
            return [_Step(0.0, self._side.reply(0))]
        context, extension, _ = place.split(",")
        is_there = f"{context},{extension}" in self._extensions
        what = f"redirected to {place}" if is_there else "hung up"
        return [_Step(0.0, self._side.reply(0)), *self._leave(what)]

    def _value(self, name: str) -> str:
        if found := _DIALPLAN_EXISTS.fullmatch(name):
            return "1" if found[1] in self._extensions else "0"
        if name == "PJSIP_HEADER(read,Allow)":
            return "INVITE, ACK, BYE" if self._fault.no_text else "INVITE, ACK, BYE, MESSAGE"
        if name.startswith("CHANNEL_EXISTS("):
            return "1"
        if name.startswith("IMPORT("):
            return "1" if self._fault.agent_leaves else "0"
        return self.variables.get(name, "")

    def _wait(self, seconds: float) -> list[_Step]:
        """For a key that is pressed after the end of a sound."""
        pressed = self._pressed_within(seconds, self._fault.press)
        if pressed is None:
            return [_Step(seconds, self._side.reply(0))]
        return [_Step(pressed, self._side.reply(ord(self._fault.press)))]

    def _stream(self, path: str, escape_digits: str, start: float) -> list[_Step]:
        fault, reply = self._fault, self._side.reply
        prompt = self._sounds.get(path)
        if prompt is None or fault.missing:
            return [_Step(0.0, reply(-1, endpos=int(start * SAMPLES_PER_SECOND)))]
        seconds = 0.0 if fault.empty else prompt.sound.seconds
        end, leaves = seconds, False
        if fault.hang_up_after is not None and start <= fault.hang_up_after < seconds:
            end, leaves = fault.hang_up_after, True
        if fault.press and fault.press_in in prompt.announcement.text and not start:
            self._presses.append(self._clock + fault.press_after)
        pressed = self._pressed_within(end - start, escape_digits)
        if pressed is not None:
            position = int((start + pressed) * SAMPLES_PER_SECOND)
            return [_Step(pressed, reply(ord(fault.press), endpos=position))]
        position = int(end * SAMPLES_PER_SECOND)
        if leaves:
            return [_Step(end - start, reply(-1, endpos=position)), *self._hang_up()]
        if seconds and (self._up or self._early_media):
            self.heard.append(prompt.announcement.text)
            self.timeline.append(prompt.announcement.text)
        return [_Step(seconds - start, reply(0, endpos=position))]

    def _pressed_within(self, seconds: float, keys: str) -> float | None:
        """Let a command take its time; returns when, in seconds, one of the keys has ended it.

        The keys that it does not wait for are lost.
        """
        begun = self._clock
        while self._presses and self._presses[0] < begun + seconds:
            self._clock = self._presses.pop(0)
            if self._fault.press in keys:
                return self._clock - begun
        self._clock = begun + seconds
        return None

    def _hang_up(self, why: str = "") -> list[_Step]:
        return self._leave(f"hung up{why}")

    def _leave(self, what: str) -> list[_Step]:
        """A socket is told by a line, a script by a signal; both after the reply."""
        self._gone = True
        self.timeline.append(what)
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
