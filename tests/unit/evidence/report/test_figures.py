"""What calls are made of, and what is counted of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.report.causes import Cause, CauseKind
from callcentre_disclosure.evidence.report.figures import Abroad, Tally, calls, figures
from callcentre_disclosure.evidence.sqlite import SqliteStore

from .conftest import Count, possible, row
from .days_on_record import fill, fill_remote, records

FAILED = "FAILED: fr/answered-ma-2de14e0d at {} s of 3.20 s; missing: sound fr/company-11112222"


def test_nothing_is_counted_of_nothing(count: Count) -> None:
    found = count([])
    assert found.total == Tally()
    assert (found.days, found.countries, found.troubles, found.waits.median) == ((), (), (), None)
    assert found.abroad.share is None


def test_a_call_is_what_its_last_record_that_asked_for_something_says(count: Count) -> None:
    found = count(
        [
            *(possible(call="1", outcome="NOT_DISCLOSED"), row(call="1")),
            *(possible(call="2"), row(call="2", outcome="NOT_DISCLOSED", cause="no site resolved")),
            *(possible(call="3"), row(call="3", outcome="NOT_REQUIRED")),
            possible(call="4", outcome="ABANDONED"),
            *(possible(call="5", outcome="NOT_REQUIRED"), row(call="5", outcome="NOT_REQUIRED")),
            *(row(call="6"), row(2, call="6", outcome="PARTIAL")),
        ]
    )
    assert found.total == Tally(
        disclosed=2, partial=1, not_disclosed=1, abandoned=1, not_required=1
    )
    assert (found.total.calls, found.total.asked) == (6, 5)


def test_the_order_of_records_is_that_of_time_not_of_writing(count: Count) -> None:
    found = count([row(5, outcome="DISCLOSED"), row(1, outcome="NOT_DISCLOSED")])
    assert found.total == Tally(disclosed=1)


def test_a_call_was_answered_where_the_last_agent_was(count: Count) -> None:
    found = count(
        [possible(), row(1), row(2, countries="FR", site="lyon", queue="europe", waited=90.0)]
    )
    (country,) = found.countries
    assert (country.name, country.answered) == ("FR", 1)
    assert [group.name for group in (*found.sites, *found.queues)] == ["lyon", "europe"]
    assert found.waits.median == 20.0, "until the first agent"


def test_the_share_abroad_is_of_those_whose_country_is_known(count: Count) -> None:
    answered = ["FR", "MA", "MA", "TN", "", "MA,FR", "MA,TN"]
    rows = [row(call=str(number), countries=codes) for number, codes in enumerate(answered)]
    found = count([*rows, possible(call="x", countries="MA")])
    assert found.abroad == Abroad("FR", home=1, abroad=4, either=1, unresolved=1)
    assert found.abroad.share == 0.8


def test_calls_that_we_made_waited_for_nobody(count: Count) -> None:
    found = count([row(direction="outbound"), row(call="2", waited=None)])
    assert found.waits.calls == 0
    assert found.total.disclosed == 2


def test_equal_causes_are_one_whatever_their_seconds(count: Count) -> None:
    rows = [
        row(
            call=str(number),
            outcome="NOT_DISCLOSED",
            cause=FAILED.format(f"0.{number:02}"),
            day=f"2026-11-{12 + number}",
        )
        for number in range(3)
    ]
    unknown = possible(call="9", cause="no site resolved", outcome="NOT_DISCLOSED")
    found = count([*rows, unknown])
    first, second = found.troubles
    assert first.cause == Cause(CauseKind.NOT_PLAYED, "fr/answered-ma-2de14e0d")
    assert first.tally == Tally(not_disclosed=3)
    assert (first.first, first.last) == ("2026-11-12", "2026-11-14")
    assert (first.routes, first.sites) == ((("service", 3),), (("casablanca", 3),))
    assert (second.cause.kind, second.sites) == (CauseKind.NO_SITE, ())


def test_who_hung_up_is_nobodys_fault(count: Count) -> None:
    hung_up = "CALLER_HUNG_UP: fr/answered-ma-2de14e0d at 1.00 s of 3.20 s"
    found = count([row(outcome="ABANDONED", cause=hung_up, played=1.0)])
    assert found.troubles == ()
    assert found.cut.hung_up[3] == 1


def test_where_sentences_ended(count: Count) -> None:
    ends = [0.0, 0.33, 1.6, 3.17, 3.2]
    found = count(
        [
            *(row(call=f"{end}", outcome="PARTIAL", played=end) for end in ends),
            row(call="told", outcome="ABANDONED", played=None, seconds=None),
        ]
    )
    assert found.cut.interrupted == (1, 1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert found.cut.begun == 4, "not the one of which nothing was played"


def test_days_without_calls_are_days(count: Count) -> None:
    found = count([row(), row(call="2", day="2026-11-15")])
    assert [day.name for day in found.days] == [f"2026-11-{day}" for day in (12, 13, 14, 15)]
    assert [day.tally.calls for day in found.days] == [1, 0, 0, 1]


def test_a_period_has_both_its_days(tmp_path: Path) -> None:
    days = ("2026-11-11", "2026-11-12", "2026-11-13", "2026-11-14")
    fill(tmp_path / "e.sqlite", [row(call=day, day=day) for day in days])
    store = SqliteStore(tmp_path / "e.sqlite")
    found = calls(store.read, date(2026, 11, 12), date(2026, 11, 13))
    assert [call.day for call in found] == ["2026-11-12", "2026-11-13"]
    store.close()


def test_postgresql_counts_the_same(count: Count, postgresql_url: str) -> None:
    rows = list(records(date(2026, 11, 10), 4, 60))
    remote = PostgresqlStore(postgresql_url)
    try:
        fill_remote(remote, rows)
        with remote.snapshot():
            assert figures(remote.read, None, None, "FR") == count(rows)
    finally:
        remote.close()


@pytest.mark.parametrize("seed", range(3))
def test_every_table_counts_the_same_calls(count: Count, seed: int) -> None:
    rows = list(records(date(2026, 11, 1), 5, 300, seed))
    found = count(rows)
    assert found.total.calls == len({row["call"] for row in rows})
    for groups in (found.days, found.countries, found.sites, found.queues, found.profiles):
        assert sum(group.tally.calls for group in groups) == found.total.calls
        assert sum(group.tally.not_disclosed for group in groups) == found.total.not_disclosed
    for groups in (found.countries, found.queues):
        assert sum(group.waits.calls for group in groups) == found.waits.calls
    assert sum(map(sum, found.waits_by_place.values())) == found.waits.calls
    troubles = sum(trouble.tally.not_disclosed for trouble in found.troubles)
    assert troubles == found.total.not_disclosed, "every caller who was not told has a cause"
