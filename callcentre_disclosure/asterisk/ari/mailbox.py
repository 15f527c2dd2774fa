"""What Asterisk tells about some channels, bridges and playbacks, in its order.

The one reader of a connection puts events here and never waits for whoever takes them out: Asterisk
gives up a connection that is not read for 100 ms. A mailbox that is full therefore loses what is in
it, and says so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from enum import Enum
from types import TracebackType
from typing import Final

from .protocol import Event

#: So many events may wait in one mailbox. A call has some dozens in all.
CAPACITY = 1000


class Missed(Enum):
    """What comes in place of events that were lost, by a broken connection or a full mailbox."""

    MISSED = "events may have been lost: look at the state again"


MISSED: Final = Missed.MISSED


class Mailboxes:
    """The mailboxes of one Asterisk."""

    def __init__(self) -> None:
        self._open: set[Mailbox] = set()
        self._followers: dict[str, set[Mailbox]] = {}

    @property
    def in_use(self) -> bool:
        """Whether there is any."""
        return bool(self._open)

    def open(self) -> Mailbox:
        """A new one, which follows nothing yet."""
        mailbox = Mailbox(self)
        self._open.add(mailbox)
        return mailbox

    def deliver(self, event: Event) -> None:
        """Put an event into every mailbox that follows anything it is about. Who follows a channel
        follows the one that takes its place (``replace_channel``), from its first event on."""
        followers = (self._followers.get(subject, ()) for subject in event.subjects)
        for mailbox in {mailbox for some in followers for mailbox in some}:
            if "replace_channel" in event.body:
                mailbox.follow(event.channel_id)
            mailbox.put(event)

    def missed(self) -> None:
        """Tell every mailbox that events may have been lost."""
        for mailbox in self._open:
            mailbox.put(MISSED)

    def follow(self, mailbox: Mailbox, subjects: Iterable[str]) -> None:
        """From now on, events about these go to it."""
        for subject in subjects:
            self._followers.setdefault(subject, set()).add(mailbox)

    def forget(self, mailbox: Mailbox, subjects: Iterable[str]) -> None:
        """Events about these go to it no more."""
        for subject in subjects:
            followers = self._followers.get(subject, set())
            followers.discard(mailbox)
            if not followers:
                self._followers.pop(subject, None)

    def discard(self, mailbox: Mailbox) -> None:
        """Nothing goes to it any more."""
        self._open.discard(mailbox)


class Mailbox:
    """The events about what it follows. One task at a time may wait for the next.

    Full (``CAPACITY``), it throws away what is in it and holds ``MISSED`` instead. After a
    reconnect ``MISSED`` follows the events that are in it, which are as true as before.
    """

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes
        self._subjects: set[str] = set()
        self._waiting: deque[Event | Missed] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def followed(self) -> frozenset[str]:
        """What it follows."""
        return frozenset(self._subjects)

    def follow(self, *ids: str) -> None:
        """From now on, events about these channels, bridges or playbacks come here too."""
        if not self._closed:
            self._subjects.update(ids)
            self._mailboxes.follow(self, ids)

    def forget(self, *ids: str) -> None:
        """Events about these come here no more; those that have come stay."""
        self._subjects.difference_update(ids)
        self._mailboxes.forget(self, ids)

    async def next(self, seconds: float | None) -> Event | Missed | None:
        """The next event, or ``MISSED``; None where neither comes within so many seconds (None:
        however long it takes), or where the mailbox is closed."""
        if not self._waiting and not self._closed and (seconds is None or seconds > 0):
            loop = asyncio.get_running_loop()
            self._reader = loop.create_future()
            timer = loop.call_later(seconds, self._wake) if seconds is not None else None
            try:
                await self._reader
            finally:
                self._reader = None
                if timer:
                    timer.cancel()
        return self._waiting.popleft() if self._waiting else None

    def put(self, event: Event | Missed) -> None:
        """Add what has come."""
        if event is MISSED and self._waiting and self._waiting[-1] is MISSED:
            return
        if len(self._waiting) >= CAPACITY:
            self._waiting.clear()
            event = MISSED
        self._waiting.append(event)
        self._wake()

    def close(self) -> None:
        """Follow nothing any more; whoever waits for the next is told that there is none."""
        self.forget(*self._subjects)
        self._mailboxes.discard(self)
        self._waiting.clear()
        self._closed = True
        self._wake()

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _wake(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)
