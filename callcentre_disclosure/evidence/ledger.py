"""Where the evidence of calls is kept by those who make it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.record import LedgerRecord

from .chain import Content
from .document import columns, document
from .keys import KeyRing
from .sqlite import SqliteStore

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
            made = document(record, pseudonym)
            content = Content("disclosure", _json(made), made["keep_until"])
            rows.append((content, tuple(columns(made).values())))
        self._store.extend(ring, rows)

    def try_out(self) -> None:
        """Raise ``EvidenceError`` where records could not be kept."""
        self._keys()
        self._store.try_out()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _keys(self) -> KeyRing:
        """The keys as they are now: a rotation is heeded by the next record."""
        try:
            found = os.stat(self.place.key_file)  # noqa: PTH116
            state: tuple[int, ...] = (found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            state = ()
        if self._ring is None or self._ring_state != state:
            self._ring = KeyRing.open(self.place.key_file, make=True)
            self._ring_state = state
        return self._ring
