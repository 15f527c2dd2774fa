"""One call as whoever made it lives it, whatever its Asterisk speaks.

``FakeCall`` knows what the caller does (waits, presses keys, leaves) and notes what they hear and
read; it knows no protocol and no clock. ``FakeChannel`` makes an AGI conversation of it, and
``FakeAsterisk`` the channel of an ARI application.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.call import endpoint_of

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DIALPLAN_EXISTS = re.compile(r"DIALPLAN_EXISTS\((.*),1\)")
_TELEPHONE = "INVITE, ACK, BYE"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong in a call.

    ``hang_up_after``: the caller leaves so many seconds into the first sound (0: while the call is
    being answered), or ``hang_up_on`` a command, just before it is carried out. ``press``: the
    caller presses that key ``press_after`` seconds after the beginning of each sound in whose text
    ``press_in`` is found, once in each; a key that no command waits for then is lost. ``missing``:
    no sound exists; ``empty``: every sound is a file of no length, which AGI plays with success and
    ARI does not. ``no_text``: the caller's telephone takes no text messages.
    ``agent_leaves``: the agent who had answered hangs up while the caller is told.
    ``slow``: seconds before each reply. ``silent_on`` a command (``STREAM FILE``): its reply never
    comes; ``die_on`` one: the connection breaks.

    A command is named by the beginning of its AGI line, and a request of ARI by that of the command
    which does the same (``fake_requests.as_commands``).
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
class Sounding:
    """What becomes of a sound, in seconds after its beginning: when it ends, when the caller leaves
    in it, and when they press a key; None where they do not."""

    text: str
    ends: float
    left: float | None
    pressed: float | None


class FakeCall:
    """One call to ``number``. Sounds that are not listed do not exist, and what is played before
    the call was answered, or its early media opened, nobody hears.

    ``arguments`` are those of ``AGI(...)`` or ``Stasis(...)``; with ``script`` it is
    ``AGI(agi://host/<script>)``. ``variables`` hold what the dialplan or the queue has set, then
    what the program set. ``extensions`` are those of the dialplan, as ``context,extension``.
    ``unique_id`` begins with the second since 1970 in which the call came in. Afterwards
    ``timeline`` tells the call in order: ``answered`` or ``early media``, each text that was played
    to its end, and ``connected``, ``hung up`` (with the cause where there is one) or
    ``redirected to`` an extension; ``heard`` is only those texts, ``read`` those that came as
    messages; ``conversation`` holds what the program said, and what it was answered.
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
        self.number = number
        self.caller = caller
        self.language = language
        self.channel = channel
        self.unique_id = unique_id
        self.arguments = tuple(arguments)
        self.script = script
        self.extensions = extensions
        self.fault = fault or Fault()
        self.timeline: list[str] = []
        self.heard: list[str] = []
        self.read: list[str] = []
        self.conversation: list[str] = []
        self.protocol = "AGI"
        own = {"CHANNEL(state)": "Ring", "CHANNEL(linkedid)": unique_id}
        self.variables = {**own, **(variables or {})}
        self.gone = False
        self._early_media = False
        self.sounds = {prompt.sound.path: prompt for prompt in sounds}

    @property
    def up(self) -> bool:
        """Whether the call was answered."""
        return self.variables["CHANNEL(state)"] == "Up"

    @property
    def listens(self) -> bool:
        """Whether the caller can hear."""
        return not self.gone and (self.up or self._early_media)

    def answer(self) -> bool:
        """The call is answered, unless the caller leaves meanwhile."""
        if self.fault.hang_up_after == 0:
            self.leave()
            return False
        if not self.up:
            self.timeline.append("answered")
            self.variables["CHANNEL(state)"] = "Up"
        return True

    def open_early_media(self) -> None:
        """The caller can hear from now on, answered or not."""
        if not (self.gone or self.listens):
            self._early_media = True
            self.timeline.append("early media")

    def text(self, text: str) -> None:
        """A message comes."""
        if not self.fault.no_text:
            self.read.append(text)

    def sound(self, path: str, start: float = 0.0) -> Sounding | None:
        """What becomes of a sound that is played from that second on; None where it is missing."""
        fault, prompt = self.fault, self.sounds.get(path)
        if prompt is None or fault.missing:
            return None
        seconds = 0.0 if fault.empty else prompt.sound.seconds
        text, left, pressed = prompt.announcement.text, None, None
        if fault.hang_up_after is not None and start <= fault.hang_up_after < seconds:
            left = fault.hang_up_after
        if fault.press and fault.press_in in text and not start:
            pressed = fault.press_after
        return Sounding(text, seconds, left, pressed)

    def hear(self, text: str) -> None:
        """A sound was played to its end."""
        if self.listens:
            self.heard.append(text)
            self.timeline.append(text)

    def set(self, name: str, value: str) -> None:
        """The program sets a variable; a name may begin with underscores."""
        self.variables[name.lstrip("_")] = value

    def value(self, name: str) -> str | None:
        """What ``${name}`` is in the dialplan; None where nobody has set it."""
        if found := _DIALPLAN_EXISTS.fullmatch(name):
            return "1" if found[1] in self.extensions else "0"
        if name == "PJSIP_HEADER(read,Allow)":
            return _TELEPHONE if self.fault.no_text else f"{_TELEPHONE}, MESSAGE"
        if name.startswith("CHANNEL_EXISTS("):
            return "1"
        if name.startswith("IMPORT("):
            return "1" if self.fault.agent_leaves else "0"
        return self.variables.get(name, self._own().get(name))

    def _own(self) -> dict[str, str]:
        """What the channel knows of itself, where nobody has set it otherwise."""
        known = {
            "CHANNEL": self.channel,
            "CHANNEL(name)": self.channel,
            "CHANNEL(language)": self.language,
            "CHANNEL(checkhangup)": "1" if self.gone else "0",
            "CHANNEL(endpoint)": endpoint_of(self.channel).partition("/")[2],
            "CHANNEL(pjsip,target_uri)": f"sip:{self.caller}@127.0.0.2:5060",
            "CALLERID(num)": self.caller,
            "CALLERID(DNID)": self.number,
            "CALLERID(dnid)": self.number,
            "EXTEN": self.number,
            "UNIQUEID": self.unique_id,
        }
        return {name: value for name, value in known.items() if value != "unknown"}

    def evaluate(self, template: str) -> str:
        """What the dialplan makes of a text with ``${...}`` in it."""
        return _VARIABLE.sub(lambda name: self.value(name[1]) or "", template)

    def redirect(self, place: str) -> None:
        """The call goes on at ``context,extension,priority``. Asterisk takes any place, and hangs
        up on who is sent to one that does not exist."""
        is_there = place.rpartition(",")[0] in self.extensions
        self.leave(f"redirected to {place}" if is_there else "hung up")

    def leave(self, how: str = "hung up") -> None:
        """The call is over, for the program at least."""
        self.gone = True
        self.timeline.append(how)

    def hang_up(self, cause: int) -> None:
        """The caller is hung up on, with a cause of ITU-T Q.850."""
        self.leave(f"hung up with cause {cause}")

    def go_on(self) -> None:
        """The program lets go of the call, and who has not left is connected by the dialplan."""
        if not self.gone:
            self.timeline.append("connected")
