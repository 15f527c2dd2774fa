"""What Asterisk knows of a call, asked for over ARI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from callcentre_disclosure.asterisk import facts
from callcentre_disclosure.asterisk.ari.protocol import part
from callcentre_disclosure.disclosure.call import CallFacts

from .line import Line

#: What a call carries for those that a transfer makes of it.
CARRIED = ("ROUTE", "DIRECTION")


async def variable(line: Line, channel_id: str, name: str) -> str:
    """The value of a variable or function; empty where it has none."""
    query = {"variable": name}
    answer = await line.ask("GET", "channels", channel_id, "variable", query=query)
    return str(answer.body.get("value", "")) if answer.ok else ""


async def call_of(line: Line, channel: Mapping[str, Any], keys: Mapping[str, str]) -> CallFacts:
    """The call of a channel, with what the dialplan says of it."""
    wanted = f"EVAL(${{CALLERID(dnid)}}|{facts.template()})"
    dialled, _, known = (await variable(line, str(channel["id"]), wanted)).partition("|")
    return facts.call_facts(
        keys,
        facts.Channel(
            unique_id=str(channel["id"]),
            name=str(channel.get("name", "")),
            dialled_number=dialled or _text(part(channel, "dialplan"), "exten"),
            caller_number=number_of(channel),
            language=_text(channel, "language"),
            variables=facts.read(known),
            asterisk=line.asterisk_name,
        ),
        "ari",
    )


async def call_of_transferred(line: Line, caller: str, keys: Mapping[str, str]) -> CallFacts | None:
    """The call of a channel that was handed on; None where it is none that we ever told anything,
    such as that of an agent who calls a colleague."""
    route, direction = [await variable(line, caller, f"DISCLOSURE_{name}") for name in CARRIED]
    channel = await line.ask("GET", "channels", caller)
    if not channel.ok or not route:
        return None
    return await call_of(line, channel.body, {**keys, "route": route, "direction": direction})


def number_of(channel: Mapping[str, Any]) -> str | None:
    """The number that a channel calls from."""
    return _text(part(channel, "caller"), "number")


def _text(of: Mapping[str, Any], name: str) -> str | None:
    return str(of.get(name) or "") or None
