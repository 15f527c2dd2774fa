"""What a call looks up. The configuration room fills it, from memory or from a compiled file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from .announcement import Sound, Wording
from .profile import Profile
from .route import Route, Trunk
from .sites import Agent, Site

T_co = TypeVar("T_co", covariant=True)


class Lookup(Protocol[T_co]):
    """One table: a ``dict`` in a server, one row of a file in a script."""

    def get(self, key: str, /) -> T_co | None: ...


@dataclass(frozen=True, slots=True)
class Directory:
    """The sites, agents, queues, numbers, words and sounds of one configuration.

    ``numbers`` give the id of a route for every written form of its numbers, ``queues`` name site
    ids, ``sounds`` are found by ``announcement.sound_name`` with the language before it
    (``fr/possible-ma-0a1b2c3d``). ``agents`` are found by interface or name, ``agent_patterns``
    come most specific first. The ``domestic_country`` is that of the callers, ``every_country``
    all that calls are answered in.
    """

    sites: Lookup[Site]
    agents: Lookup[Agent]
    agent_patterns: Sequence[Agent]
    queues: Lookup[Sequence[str]]
    trunks: Lookup[Trunk]
    numbers: Lookup[str]
    routes: Lookup[Route]
    profiles: Lookup[Profile]
    default_route: Route
    languages: Sequence[str]
    wordings: Lookup[Wording]
    sounds: Lookup[Sound]
    domestic_country: str | None = None
    every_country: tuple[str, ...] = ()
