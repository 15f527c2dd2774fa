"""Does each queue tell who answered?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from callcentre_disclosure.config.model import Configuration

from .ailment import Ailment, Judgement, Unseen
from .asterisk_files import is_true, read_sections
from .console import Ask, Switch


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as Asterisk has it: ``options`` is None where we cannot see them."""

    there: bool
    place: str
    options: Mapping[str, str] | None


def look(configuration: Configuration, switch: Switch, ask: Ask) -> dict[str, Queue]:
    """The queues of the configuration: those that its routes lead to, and others that are there."""
    file = switch.folder / "queues.conf"
    try:
        sections = read_sections(file)
    except OSError:
        sections = {}
    used = set(_used(configuration))
    seen = {}
    for name in dict.fromkeys((*configuration.queues, *used)):
        there = "No such queue" not in (ask(f"queue show {name}") or "")
        if not there and name not in used:
            continue
        options: Mapping[str, str] | None = sections.get(name)
        place = f"{file} [{name}]"
        if options is None:
            options = read_realtime(ask(f"realtime load queues name {name}") or "")
            place = f"the realtime queue {name}"
        seen[name] = Queue(there, place, options)
    return seen


def read_realtime(text: str) -> dict[str, str] | None:
    """``realtime load``: the columns of a row by name; None where there is none."""
    rows = re.findall(r"^\s+(\w+)\s{2,}(.*?)\s*$", text, re.MULTILINE)
    columns = {name.lower(): value for name, value in rows}
    return columns if "name" in columns else None


def judge(queues: Mapping[str, Queue]) -> Judgement:
    for queue in queues.values():
        if not queue.there:
            what = "the configuration sends calls to this queue, and Asterisk has none of this name"
            remedy = (
                "write it in queues.conf, or mend its name; then `asterisk -rx 'queue reload all'`"
            )
            yield Ailment("queue-missing", queue.place, what, remedy)
        elif queue.options is None:
            yield Unseen(f"whether {queue.place} sets setinterfacevar: its options cannot be read")
        elif not is_true(queue.options.get("setinterfacevar")):
            yield Ailment(
                "queue-without-setinterfacevar",
                queue.place,
                "does not say who answered: callers are told the possible countries alone",
                "set setinterfacevar=yes there; then `asterisk -rx 'queue reload all'`",
            )


def _used(configuration: Configuration) -> Iterator[str]:
    treatments = (*configuration.routes.values(), configuration.default)
    names = (name for one in treatments for name in (one.queue, one.choice))
    yield from (name for name in names if name)
