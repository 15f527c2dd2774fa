"""The chain that holds the records of one writer together: sealed one by one with a secret key.

An entry's seal is over its place (writer, sequence), its kind, how long it must be kept, the digest
of its document and the seal before it. Whoever has no key can neither change nor add one, and
whoever takes one out leaves a gap. The document itself may go when its time has come: the digest
stays. The head says how long the chain is, sealed as well, so that nobody cuts off its end.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from .keys import Key, KeyRing

#: What the first entry of a chain has before it.
NOTHING = "0" * 64


class Content(NamedTuple):
    """What is to be kept: a ``disclosure``, or what the ledger notes of itself, a ``purge`` or a
    ``rotation`` of keys. ``keep_until`` is a day in ISO 8601, empty for ever."""

    kind: str
    document: str
    keep_until: str = ""


class Entry(NamedTuple):
    """One link. ``document`` is None once it was purged."""

    writer: str
    sequence: int
    kind: str
    keep_until: str
    digest: str
    previous: str
    key: str
    seal: str
    document: str | None

    def is_sealed_by(self, key: Key, sequence: int | None = None) -> bool:
        """Whether this is what was sealed, at its place or at another one."""
        place = self if sequence is None else self._replace(sequence=sequence)
        return hmac.compare_digest(_seal(key, "entry", *place[:-2]).encode(), self.seal.encode())

    @property
    def is_whole(self) -> bool:
        """Whether the document is there, and the one that was sealed."""
        return self.document is not None and digest(self.document) == self.digest


class Head(NamedTuple):
    """The end of a chain: its last ``sequence`` and the ``last`` seal."""

    writer: str
    sequence: int
    last: str
    key: str
    seal: str

    def is_sealed_by(self, key: Key) -> bool:
        """Whether this is what was sealed."""
        return hmac.compare_digest(_seal(key, "head", *self[:-1]).encode(), self.seal.encode())


def is_well_formed(link: Entry | Head) -> bool:
    """Whether a row may be a link at all: SQLite keeps whatever it is given in any column."""
    texts = link._asdict()
    sequence, document = texts.pop("sequence"), texts.pop("document", None)
    is_text = all(isinstance(text, str) for text in texts.values())
    return is_text and isinstance(sequence, int) and (document is None or isinstance(document, str))


def is_ours(link: Entry | Head, ring: KeyRing) -> bool:
    """Whether one of our keys has sealed it as it is."""
    key = ring.get(link.key) if is_well_formed(link) else None
    return key is not None and link.is_sealed_by(key)


def first_head(writer: str, key: Key) -> Head:
    """The end of a chain that has no entries yet."""
    return _head(key, writer, 0, NOTHING)


def extended(head: Head, key: Key, contents: Iterable[Content]) -> tuple[list[Entry], Head]:
    """New entries behind ``head``, and the new head."""
    entries = []
    sequence, last = head.sequence, head.last
    for kind, document, keep_until in contents:
        sequence += 1
        fields = (head.writer, sequence, kind, keep_until, digest(document), last, key.id)
        last = _seal(key, "entry", *fields)
        entries.append(Entry(*fields, last, document))
    return entries, _head(key, head.writer, sequence, last)


def head_behind(entry: Entry, key: Key) -> Head:
    """The end of a chain whose last entry this is."""
    return _head(key, entry.writer, entry.sequence, entry.seal)


def digest(document: str) -> str:
    """The SHA-256 of a document."""
    return sha256(document.encode()).hexdigest()


def _head(key: Key, writer: str, sequence: int, last: str) -> Head:
    return Head(writer, sequence, last, key.id, _seal(key, "head", writer, sequence, last, key.id))


def _seal(key: Key, *fields: Any) -> str:
    sealed = json.dumps(fields, separators=(",", ":")).encode()
    return hmac.digest(key.for_("seal"), sealed, "sha256").hex()
