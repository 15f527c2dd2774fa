"""What a worker counts. A call pays for this, so it is additions in a dictionary, no more."""

from __future__ import annotations

import json
import os
import socket
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.record import LedgerRecord

#: The counted things and what tells them apart.
ANNOUNCEMENTS, ANNOUNCEMENT_LABELS = "announcements", ("outcome", "countries", "route", "stage")
FAILURES = "failures"
UNRECORDED = "unrecorded"
REFUSED = "refused"
#: The times that are measured, in seconds.
BEFORE, AFTER, COMMIT = "before", "after", "commit"
#: Up to so many seconds is one class of them each; the last class has no bound.
BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
#: Where in the class numbers of a time its sum is.
SUM = -1
#: What a label says where nothing is known.
UNKNOWN = "unknown"
#: So many counts fit into one message.
_MESSAGE = 1000


class Tally:
    """Reports to ``reports``, a socket that keeps messages apart. What cannot be sent now is sent
    with the next heartbeat."""

    def __init__(self, reports: socket.socket) -> None:
        self._reports = reports
        self._counts: defaultdict[tuple[str | int, ...], float] = defaultdict(float)
        self._commits: deque[tuple[int, float, bool]] = deque()

    def announced(self, record: LedgerRecord, before: float | None, after: float | None) -> None:
        """A call was let go of, with its silences in seconds."""
        counts = self._counts
        countries = ",".join(record.countries) or UNKNOWN
        outcome, stage = record.outcome, record.call.stage.value
        counts[ANNOUNCEMENTS, outcome.value, countries, record.route.id, stage] += 1
        if before is not None:
            self._measured(BEFORE, before)
        if after is not None and outcome is not DisclosureOutcome.ABANDONED:
            self._measured(AFTER, after)

    def failed(self) -> None:
        """A session failed by our fault."""
        self._counts[FAILURES,] += 1

    def refused(self) -> None:
        """A connection was closed before it was a call."""
        self._counts[REFUSED,] += 1

    def committed(self, records: int, seconds: float, durable: bool = True) -> None:
        """So many records were written together, or could not be; any thread may tell."""
        self._commits.append((records, seconds, durable))

    def alive(self, calls: int, asterisks: Mapping[str, bool]) -> None:
        """Report. Never blocks."""
        while self._commits:
            records, seconds, durable = self._commits.popleft()
            self._measured(COMMIT, seconds)
            if not durable:
                self._counts[UNRECORDED,] += records
        for keys in _portions(tuple(self._counts)):
            counts = [(*key, self._counts[key]) for key in keys]
            report = {
                "worker": os.getpid(),
                "calls": calls,
                "asterisks": dict(asterisks),
                "counts": counts,
            }
            try:
                self._reports.send(json.dumps(report).encode(), socket.MSG_DONTWAIT)
            except OSError:  # nobody reads at the moment
                return
            for key in keys:
                del self._counts[key]

    def _measured(self, time: str, seconds: float) -> None:
        self._counts[time, bisect_left(BOUNDS, seconds)] += 1
        self._counts[time, SUM] += seconds


def _portions(
    keys: Sequence[tuple[str | int, ...]],
) -> Iterator[tuple[tuple[str | int, ...], ...]]:
    """At least one, which may be empty."""
    rest = iter(keys)
    yield tuple(islice(rest, _MESSAGE))
    while portion := tuple(islice(rest, _MESSAGE)):
        yield portion
