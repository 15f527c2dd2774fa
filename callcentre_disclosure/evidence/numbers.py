"""A company's telephone numbers and the countries in which their calls are answered: the list that
Italy asks for, by the configuration and by what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from callcentre_disclosure.config.checks import numbering_of
from callcentre_disclosure.config.directory import sites
from callcentre_disclosure.config.model import Configuration, Treatment
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.numbers import written_forms
from callcentre_disclosure.disclosure.outcome import Disposition

from .document import Document

#: In place of a country: an agent answered, and nothing told where.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the company and a route that its calls took, or would take.

    ``number`` is empty where Asterisk knew none, ``direction`` where there were no calls.
    ``possible`` are the countries that they may be answered in. ``calls`` is how many there were,
    ``announced`` in how many of them the sentence was begun that names a country, ``answered`` how
    many were to be connected to an agent in one, or to one whose is ``UNKNOWN``.
    """

    number: str
    direction: str
    route: str
    is_configured: bool
    possible: Collection[str]
    calls: int
    announced: Mapping[str, int]
    answered: Mapping[str, int]


@dataclass(slots=True)
class _Call:
    announced: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()


#: Calls by id, of each number, direction and route.
_Calls = dict[str, _Call]
_Seen = dict[tuple[str, str, str], _Calls]


def numbers(configuration: Configuration, documents: Iterable[Document]) -> list[Number]:
    """Every number that the configuration has a route for, in its order, then those that were seen
    besides. Needs some 300 bytes of memory for each call."""
    numbering = numbering_of(configuration.numbering)
    routes = {
        written_forms(number, numbering)[0]: name
        for name, entry in configuration.routes.items()
        for number in entry.numbers
    }
    seen = _seen(documents, lambda number: written_forms(number, numbering)[0])
    nobody = {
        (number, "", route): _Calls()
        for number, route in routes.items()
        if all(number != one for one, *_ in seen)
    }
    order = {number: place for place, number in enumerate(routes)}
    return [
        Number(
            *key,
            is_configured=key[0] in routes,
            possible=_possible(key[2], configuration),
            calls=len(calls),
            announced=_counted(call.announced for call in calls.values()),
            answered=_counted(call.answered for call in calls.values()),
        )
        for key, calls in sorted(
            (seen | nobody).items(), key=lambda one: (order.get(one[0][0], len(order)), one[0])
        )
    ]


def _possible(route: str, configuration: Configuration) -> Collection[str]:
    """Every country that the calls of a route may be answered in, at any time of the day: those of
    its sites, or of the default's, and of the queue that callers may choose."""
    known = sites(configuration)
    treatment: Treatment = configuration.routes.get(route, configuration.default)
    ids = configuration.sites_of(treatment) or configuration.sites_of(configuration.default)
    if treatment.choice:
        ids = (*ids, *configuration.queues[treatment.choice].sites)
    return tuple(dict.fromkeys(country for id_ in ids for country in known[id_].countries))


def _seen(documents: Iterable[Document], normal: Callable[[str], str]) -> _Seen:
    seen: _Seen = {}
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}  # a million calls have few countries
    for document in documents:
        is_made = document["direction"] == Direction.OUTBOUND.value
        written = document["caller_number" if is_made else "dialled_number"] or ""
        calls = seen.setdefault((normal(written), document["direction"], document["route"]), {})
        call = calls.setdefault(document["call"], _Call())
        told = tuple(dict.fromkeys((*call.announced, *document["announced"])))
        call.announced = shared.setdefault(told, told)
        connected = document["disposition"] == Disposition.BRIDGE.value
        if document["stage"] == Stage.ANSWERED.value and connected:
            where = tuple(document["countries"]) if len(document["countries"]) == 1 else (UNKNOWN,)
            call.answered = shared.setdefault(where, where)
    return seen


def _counted(groups: Iterable[Collection[str]]) -> Mapping[str, int]:
    """How many have each, the most frequent first."""
    return dict(Counter(one for group in groups for one in group).most_common())
