"""What all workers have counted together, as Prometheus names it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from callcentre_disclosure.disclosure.outcome import DisclosureOutcome

from .tally import (
    AFTER,
    ANNOUNCEMENT_LABELS,
    ANNOUNCEMENTS,
    BEFORE,
    BOUNDS,
    COMMIT,
    FAILURES,
    REFUSED,
    SUM,
    UNRECORDED,
)

PREFIX = "callcentre_disclosure"
#: A worker that was not heard of for so many seconds is not counted as one that serves. It reports
#: every half second, and is killed after five.
FRESH_SECONDS = 2.0

_CALLS = "Calls that are held now; by the ARI handler, those who talk too."
_TIMES = {
    BEFORE: (
        "answer_to_sound_seconds",
        "From when a caller could hear us (they had come to us, or we had answered) until the "
        "first sound was asked for.",
    ),
    AFTER: (
        "sound_to_release_seconds",
        "From the end of the last sound until the call was let go of, its evidence written.",
    ),
    COMMIT: ("commit_seconds", "How long a group of records took to be durable in the ledger."),
}


@dataclass(frozen=True, slots=True)
class _Life:
    heard: float
    calls: int
    asterisks: Mapping[str, bool]


class Board:
    """Adds up the reports of ``Tally``; any thread may. ``expected`` workers are to serve."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self._lock = Lock()
        self._sums: defaultdict[tuple[str | int, ...], float] = defaultdict(float)
        self._lives: dict[int, _Life] = {}

    def add(self, report: Mapping[str, Any], now: float) -> None:
        """Heed the report of a worker, at a time in seconds."""
        with self._lock:
            life = _Life(now, report["calls"], report["asterisks"])
            self._lives = {**self._fresh(now), report["worker"]: life}
            for *key, count in report["counts"]:
                self._sums[tuple(key)] += count

    def serving(self, now: float) -> int:
        """How many workers serve."""
        with self._lock:
            return len(self._fresh(now))

    def asterisks(self, now: float) -> dict[str, bool]:
        """The Asterisks that we connect to, and whether we are connected."""
        with self._lock:
            return {
                name: connected
                for life in self._fresh(now).values()
                for name, connected in life.asterisks.items()
            }

    def metrics(self, now: float) -> Iterator[Metric]:
        """All of it, as it is at that time."""
        with self._lock:
            sums, lives = dict(self._sums), self._fresh(now).values()
        yield gauge("calls", _CALLS, sum(life.calls for life in lives))
        yield gauge("workers", "Workers that serve.", len(lives))
        yield gauge("workers_expected", "Workers that are to serve.", self.expected)
        connected = GaugeMetricFamily(
            f"{PREFIX}_asterisk_connected",
            "Whether an Asterisk that we connect to is connected.",
            labels=["asterisk"],
        )
        for name, is_there in self.asterisks(now).items():
            connected.add_metric([name], is_there)
        yield connected
        announcements = CounterMetricFamily(
            f"{PREFIX}_announcements",
            "Calls that were announced or did not need it, by what became of it, where they are "
            "(or may be) answered, and the route.",
            labels=ANNOUNCEMENT_LABELS,
        )
        # Prometheus sees no increase in what was not there before, and so the first failure of a
        # route would not be seen: what has not happened yet is zero.
        for kind in sorted({key[2:] for key in sums if key[0] == ANNOUNCEMENTS}):
            for outcome in DisclosureOutcome:
                count = sums.get((ANNOUNCEMENTS, outcome.value, *kind), 0)
                announcements.add_metric([outcome.value, *map(str, kind)], count)
        yield announcements
        yield CounterMetricFamily(
            f"{PREFIX}_failures",
            "Sessions that failed by our fault; their calls went on without.",
            value=sums.get((FAILURES,), 0),
        )
        yield CounterMetricFamily(
            f"{PREFIX}_unrecorded",
            "Records that could not be written to the ledger.",
            value=sums.get((UNRECORDED,), 0),
        )
        yield CounterMetricFamily(
            f"{PREFIX}_refused",
            "Connections to the FastAGI server that were closed at once: from an address that is "
            "not allowed, or one too many.",
            value=sums.get((REFUSED,), 0),
        )
        for time, (name, documentation) in _TIMES.items():
            yield HistogramMetricFamily(
                f"{PREFIX}_{name}",
                documentation,
                buckets=list(_buckets([sums.get((time, n), 0) for n in range(len(BOUNDS) + 1)])),
                sum_value=sums.get((time, SUM), 0),
            )

    def _fresh(self, now: float) -> dict[int, _Life]:
        return {
            worker: life
            for worker, life in self._lives.items()
            if now - life.heard <= FRESH_SECONDS
        }


def gauge(name: str, documentation: str, value: float) -> Metric:
    """One number."""
    return GaugeMetricFamily(f"{PREFIX}_{name}", documentation, value=value)


def _buckets(counts: Iterable[float]) -> Iterator[tuple[str, float]]:
    """Prometheus counts in each class those of the classes before it too."""
    below = 0.0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
        below += count
        yield bound, below
