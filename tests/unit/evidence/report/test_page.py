"""What the page says, without a browser; how it looks is tests/integration/test_report_page.py."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from callcentre_disclosure.evidence.report.figures import Group, Tally, figures
from callcentre_disclosure.evidence.report.page import page
from callcentre_disclosure.evidence.report.plots import by_time
from callcentre_disclosure.evidence.report.words import Words
from callcentre_disclosure.evidence.sqlite import SqliteStore

from .conftest import possible, row
from .days_on_record import Row, fill


def made(tmp_path: Path, rows: Iterable[Row], domestic: str | None = "FR") -> str:
    """The text of the page in English, its tables too, without its plots."""
    fill(tmp_path / "evidence.sqlite", rows)
    store = SqliteStore(tmp_path / "evidence.sqlite")
    found = figures(store.read, None, None, domestic)
    store.close()
    made_at = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
    text = page(found, Words("en"), made_at)
    body = re.sub(r"(?s)<style>.*?</style>|<svg.*?</svg>|<[^>]+>", " ", text)
    return " ".join(body.split())


def test_it_tells_how_many_why_where_and_what_to_do(tmp_path: Path) -> None:
    failed = "FAILED: fr/answered-ma-2de14e0d at 0.00 s of 3.20 s"
    rows = [row(call=f"{n}", outcome="NOT_DISCLOSED", cause=failed) for n in range(2)]
    text = made(tmp_path, [*rows, row(call="told"), possible(call="left", outcome="ABANDONED")])
    assert "2 callers were not told where the call is answered 50% of the 4 calls" in text
    assert "2 Asterisk could not play the sentence that names Morocco (French)" in text
    assert "12 Nov 2026 · site casablanca" in text
    assert "callcentre-disclosure prompts check" in text
    assert "1 call with no agent on record, announced for: Morocco or Tunisia (1)" in text


def test_without_a_domestic_country_nothing_is_abroad(tmp_path: Path) -> None:
    text = made(tmp_path, [row(), row(call="2", countries="FR")], domestic=None)
    assert "names no domestic_country" in text
    assert "answered abroad" not in text
    assert "answered at home" not in text


def test_a_country_that_is_not_known_is_neither_home_nor_abroad(tmp_path: Path) -> None:
    text = made(tmp_path, [row(countries=""), row(call="2"), row(call="3", countries="MA,FR")])
    assert "100% of the calls were answered abroad 1 of 1 calls whose country is known" in text
    assert "; 2 more had an agent whose country is not established" in text
    assert "unresolved" in text
    assert "answered, country not established" in text


def test_a_company_without_stages_after_the_queue_is_not_shown_what_is_not_known(
    tmp_path: Path,
) -> None:
    text = made(tmp_path, [possible()])
    assert "No record says that an agent answered." in text
    assert "No record says how long a caller waited." in text


@pytest.mark.parametrize(
    ("days", "step", "times", "first"),
    [
        (62, "day", 62, "2026-11-04"),
        (63, "week", 10, "2026-11-02"),
        (434, "week", 63, "2026-11-02"),
        (435, "month", 15, "2026-11-01"),
    ],
)
def test_a_long_time_is_shown_by_weeks_or_months(
    days: int, step: str, times: int, first: str
) -> None:
    start = date(2026, 11, 4)
    every = [
        Group((start + timedelta(days=n)).isoformat(), Tally(disclosed=1)) for n in range(days)
    ]
    found, groups = by_time(every)
    assert (found, len(groups), groups[0].name) == (step, times, first)
    assert sum(group.tally.disclosed for group in groups) == days
