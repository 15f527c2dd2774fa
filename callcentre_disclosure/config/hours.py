"""Opening hours as they are written, and time zones as a call reads them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from callcentre_disclosure.disclosure.hours import (
    MINUTES_A_DAY,
    MINUTES_A_WEEK,
    OpeningHours,
    UtcOffsets,
)

from .near import nearest

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_PATTERN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?")
_TIMES_PATTERN = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)")
_A_DAY = 24 * 60 * 60  # in seconds

Span = tuple[int, int]


@lru_cache(maxsize=1024)
def spans(text: str) -> tuple[Span, ...]:
    """The minutes of the week that ``mon-fri 08:00-12:00 13:30-18:00`` stands for.

    Days are ``mon`` … ``sun``, ranges and commas between them, or ``daily``. A shift may end on
    the next day (``22:00-06:00``). Raises ``ValueError`` for anything else.
    """
    days, *shifts = text.casefold().split() or [""]
    if not shifts:
        raise ValueError(f"{text!r} does not say from when to when")
    found: list[Span] = []
    for day in dict.fromkeys(_days(days)):
        for start, end in dict.fromkeys(map(_shift, shifts)):
            opens, closes = day * MINUTES_A_DAY + start, day * MINUTES_A_DAY + end
            found.append((opens, min(closes, MINUTES_A_WEEK)))
            if closes > MINUTES_A_WEEK:
                found.append((0, closes - MINUTES_A_WEEK))
    return tuple(sorted(found))


def opening_hours(zone: str, hours: Iterable[str]) -> OpeningHours:
    """The hours of a site, those of every line together."""
    merged: list[Span] = []
    for start, end in sorted(span for text in hours for span in spans(text)):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return OpeningHours(utc_offsets(zone, datetime.now(timezone.utc).year), tuple(merged))


@lru_cache(maxsize=1024)
def utc_offsets(zone: str, year: int) -> UtcOffsets:
    """The offsets of a zone from the year before ``year`` until the end of the tenth after it."""
    place = ZoneInfo(zone)

    def offset(moment: int) -> int:
        distance = datetime.fromtimestamp(moment, place).utcoffset()
        assert distance is not None
        return int(distance.total_seconds()) // 60

    first = int(datetime(year - 1, 1, 1, tzinfo=timezone.utc).timestamp())
    end = int(datetime(year + 11, 1, 1, tzinfo=timezone.utc).timestamp())
    since, minutes = [first], [offset(first)]
    for yesterday in range(first, end, _A_DAY):
        new = offset(yesterday + _A_DAY)
        if new != minutes[-1]:
            since.append(_first_moment(range(yesterday, yesterday + _A_DAY), offset, new))
            minutes.append(new)
    return UtcOffsets(tuple(since), tuple(minutes))


def hours_complaint(text: str) -> tuple[str, str] | None:
    """What is wrong with opening hours, and what to do about it."""
    try:
        spans(text)
    except ValueError as problem:
        return str(problem), "write days and times as in 'mon-fri 08:00-12:00 13:30-18:00'"
    return None


@lru_cache(maxsize=1024)
def timezone_complaint(text: str) -> tuple[str, str] | None:
    """What is wrong with the name of a time zone, and what to do about it."""
    try:
        ZoneInfo(text)
    except (KeyError, OSError, ValueError):
        known = available_timezones()
        if not known:
            return "this machine has no time-zone database", "install tzdata"
        wanted = text.casefold().replace(" ", "_")
        city = sorted(zone for zone in known if zone.casefold().rpartition("/")[2] == wanted)
        meant = city[0] if city else nearest(text, known)
        remedy = f"did you mean {meant}?" if meant else "write one such as Africa/Casablanca"
        return f"there is no time zone {text!r}", remedy
    return None


def _days(text: str) -> list[int]:
    if text == "daily":
        return list(range(7))
    found: list[int] = []
    for part in text.split(","):
        match = _DAYS_PATTERN.fullmatch(part)
        if not match or not {match[1], match[2] or match[1]} <= set(_DAYS):
            raise ValueError(f"{part!r} is no day of the week")
        first, last = (_DAYS.index(day) for day in (match[1], match[2] or match[1]))
        found.extend((first + n) % 7 for n in range((last - first) % 7 + 1))
    return found


def _first_moment(day: range, offset: Callable[[int], int], new: int) -> int:
    """The moment of a day from which on the new offset holds."""
    return day.start + bisect_left(day, True, key=lambda moment: offset(moment) == new)


def _shift(text: str) -> Span:
    """Minutes from midnight; the end lies beyond 24:00 where it is on the next day."""
    match = _TIMES_PATTERN.fullmatch(text.rstrip(","))
    if not match:
        raise ValueError(f"{text!r} is no time span")
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if max(int(match[2]), int(match[4])) > 59 or start >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise ValueError(f"{text!r} is no time of the day")
    if start == end:
        raise ValueError(f"{text!r} closes when it opens (the whole day is 00:00-24:00)")
    return (start, end if end > start else end + MINUTES_A_DAY)
