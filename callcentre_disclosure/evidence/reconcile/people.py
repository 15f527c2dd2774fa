"""Who of two that were connected is the consumer, and where the other one is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.disclosure.call import CallFacts, Direction, endpoint_of, interface_of
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.resolution import resolve
from callcentre_disclosure.disclosure.sites import Agent

from .calls import Connection, Party


@dataclass(frozen=True, slots=True)
class Roles:
    """A connection that counts: a consumer and a person who serves them.

    ``agent`` is what the configuration knows of that person; None where it knows nothing.
    """

    consumer: Party
    person: Party
    agent: Agent | None
    direction: Direction

    @property
    def names(self) -> tuple[str, ...]:
        """What the person may be known by."""
        return tuple(_names(self.person))


class People:
    """The agents of a configuration, and the endpoints that consumers come by.

    ``trunks`` are patterns (``PJSIP/carrier*``). With them, who is neither there nor an agent is a
    colleague; without any, everybody is a consumer who is no agent.
    """

    def __init__(self, configuration: Configuration, trunks: Sequence[str] = ()) -> None:
        self.directory: Directory = directory(configuration)
        self._trunks = tuple(trunks)
        self._known_trunks = tuple(configuration.trunks)
        self._found: dict[str, Agent | None] = {}

    def roles(self, connection: Connection) -> Roles | None:
        """Who is who; None where no consumer was connected with a person."""
        first, second = connection.first, connection.second
        if first.channel:  # else the source has told who is who
            served = self._serves(second)
            if served and self._serves(first):
                return None
            if not served and (self._serves(first) or self._is_outside(second, first)):
                first, second = second, first
            if self._trunks and not self._matches(first, self._trunks):
                return None
        direction = Direction.INBOUND if first is connection.first else Direction.OUTBOUND
        return Roles(first, second, self._agent(_names(second)), direction)

    def is_agent(self, channel: str) -> bool:
        """Whether a channel is one of an agent's."""
        return self._serves(Party(channel))

    def _is_outside(self, party: Party, other: Party) -> bool:
        """Of two that are nobody's: whether this one comes by a trunk, and the other does not."""
        trunks = self._trunks or self._known_trunks
        return self._matches(party, trunks) and not self._matches(other, trunks)

    def _serves(self, party: Party) -> bool:
        """Whether this channel is an agent's."""
        return bool(party.channel) and self._agent((party.channel,)) is not None

    def _agent(self, names: Iterable[str]) -> Agent | None:
        for name in names:
            interface = interface_of(name)
            if interface not in self._found:
                self._found[interface] = self._resolved(name)
            if agent := self._found[interface]:
                return agent
        return None

    def _resolved(self, name: str) -> Agent | None:
        facts = CallFacts(unique_id="", channel="", door="reconcile", agent=name, member=name)
        return resolve(facts, self.directory.default_route, self.directory).agent

    @staticmethod
    def _matches(party: Party, patterns: Collection[str]) -> bool:
        endpoint = endpoint_of(party.channel)
        return any(fnmatchcase(endpoint, pattern) for pattern in patterns)


def _names(party: Party) -> Iterator[str]:
    if party.channel:
        yield party.channel
    yield from party.known_by
