"""Where the evidence of calls is kept by those who make it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from typing import Any

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.errors import EvidenceError

from .chain import Content
from .document import columns, document
from .keys import KeyRing
from .sqlite import ForeignHead, SqliteStore

_log = logging.getLogger(__name__)
_json = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class Ledger:
    """The ledger of this machine, as calls write it. One thread at a time may.

    With a PostgreSQL beyond it, this is where records wait to go there (``forwarding``).
    """

    def __init__(self, place: LedgerPlace) -> None:
        self.place = place
        self._store = SqliteStore(place.file)
        self._ring: KeyRing | None = None
        self._ring_state: tuple[int, ...] = ()

    def append(self, records: Sequence[LedgerRecord]) -> None:
        """Keep records, all or none; durable when this returns. Raises ``EvidenceError``."""
        ring = self._keys()
        numbering = self.place.numbering

        def pseudonym(number: str | None) -> str | None:
            return ring.pseudonyms(number, numbering)[0] if number else None

        rows = []
        for record in records:
            made = document(record, pseudonym, numbering)
            content = Content("disclosure", _json(made), made["keep_until"])
            rows.append((content, tuple(columns(made).values())))
        try:
            self._store.extend(ring, rows)
        except ForeignHead:  # another process may have taken a new key into use meanwhile
            self._ring = None
            self._extend(rows)

    def _extend(self, rows: Sequence[tuple[Content, Sequence[Any]]]) -> None:
        try:
            self._store.extend(self._keys(), rows)
        except ForeignHead as problem:
            _log.error("a new chain begins: %s", problem)
            self._store.extend(self._keys(), rows, anew=True)

    def try_out(self) -> None:
        """Raise ``EvidenceError`` where records could not be kept."""
        self._keys()
        self._store.try_out()

    def _has_begun(self) -> bool:
        try:
            return self._store.has_begun()
        except EvidenceError:
            return False  # which whoever writes will say

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _keys(self) -> KeyRing:
        """The keys as they are now: a rotation is heeded by the next record. A file that has gone
        is not made again for a ledger that needs the keys that were in it."""
        try:
            found = os.stat(self.place.key_file)  # noqa: PTH116
            state: tuple[int, ...] = (found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            state = self._ring_state
        if self._ring is None or self._ring_state != state:
            make = not state and not self._has_begun()
            self._ring = KeyRing.open(self.place.key_file, make=make)
            self._ring_state = state
        return self._ring
