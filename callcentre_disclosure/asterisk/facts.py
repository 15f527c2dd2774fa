"""What a dialplan may say of a call, and what a call's channel says of itself: the same for every
door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from urllib.parse import parse_qsl

from callcentre_disclosure.disclosure.call import (
    CallFacts,
    Direction,
    Stage,
    Told,
    endpoint_of,
    interface_of,
)
from callcentre_disclosure.disclosure.commands import FindChannel, FindExtension
from callcentre_disclosure.errors import plain

#: What a dialplan may say of a call.
KEYS = (
    "stage",
    "direction",
    "route",
    "profile",
    "site",
    "queue",
    "agent",
    "language",
    "did",
    "text",
)
_VALUES = {
    "stage": ("possible", "answered"),
    "direction": ("inbound", "outbound"),
    "text": ("yes", "no"),
}
#: What the channel knows. None of them can hold a ``|`` but the last, a name that people choose.
VARIABLES = (
    "CHANNEL(state)",
    "CHANNEL(linkedid)",
    "DISCLOSURE_TOLD",
    "DISCLOSURE_CHOSEN_AT",
    "QUEUENAME",
    "DIALEDPEERNAME",
    "SHARED(DISCLOSURE_AGENT)",
    "MEMBERINTERFACE",
    "MEMBERNAME",
)
#: What the dialplan would take for an expression, or for the end of an argument.
_NO_NAME = re.compile(r'[${}(),"\\\x00-\x1f\x7f]')
#: So many slips of one dialplan are told, and so much of each, in characters.
_MOST_SLIPS, _SHOWN = 5, 40
_UNIQUE_ID = re.compile(r"(?:.*-)?([0-9]{10})\.[0-9]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Channel:
    """The channel of whoever is told. What it is ``None`` of Asterisk does not know."""

    unique_id: str
    name: str
    dialled_number: str | None
    caller_number: str | None
    language: str | None
    variables: Mapping[str, str]
    asterisk: str | None = None


def template() -> str:
    """One expression of the dialplan for all of ``VARIABLES``."""
    return "|".join(f"${{{name}}}" for name in VARIABLES)


def read(value: str) -> dict[str, str]:
    """What an evaluated ``template`` says; empty texts where it says nothing."""
    told = value.split("|", len(VARIABLES) - 1)
    told += [""] * (len(VARIABLES) - len(told))
    return dict(zip(VARIABLES, told, strict=True))


def is_plain(name: str) -> bool:
    """Whether a name stands for itself in an expression and among arguments."""
    return not _NO_NAME.search(name)


def question(command: FindExtension | FindChannel) -> tuple[str, tuple[str, ...]] | None:
    """An expression of the dialplan that answers a command, and the values by which it says yes;
    None for a name that would be evaluated, not looked for."""
    name = command.extension if isinstance(command, FindExtension) else command.channel
    if not is_plain(name):
        return None
    if isinstance(command, FindExtension):
        return f"${{DIALPLAN_EXISTS({command.context},{name},1)}}", ("1",)
    # A queue's member who has hung up still exists while the hook runs. Where one of the two
    # functions is missing nobody knows, and the call goes on.
    exists, hung_up = f"CHANNEL_EXISTS({name})", f"IMPORT({name},CHANNEL(checkhangup))"
    return f"${{{exists}}}${{{hung_up}}}", ("10", "1", "")


def asked(words: Iterable[str], query: str = "") -> dict[str, str]:
    """The keys of a call: ``key=value`` in each word, and before that those of a query string."""
    keys = dict(parse_qsl(query, keep_blank_values=True))
    for word in words:
        key, _, value = word.partition("=")
        keys[key.strip()] = value.strip()
    return keys


def slips(keys: Mapping[str, str], known: Iterable[str] = KEYS) -> Iterator[str]:
    """What the dialplan says wrongly, the first of it. It is passed over, as a call is not lost by
    a slip."""
    wrong = {
        key: value
        for key, value in keys.items()
        if (key and key not in known) or value not in _VALUES.get(key, (value,))
    }
    for key, value in islice(wrong.items(), _MOST_SLIPS):
        if key in known:
            said, are = f"{key}={value[:_SHOWN]}", " and ".join(_VALUES[key])
        else:
            said, are = f"{key[:_SHOWN]}=", ", ".join(known)
        yield plain(f"the dialplan says {said}, known are {are}")


def call_facts(keys: Mapping[str, str], channel: Channel, door: str) -> CallFacts:
    """The call that asks to be announced."""
    known = channel.variables
    stage = Stage.ANSWERED if keys.get("stage") == "answered" else Stage.POSSIBLE
    agent, member, queue = keys.get("agent"), None, keys.get("queue")
    in_queue = False
    if stage is Stage.ANSWERED:
        # MEMBERINTERFACE may be left from a queue that the call was in before, so a dialplan
        # that names the agent is believed even where it names nobody. Where somebody else
        # picked the call up, only the channel in DISCLOSURE_AGENT tells who.
        if agent is None:
            answering, interface = known["SHARED(DISCLOSURE_AGENT)"], known["MEMBERINTERFACE"]
            agent = answering or interface or known["DIALEDPEERNAME"]
            in_queue = bool(answering)
            member = known["MEMBERNAME"] if interface_of(agent) == interface_of(interface) else ""
        queue = queue or known["QUEUENAME"]
    direction = Direction.OUTBOUND if keys.get("direction") == "outbound" else Direction.INBOUND
    return CallFacts(
        unique_id=channel.unique_id,
        channel=channel.name,
        door=door,
        direction=direction,
        stage=stage,
        linked_id=known["CHANNEL(linkedid)"] or None,
        dialled_number=keys.get("did") or channel.dialled_number,
        caller_number=channel.caller_number,
        queue=queue or None,
        agent=agent or None,
        member=member or None,
        route=keys.get("route") or None,
        profile=keys.get("profile") or None,
        site=keys.get("site") or None,
        trunk=endpoint_of(channel.name) or None,
        asterisk=channel.asterisk,
        language=keys.get("language") or None,
        channel_language=channel.language,
        text=keys.get("text") == "yes",
        is_up=known["CHANNEL(state)"] == "Up",
        in_queue=in_queue,
        # The call of somebody who is called begins for them when they answer.
        started_at=_started_at(channel.unique_id) if direction is Direction.INBOUND else None,
        told=Told.read(known["DISCLOSURE_TOLD"]),
        chosen_at=_moment(known["DISCLOSURE_CHOSEN_AT"]),
    )


def _started_at(unique_id: str) -> datetime | None:
    """When a channel was made: ``<system name>-<seconds since 1970>.<number>``. Whoever originates
    a call may give it any other id."""
    made = _UNIQUE_ID.fullmatch(unique_id)
    return _moment(made[1]) if made else None


def _moment(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(seconds), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
