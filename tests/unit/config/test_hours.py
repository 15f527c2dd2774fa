from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from callcentre_disclosure.config.hours import (
    opening_hours,
    spans,
    timezone_complaint,
    utc_offsets,
)

DAY = 24 * 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mon 08:00-18:00", ((480, 1080),)),
        ("MON 8:00-9:30", ((480, 570),)),
        ("mon,wed 08:00-09:00", ((480, 540), (2 * DAY + 480, 2 * DAY + 540))),
        ("sun-mon 08:00-09:00", ((480, 540), (6 * DAY + 480, 6 * DAY + 540))),
        ("mon 08:00-12:00, 13:30-18:00", ((480, 720), (810, 1080))),
        ("mon 00:00-24:00", ((0, DAY),)),
        ("mon 22:00-06:00", ((22 * 60, DAY + 360),)),
        ("sun 22:00-06:00", ((0, 360), (6 * DAY + 22 * 60, 7 * DAY))),
        ("sun 22:00-00:00", ((6 * DAY + 22 * 60, 7 * DAY),)),
    ],
)
def test_spans(text: str, expected: tuple[tuple[int, int], ...]) -> None:
    assert spans(text) == expected


def test_daily_is_every_day() -> None:
    assert spans("daily 08:00-09:00") == spans("mon-sun 08:00-09:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mon-fri",
        "08:00-18:00",
        "lun-ven 08:00-18:00",
        "mon- 08:00-18:00",
        "mon 08h00-18h00",
        "mon 08:60-18:00",
        "mon 24:00-25:00",
        "mon 08:00-24:01",
        "mon 08:00-08:00",
        "mon 08:00 - 18:00",
    ],
)
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=" "):
        spans(text)


def test_lines_of_hours_are_joined() -> None:
    hours = opening_hours("Africa/Tunis", ["mon 12:00-18:00", "mon 08:00-13:00"])

    assert hours.spans == ((480, 1080),)


@pytest.mark.parametrize(
    "zone", ["Africa/Casablanca", "Africa/Tunis", "Europe/Paris", "America/New_York", "UTC"]
)
def test_offsets_are_those_of_the_time_zone_database_at_every_hour(zone: str) -> None:
    offsets = utc_offsets(zone, 2026)
    moment = datetime(2025, 1, 1, tzinfo=timezone.utc)

    while moment < datetime(2037, 1, 1, tzinfo=timezone.utc):
        expected = moment.astimezone(ZoneInfo(zone)).utcoffset()
        assert expected == timedelta(minutes=offsets.at(moment)), moment
        moment += timedelta(hours=1)


def test_offsets_change_at_the_very_second() -> None:
    summer = int(datetime(2026, 3, 29, 1, tzinfo=timezone.utc).timestamp())

    assert summer in utc_offsets("Europe/Paris", 2026).since


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Casablanca", "Africa/Casablanca"), ("Europe/Pari", "Europe/Paris"), ("../etc/passwd", "")],
)
def test_a_zone_that_does_not_exist_is_told_with_the_one_that_was_meant(
    written: str, meant: str
) -> None:
    complaint = timezone_complaint(written)

    assert complaint is not None
    assert meant in complaint[1]
