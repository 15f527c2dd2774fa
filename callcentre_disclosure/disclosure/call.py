"""What is known of a call when it asks to be announced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Direction(str, Enum):
    """Who started the call, seen from the call centre."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Stage(str, Enum):
    """When the announcement is made: before an agent is sought, or once one has answered."""

    POSSIBLE = "possible"
    ANSWERED = "answered"


_GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller has been told already in this call, to the end.

    It travels with the call in DISCLOSURE_TOLD (``possible MA TN``, ``possible generic``), through
    queues and transfers. ``generic`` says that it was the sentence that names no country.
    """

    stage: Stage
    countries: tuple[str, ...] = ()
    generic: bool = False

    @classmethod
    def read(cls, variable: str) -> Told | None:
        """What the variable says; None where it says anything that is not understood."""
        stage, *words = variable.split() or [""]
        known = {known.value: known for known in Stage}
        countries = tuple(word for word in words if word != _GENERIC)
        if stage not in known or not all(map(_is_country, countries)):
            return None
        return cls(known[stage], countries, _GENERIC in words)

    def __str__(self) -> str:
        generic = (_GENERIC,) if self.generic else ()
        return " ".join((self.stage.value, *self.countries, *generic))

    def covers(self, stage: Stage, countries: tuple[str, ...]) -> bool:
        """Whether these countries would be nothing new. One agent's country is news after a list
        of possible ones, even of those that it was in; and so is that none is known."""
        if stage is Stage.POSSIBLE and countries:
            return set(self.countries).issuperset(countries)
        return set(self.countries) == set(countries)


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call as its door saw it.

    ``None`` means that the door was not told. ``agent`` is the interface of the agent who
    answered (``PJSIP/201``), ``member`` the name that a queue knows the agent by. ``route``,
    ``profile`` and ``site`` are ids that the dialplan insists on, ``trunk`` the endpoint the call
    came in by, ``asterisk`` the host or configured name of the Asterisk. ``language`` is what the
    dialplan asked for, ``channel_language`` what the channel is set to (Asterisk's default is
    ``en`` everywhere). ``text`` says that the caller reads.

    ``started_at`` and ``chosen_at`` are aware: when the call came in, and when the caller chose
    another agent. ``is_up`` tells whether the call was answered before the announcement,
    ``in_queue`` whether a queue holds the agent's channel until it is over.
    """

    unique_id: str
    channel: str
    door: str
    direction: Direction = Direction.INBOUND
    stage: Stage = Stage.POSSIBLE
    linked_id: str | None = None
    dialled_number: str | None = None
    caller_number: str | None = None
    queue: str | None = None
    agent: str | None = None
    member: str | None = None
    route: str | None = None
    profile: str | None = None
    site: str | None = None
    trunk: str | None = None
    asterisk: str | None = None
    language: str | None = None
    channel_language: str | None = None
    text: bool = False
    is_up: bool = False
    in_queue: bool = False
    started_at: datetime | None = None
    told: Told | None = None
    chosen_at: datetime | None = None


def _is_country(word: str) -> bool:
    return len(word) == 2 and word.isascii() and word.isalpha() and word.isupper()


def endpoint_of(channel: str) -> str:
    """The interface a channel belongs to: ``PJSIP/201-0000001a`` -> ``PJSIP/201``.

    Asterisk appends ``-`` and eight hexadecimal digits to the interface; the two halves of a
    Local channel carry ``;1`` or ``;2`` behind that.
    """
    name, _, half = channel.partition(";")
    stem, dash, suffix = name.rpartition("-")
    if dash and len(suffix) == 8 and all(c in "0123456789abcdef" for c in suffix):
        return stem
    return name if half in ("1", "2") else channel


def interface_of(told: str) -> str:
    """What an agent is known by, of an interface or a channel: a queue calls its member
    ``Local/201@agents/n``, and whoever dialled it sees ``Local/201@agents-0000001a;1``."""
    endpoint = endpoint_of(told)
    stem, slash, options = endpoint.rpartition("/")
    is_local = endpoint.startswith("Local/") and "@" in stem
    return stem if is_local and slash and options.isalpha() else endpoint
