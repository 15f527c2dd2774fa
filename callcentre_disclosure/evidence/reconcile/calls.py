"""A call as Asterisk's own records tell it: who was connected with whom, from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: No call is longer, and no clock so wrong: what is further away is of another call, to which an
#: application has given the same id.
LONGEST_CALL = timedelta(days=7)
#: A call of which nothing was written for so long is taken as it stands: not every source tells
#: every end.
SILENT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a connection: a channel (``PJSIP/201-0000001a``) and its unique id, each empty
    where the source does not tell it. ``known_by`` holds more names that a queue may know whoever
    answered by: those of the Local channels in between."""

    channel: str
    unique_id: str = ""
    known_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """Two parties who could hear each other; ``first`` was in the call before ``second``.

    ``since`` is exact to ``resolution`` (seconds to come); None where the source tells only that
    it was before ``until``. ``until`` is None where they still talked at the end of the source.
    """

    first: Party
    second: Party
    since: datetime | None
    until: datetime | None
    resolution: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Call:
    """Everything that one source tells of one call.

    ``id`` is its linked id, ``ids`` every linked and unique id that was part of it, ``channels``
    the names of its channels. ``asked_at`` are the moments at which Asterisk came to have it
    announced, ``numbers`` what its first channel may have dialled, ``route`` the extension in one
    of our contexts.
    """

    id: str
    ids: frozenset[str]
    ended: datetime
    connections: tuple[Connection, ...]
    channels: frozenset[str] = frozenset()
    asked_at: tuple[datetime, ...] = ()
    numbers: tuple[str, ...] = ()
    route: str | None = None
