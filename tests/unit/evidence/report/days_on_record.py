"""Days of a company as its ledger has them, from a seed: what a report is made of.

Four sites in as many countries, a queue that is too slow, callers who choose an agent at home; and
troubles that a report has to find: a sound that Casablanca's Asterisk could not play for two days,
new agents whom nobody put into the configuration, a number that was forgotten.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.schema import COLUMNS, LINK, insert
from callcentre_disclosure.evidence.sqlite import SqliteStore

Row = dict[str, Any]

_ZONE = timezone(timedelta(hours=1))
_POSSIBLE_SECONDS, _ANSWERED_SECONDS = 6.0, 3.2
_SOUNDS = {
    "MA": "fr/answered-ma-2de14e0d",
    "TN": "fr/answered-tn-86c0f7aa",
    "FR": "fr/answered-fr-1b09e4d2",
    "MG": "fr/answered-mg-90d3c1f7",
    "MA,TN,MG": "fr/possible-ma-tn-mg-aa04465d",
    "FR,MA": "fr/possible-fr-ma-67bf5c24",
}
_SITES = {"casablanca": "MA", "tunis": "TN", "lyon": "FR", "antananarivo": "MG"}


@dataclass(frozen=True)
class _Queue:
    """Weights of the sites that answer, mean seconds of waiting, and patience, as a mean too."""

    sites: dict[str, float]
    wait: float
    patience: float
    share: float

    @property
    def countries(self) -> str:
        return ",".join(dict.fromkeys(_SITES[site] for site in self.sites))


_QUEUES = {
    "customer-service": _Queue({"casablanca": 5, "tunis": 3, "antananarivo": 1}, 48, 900, 0.58),
    "premium": _Queue({"lyon": 4, "casablanca": 1}, 14, 900, 0.2),
    "billing": _Queue({"tunis": 1}, 170, 240, 0.15),
    "europe": _Queue({"lyon": 1}, 31, 700, 0.07),
}


def records(first: date, days: int, calls: int, seed: int = 1) -> Iterator[Row]:
    """What some ``calls`` in so many days leave: the columns of ``entries``, in the order of time
    for each call. The troubles come on the eleventh day and later."""
    chance = random.Random(seed)
    weights = [
        0.28 if (first + timedelta(days=n)).weekday() == 5 else
        0.06 if (first + timedelta(days=n)).weekday() == 6 else
        chance.uniform(0.85, 1.15)
        for n in range(days)
    ]  # fmt: skip
    for number, weight in enumerate(weights):
        day = first + timedelta(days=number)
        for _ in range(round(calls * weight / sum(weights))):
            yield from _call(chance, day, number)


def _call(chance: random.Random, day: date, number: int) -> Iterator[Row]:
    seconds = chance.choice((10, 11, 14, 16)) * 3600 + chance.gauss(0, 4000)
    at = datetime(day.year, day.month, day.day, tzinfo=_ZONE) + timedelta(seconds=seconds)
    name = chance.choices(list(_QUEUES), [queue.share for queue in _QUEUES.values()])[0]
    queue = _QUEUES[name]
    call: Row = {
        "call": f"{at.timestamp():.0f}.{chance.randrange(10**6)}",
        "consumer": f"k1:{chance.getrandbits(128):032x}",
        "direction": "inbound",
        "profile": "charter" if name == "europe" else "fr-2018",
        "route": name,
        "queue": name,
        "day": day.isoformat(),
    }
    forgotten = number >= 17 and chance.random() < 0.006
    if forgotten:
        call |= {"route": "default", "queue": None}
        yield _row(chance, call, at, "possible", "", "NOT_DISCLOSED", "no site resolved")
    else:
        played = chance.random() ** 0.7 * _POSSIBLE_SECONDS
        cut = chance.random()
        if cut < 0.031:
            yield _told(chance, call, at, "possible", queue.countries, "ABANDONED", played)
            return
        outcome = "PARTIAL" if cut < 0.036 else "DISCLOSED"
        yield _told(chance, call, at, "possible", queue.countries, outcome, played)
    waited = _POSSIBLE_SECONDS + chance.expovariate(1 / queue.wait)
    if chance.expovariate(1 / queue.patience) < waited:
        return
    site = chance.choices(list(queue.sites), list(queue.sites.values()))[0]
    chosen = None
    if name == "europe":
        chosen = waited - chance.uniform(1, 3)
    at += timedelta(seconds=waited)
    call |= {"agent": f"PJSIP/{chance.randrange(200, 290)}", "site": site}
    waits = {"waited": round(waited, 3), "waited_since_choice": chosen}
    country = _SITES[site]
    played = chance.uniform(0, _ANSWERED_SECONDS)
    cut = chance.random()
    if site == "casablanca" and number in (11, 12) and chance.random() < 0.9:
        row = _told(chance, call, at, "answered", country, "NOT_DISCLOSED", 0.0)
    elif site == "tunis" and number >= 16 and chance.random() < 0.02:
        call["agent"] = f"PJSIP/39{chance.randrange(3)}"
        cause = f"agent {call['agent']} is not in the configuration"
        row = _row(chance, call | {"site": None}, at, "answered", queue.countries, "PARTIAL", cause)
    elif cut < 0.009:
        row = _told(chance, call, at, "answered", country, "ABANDONED", played)
    elif cut < 0.011:
        row = _told(chance, call, at, "answered", country, "PARTIAL", played)
    elif site == "lyon" and name != "europe":
        row = _row(chance, call, at, "answered", country, "NOT_REQUIRED", "")
    else:
        row = _told(chance, call, at, "answered", country, "DISCLOSED", played)
    yield row | waits


_RESULTS = {
    "ABANDONED": "CALLER_HUNG_UP",
    "PARTIAL": "DTMF_INTERRUPTED",
    "NOT_DISCLOSED": "FAILED",
}


def _told(
    chance: random.Random,
    call: Row,
    at: datetime,
    stage: str,
    countries: str,
    outcome: str,
    played: float,
) -> Row:
    seconds = _POSSIBLE_SECONDS if stage == "possible" else _ANSWERED_SECONDS
    if outcome == "DISCLOSED":
        return _row(chance, call, at, stage, countries, outcome, "", seconds, seconds)
    sound = f"{_SOUNDS[countries]} at {played:.2f} s of {seconds:.2f} s"
    cause = f"{_RESULTS[outcome]}: {sound}"
    return _row(chance, call, at, stage, countries, outcome, cause, round(played, 3), seconds)


def _row(
    chance: random.Random,
    call: Row,
    at: datetime,
    stage: str,
    countries: str,
    outcome: str,
    cause: str,
    played: float | None = None,
    seconds: float | None = None,
) -> Row:
    return call | {
        "id": f"{chance.getrandbits(128):032x}",
        "unique_id": call["call"],
        "at": at.astimezone(timezone.utc).isoformat(timespec="microseconds"),
        "stage": stage,
        "countries": countries,
        "outcome": outcome,
        "cause": cause,
        "played": played,
        "seconds": seconds,
    }


def fill(file: Path, rows: Iterable[Row], document: str = "{}") -> None:
    """Put rows into a ledger that has its tables and no seals."""
    store = SqliteStore(file)
    with store.transaction("cannot be filled") as database:
        database.executemany(_INSERT, _entries(rows, document))
    store.close()


def fill_remote(store: PostgresqlStore, rows: Iterable[Row]) -> None:
    """The same in PostgreSQL."""
    for entry in _entries(rows, "{}"):
        store.change(_INSERT, entry)


_NAMES = (*COLUMNS, *LINK)
_INSERT = insert("entries", _NAMES)


def _entries(rows: Iterable[Row], document: str) -> Iterator[tuple[Any, ...]]:
    link = dict.fromkeys(LINK, "") | {"kind": "disclosure", "document": document}
    for sequence, row in enumerate(rows, 1):
        entry = dict.fromkeys(COLUMNS) | row | link | {"sequence": sequence}
        yield tuple(entry[name] for name in _NAMES)
