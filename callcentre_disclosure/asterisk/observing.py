"""What a server tells about itself while it runs, to whoever measures it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from callcentre_disclosure.disclosure.record import LedgerRecord


class Observer(Protocol):
    """Is told in the event loop; nothing here may block or raise."""

    def alive(self, calls: int, asterisks: Mapping[str, bool]) -> None:
        """At every heartbeat: how many calls are held now, and which of the Asterisks that we
        connect to are connected."""

    def announced(self, record: LedgerRecord, before: float | None, after: float | None) -> None:
        """The call of a record is let go of. ``before`` and ``after`` are its silences."""

    def failed(self) -> None:
        """A session failed by our fault, and its call went on without it."""

    def refused(self) -> None:
        """A connection was closed before it was a call: from a stranger, or one too many."""


class Unobserved:
    """Nobody measures."""

    def alive(self, calls: int, asterisks: Mapping[str, bool]) -> None:
        pass

    def announced(self, record: LedgerRecord, before: float | None, after: float | None) -> None:
        pass

    def failed(self) -> None:
        pass

    def refused(self) -> None:
        pass


UNOBSERVED = Unobserved()
