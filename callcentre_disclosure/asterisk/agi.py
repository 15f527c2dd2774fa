"""The Asterisk Gateway Interface, both ways, without any I/O.

Theory of operation
===================

AGI is a conversation in lines. Asterisk opens it with an environment (``agi_name: value`` lines
and an empty one), then answers one command at a time::

    -> STREAM FILE "/sounds/fr/possible-ma" ""
    <- 200 result=0 endpos=33600

``ScriptSide`` is our end: bytes from Asterisk in, events out, commands as bytes. ``AsteriskSide``
is the other one, for whoever plays Asterisk: a test, or somebody who has read its opening already.
Both are fed with whatever the transport happens to deliver, from single bytes to everything at
once.

Three habits of Asterisk shape the code (res_agi.c, 16 to 22):

- A hangup is a line ``HANGUP`` between replies on a socket (a script gets SIGHUP instead), and it
  does not end the conversation: some commands still work on a dead channel, others answer 511.
- Wrong usage is answered by 520 on one line, or by ``520-`` and any text up to ``520 End ...``.
- Input while a command runs stops that command and its reply never comes, so ``ScriptSide``
  refuses to send before the last reply is in.

Bytes that are no UTF-8 (caller names are what the trunk sends) survive as surrogate escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from callcentre_disclosure.errors import LocalProtocolError, RemoteProtocolError

#: Asterisk 16 and 18 read a command line into a buffer of this many bytes, its end included (since
#: 20 it is 8192), and take the rest of a longer one for another command.
MAX_COMMAND_BYTES = 2047
#: Asterisk splits a command line into at most this many words.
MAX_WORDS = 128
#: ``STREAM FILE`` counts in samples of the 8 kHz file that it plays.
SAMPLES_PER_SECOND = 8000
#: What we accept from whoever connects, as bytes and lines; Asterisk sends far less.
MAX_LINE_BYTES = 65536
MAX_ENVIRONMENT_LINES = 512

#: Sixteen digits are samples of more than a hundred thousand years.
_REPLY = re.compile(
    r"([0-9]{3}) (?:result=(\S*)(?: \((.*)\))?(?: endpos=([0-9]{1,16}))?\s*)?", re.DOTALL
)
_KEYS = {str(ord(key)): key for key in "0123456789*#ABCD"}
_UNSENDABLE = re.compile("[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Environment:
    """What Asterisk says of the channel first, ``agi_`` names and all."""

    variables: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """The value of ``agi_<name>``; None where there is none (Asterisk writes ``unknown``)."""
        value = self.variables.get(f"agi_{name}", "")
        return value if value not in ("", "unknown") else None

    def arguments(self) -> Iterator[str]:
        """``agi_arg_1`` and what follows it."""
        for number in range(1, MAX_WORDS + 1):
            value = self.variables.get(f"agi_arg_{number}")
            if value is None:
                return
            yield value


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one command: ``200 result=<result> (<value>) endpos=<endpos>``.

    ``endpos`` is in samples of the file that was played. 510 is an unknown command, 511 one that
    a channel which was hung up cannot carry out, 520 wrong usage.
    """

    code: int
    result: str = ""
    value: str = ""
    endpos: int = 0

    @property
    def key(self) -> str:
        """The key of a telephone that ended a command, which ``result`` names by its ASCII code;
        empty where none did."""
        return _KEYS.get(self.result, "")


@dataclass(frozen=True, slots=True)
class HangupNotice:
    """The caller has gone; the conversation goes on."""


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """Asterisk has gone; ``unanswered`` tells whether a command was still running."""

    unanswered: bool


Event: TypeAlias = "Environment | Reply | HangupNotice | EndOfStream"


