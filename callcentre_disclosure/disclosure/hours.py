"""Opening hours that do not depend on the clock settings of this machine ("follow the sun")."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timezone

MINUTES_A_DAY = 24 * 60
MINUTES_A_WEEK = 7 * MINUTES_A_DAY


@dataclass(frozen=True, slots=True)
class UtcOffsets:
    """A site's distance from UTC through the years, read from the time-zone database beforehand.

    ``since`` are moments in seconds of the epoch, ascending; ``minutes`` the offset that holds
    from each of them on. A moment before the first takes the first.
    """

    since: tuple[int, ...]
    minutes: tuple[int, ...]

    def at(self, moment: datetime) -> int:
        """The offset in minutes at an aware ``moment``."""
        return self.minutes[max(0, bisect_right(self.since, moment.timestamp()) - 1)]


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When a site takes calls, in its own local time.

    ``spans`` are half-open intervals in minutes of the week, Monday 00:00 being 0; a night shift
    over the end of Sunday is two spans.
    """

    zone: UtcOffsets
    spans: tuple[tuple[int, int], ...]

    def open_at(self, moment: datetime) -> bool:
        """Whether the site takes calls at an aware ``moment``, whatever zone that is written in."""
        utc = moment.astimezone(timezone.utc)
        minute = utc.weekday() * MINUTES_A_DAY + utc.hour * 60 + utc.minute
        local = (minute + self.zone.at(moment)) % MINUTES_A_WEEK
        return any(start <= local < end for start, end in self.spans)
