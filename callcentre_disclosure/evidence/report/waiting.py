"""How long callers waited, and the promises that people know.

Waits are kept in runs, the seconds of some calls in ascending order: those of a queue, of a
country… in whatever parts they were counted.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, pairwise

Run = Sequence[float]

#: "Numéro Illico" (French proposal of 2012): an agent in France within a minute.
ILLICO_SECONDS, ILLICO_COUNTRY = 60.0, "FR"
#: Spain, Ley 10/2025: 95 % of the calls within three minutes.
SPAIN_SECONDS, SPAIN_SHARE = 180.0, 0.95

#: The steps of the histogram, in seconds; what is longer is counted together.
STEP, LONGEST = 10, 300


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds before an agent: of so many calls, the median and the 95th percentile.

    Both are waits that a caller really had (nearest rank); None without calls.
    """

    calls: int = 0
    median: float | None = None
    p95: float | None = None


NO_WAITS = Waits()


class Promise(str, Enum):
    """What was promised, or may be asked for. The words for each are in ``texts/``."""

    ILLICO = "illico"
    SPAIN = "spain"
    PARITY = "parity"


@dataclass(frozen=True, slots=True)
class Kept:
    """A promise held against the calls.

    ``share`` of the ``calls`` were answered as promised; for the parity of waits, ``first`` and
    ``second`` are the median seconds after the choice and of those who had a domestic agent anyway.
    ``kept`` is None where nothing can be said.
    """

    promise: Promise
    calls: int
    kept: bool | None
    share: float | None = None
    first: float | None = None
    second: float | None = None


def waits_of(runs: Iterable[Run]) -> Waits:
    """Median and 95th percentile."""
    ordered = sorted(chain.from_iterable(runs))  # which only merges what is in order already
    if not ordered:
        return NO_WAITS
    median, p95 = (ordered[math.ceil(part * len(ordered)) - 1] for part in (0.5, 0.95))
    return Waits(len(ordered), median, p95)


def histogram(runs: Iterable[Run]) -> tuple[int, ...]:
    """Calls by steps of ``STEP`` seconds up to ``LONGEST``, then all that waited longer."""
    runs = list(runs)
    upto = [_within(runs, edge) for edge in range(STEP, LONGEST + STEP, STEP)]
    return tuple(high - low for low, high in pairwise([0, *upto, sum(map(len, runs))]))


def illico(everybody: int, in_france: Iterable[Run]) -> Kept:
    """Of ``everybody`` who was answered, those with an agent in France within a minute. How many
    have to be was never said."""
    share = _within(in_france, ILLICO_SECONDS) / everybody if everybody else None
    return Kept(Promise.ILLICO, everybody, None, share)


def spain(runs: Iterable[Run]) -> Kept:
    """Those who were answered within three minutes."""
    runs = list(runs)
    calls = sum(map(len, runs))
    share = _within(runs, SPAIN_SECONDS) / calls if calls else None
    return Kept(Promise.SPAIN, calls, None if share is None else share >= SPAIN_SHARE, share)


def parity(after_choice: Iterable[Run], domestic: Iterable[Run]) -> Kept:
    """Whether who chose a domestic agent waits no longer than who gets one anyway."""
    chosen, others = waits_of(after_choice), waits_of(domestic)
    kept = None
    if chosen.median is not None and others.median is not None:
        kept = chosen.median <= others.median
    return Kept(Promise.PARITY, chosen.calls, kept, first=chosen.median, second=others.median)


def _within(runs: Iterable[Run], limit: float) -> int:
    return sum(bisect_right(run, limit) for run in runs)
