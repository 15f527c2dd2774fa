from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from callcentre_disclosure.disclosure.hours import OpeningHours, UtcOffsets

SUMMER_STARTS = datetime(2026, 3, 29, 1, 0, tzinfo=timezone.utc)
PARIS = UtcOffsets((0, int(SUMMER_STARTS.timestamp())), (60, 120))
WEEK_OF_8_TO_18 = tuple((day * 1440 + 480, day * 1440 + 1080) for day in range(5))


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (utc(2026, 1, 5, 6, 59), False),
        (utc(2026, 1, 5, 7, 0), True),  # Monday, 08:00 in winter
        (utc(2026, 1, 5, 16, 59), True),
        (utc(2026, 1, 5, 17, 0), False),
        (utc(2026, 7, 6, 6, 0), True),  # Monday, 08:00 in summer
        (utc(2026, 7, 6, 16, 0), False),
        (utc(2026, 1, 10, 12, 0), False),  # Saturday
    ],
)
def test_a_site_is_open_by_its_own_clock(moment: datetime, is_open: bool) -> None:
    hours = OpeningHours(PARIS, WEEK_OF_8_TO_18)
    assert hours.open_at(moment) is is_open


def test_the_zone_a_moment_is_written_in_changes_nothing() -> None:
    hours = OpeningHours(PARIS, WEEK_OF_8_TO_18)
    tokyo = timezone(timedelta(hours=9))
    assert hours.open_at(utc(2026, 1, 5, 7, 0).astimezone(tokyo))


def test_the_week_wraps_around() -> None:
    sunday_night = OpeningHours(UtcOffsets((0,), (600,)), ((0, 60),))
    assert sunday_night.open_at(utc(2026, 1, 4, 14, 30))  # Monday 00:30 at UTC+10


def test_a_moment_before_the_table_takes_its_first_offset() -> None:
    assert UtcOffsets((10,), (30,)).at(utc(1969, 1, 1)) == 30
