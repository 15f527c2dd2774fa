from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from callcentre_disclosure.evidence.report.figures import Figures, figures
from callcentre_disclosure.evidence.sqlite import SqliteStore

from .days_on_record import Row, fill

Count = Callable[[Iterable[Row]], Figures]


@pytest.fixture
def count(tmp_path: Path) -> Count:
    """What a report makes of some rows, seen from France."""

    def counted(rows: Iterable[Row]) -> Figures:
        file = tmp_path / "evidence.sqlite"
        fill(file, rows)
        store = SqliteStore(file)
        try:
            return figures(store.read, None, None, "FR")
        finally:
            store.close()

    return counted


def row(number: int = 1, call: str = "1.1", **given: object) -> Row:
    """A record of a call, ``number`` minutes after eight; told in Casablanca unless given."""
    return {
        "id": f"{call}-{number}",
        "call": call,
        "unique_id": call,
        "at": f"2026-11-12T08:{number:02}:00.000000+00:00",
        "day": "2026-11-12",
        "direction": "inbound",
        "stage": "answered",
        "outcome": "DISCLOSED",
        "countries": "MA",
        "route": "service",
        "queue": "support",
        "profile": "fr-2018",
        "site": "casablanca",
        "cause": "",
        "waited": 20.0,
        "played": 3.2,
        "seconds": 3.2,
    } | given


def possible(number: int = 0, call: str = "1.1", **given: object) -> Row:
    """The record of the same call before its queue."""
    before = {"stage": "possible", "countries": "MA,TN", "site": None, "waited": None}
    return row(number, call, **{**before, **given})