class ScriptSide:
    """Our end of the conversation."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self._environment: dict[str, str] | None = {}
        self._usage = False
        self._running = False

    def receive(self, data: bytes) -> list[Event]:
        """Bytes from Asterisk; empty ones are the end of the stream.

        Raises ``RemoteProtocolError`` for what is no AGI.
        """
        if not data:
            return [EndOfStream(self._running)]
        return [event for line in self._lines.feed(data) for event in self._events(line)]

    def send(self, *words: str) -> bytes:
        """One command as bytes. Each word becomes one argument, whatever it holds.

        Raises ``LocalProtocolError`` for what a command cannot carry, and while one is running.
        """
        if self._running or self._environment is not None:
            raise LocalProtocolError(
                f"cannot send {words[0]} yet", remedy="wait for the reply to the last command"
            )
        line = _command(words)
        self._running = True
        return line

    def _events(self, line: str) -> Iterator[Event]:
        if self._environment is not None:
            yield from self._environment_line(line, self._environment)
        elif self._usage:
            if line.startswith("520 "):
                self._usage = False
                yield self._replied(Reply(520))
        elif line == "HANGUP":
            yield HangupNotice()
        elif line.startswith("520-"):
            self._usage = True
        elif self._running and (match := _REPLY.match(line)):
            code, result, value, endpos = match.groups()
            yield self._replied(Reply(int(code), result or "", value or "", int(endpos or 0)))
        elif line and not line.startswith("agi_"):
            raise RemoteProtocolError(f"not an AGI reply: {_shape(line)}")

    def _environment_line(self, line: str, variables: dict[str, str]) -> Iterator[Event]:
        if not line and variables:
            self._environment = None
            yield Environment(variables)
            return
        name, colon, value = line.partition(":")
        is_variable = colon and name.startswith("agi_")
        if not (is_variable or variables) or len(variables) >= MAX_ENVIRONMENT_LINES:
            raise RemoteProtocolError(
                f"not an AGI environment: {_shape(line)}",
                remedy="see what else than Asterisk connects to this port",
            )
        if is_variable:  # else it continues a value with a line feed in it, as a caller can send
            variables[name] = value.removeprefix(" ")

    def _replied(self, reply: Reply) -> Reply:
        self._running = False
        return reply


class AsteriskSide:
    """Asterisk's end of the conversation."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def receive(self, data: bytes) -> list[tuple[str, ...]]:
        """Bytes from a script; the commands in them as Asterisk splits them into words."""
        return [_split(line) for line in self._lines.feed(data)]

    @staticmethod
    def environment(variables: Mapping[str, str], arguments: Sequence[str] = ()) -> bytes:
        """The opening of a conversation; names without ``agi_``."""
        numbered = {f"arg_{n}": value for n, value in enumerate(arguments, 1)}
        lines = [f"agi_{name}: {value}\n" for name, value in {**variables, **numbered}.items()]
        return _encoded("".join(lines) + "\n")

    @staticmethod
    def reply(result: str | int, value: str | None = None, endpos: int | None = None) -> bytes:
        """``200 result=...``"""
        shown = "" if value is None else f" ({value})"
        position = "" if endpos is None else f" endpos={endpos}"
        return _encoded(f"200 result={result}{shown}{position}\n")

    @staticmethod
    def error(code: int) -> bytes:
        """510, 511 or a one-line 520, in Asterisk's words."""
        text = {
            510: "Invalid or unknown command",
            511: "Command Not Permitted on a dead channel or intercept routine",
            520: "Invalid command syntax.  Proper usage not available.",
        }[code]
        return _encoded(f"{code} {text}\n")

    @staticmethod
    def usage(text: str) -> bytes:
        """A 520 of several lines."""
        opening = "520-Invalid command syntax.  Proper usage follows:\n"
        return _encoded(f"{opening}{text}\n520 End of proper usage.\n")

    @staticmethod
    def hangup() -> bytes:
        """The notice that a socket gets when the caller has gone."""
        return b"HANGUP\n"


def _shape(line: str) -> str:
    """What a log may say of a line, which may hold a caller's number."""
    return f"{len(line)} characters that begin with {line[:4]!r}"


class _Lines:
    """Cuts a stream into lines without their ends."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if max(map(len, (*lines, self._rest))) > MAX_LINE_BYTES:
            raise RemoteProtocolError(f"a line of more than {MAX_LINE_BYTES} bytes")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _command(words: Sequence[str]) -> bytes:
    if len(words) > MAX_WORDS:
        raise LocalProtocolError(f"{len(words)} words; Asterisk reads at most {MAX_WORDS}")
    for word in words:
        if _UNSENDABLE.search(word):
            raise LocalProtocolError(f"CR, LF or NUL in an AGI argument: {_shape(word)}")
    verb_end = next((n for n, word in enumerate(words) if not _bare(word)), len(words))
    quoted = [*words[:verb_end], *map(_quoted, words[verb_end:])]
    line = _encoded(" ".join(quoted) + "\n")
    if len(line) > MAX_COMMAND_BYTES:
        raise LocalProtocolError(f"{len(line)} bytes; Asterisk reads at most {MAX_COMMAND_BYTES}")
    return line


def _bare(word: str) -> bool:
    return word.isascii() and word.isalnum()


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _split(line: str) -> tuple[str, ...]:
    """``parse_args`` of res_agi.c: quotes open and close, a backslash takes the next as it is."""
    words: list[str] = []
    quoted = escaped = False
    between = True
    for character in line:
        if not escaped and character == "\\":
            escaped = True
            continue
        toggles = character == '"' and not escaped
        blank = character in " \t" and not escaped and not quoted
        escaped = False
        if blank:
            between = True
            continue
        if toggles:
            quoted = not quoted
        if between and (quoted or not toggles):
            words.append("")
            between = False
        if not toggles:
            words[-1] += character
    return tuple(words)
