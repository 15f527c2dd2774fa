"""How the calls to some numbers are treated."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from .numbers import dialled

if TYPE_CHECKING:
    from .call import CallFacts
    from .directory import Directory


class FailurePolicy(str, Enum):
    """What a call gets that could not be told its country.

    GENERIC: a sentence that names no country, then the call goes on. SILENT: the call goes on.
    REFUSE: nobody is connected.
    """

    GENERIC = "generic"
    SILENT = "silent"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Route:
    """The treatment of the calls to some dialled numbers, and the sites that may answer them."""

    id: str
    on_failure: FailurePolicy
    sites: tuple[str, ...] = ()
    language: str | None = None


def route_of(call: CallFacts, directory: Directory) -> Route:
    """The route of the dialled number, or the one that every other call takes."""
    listed = directory.routes.get(dialled(call.dialled_number)) if call.dialled_number else None
    return listed or directory.default_route


def language_of(call: CallFacts, route: Route, directory: Directory) -> str:
    """The language to speak: asked for by the dialplan, fixed by the route, set on the channel.

    One that the configuration does not list is passed over; ``fr-CA`` and ``fr_CA`` fall back to
    ``fr``. The first configured language is everybody's last.
    """
    for wanted in (call.language, route.language, call.channel_language):
        if wanted:
            tag = wanted.replace("_", "-")
            for candidate in (tag, tag.partition("-")[0]):
                if candidate in directory.languages:
                    return candidate
    return directory.languages[0]
