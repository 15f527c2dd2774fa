"""One call as its records have it: was it told, where was it answered, and is that proved?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from callcentre_disclosure.disclosure.call import Stage
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome, Disposition, PlaybackResult

from .chain import Entry, is_well_formed
from .document import Document, columns, telling
from .keys import KeyRing
from .reading import UNREADABLE


@dataclass(frozen=True, slots=True)
class Record:
    """One disclosure, and whether it is what was written; its document is empty where it is
    no JSON.

    ``is_sealed`` is None where the key is not known that sealed it, ``is_whole`` tells whether the
    document is the one that was sealed, ``is_filed`` whether the columns that it is found by are
    what it says.
    """

    entry: Entry
    document: Document
    is_sealed: bool | None
    is_whole: bool
    is_filed: bool

    @property
    def is_proved(self) -> bool:
        return self.is_sealed is True and self.is_whole and self.is_filed


@dataclass(frozen=True, slots=True)
class Story:
    """The records of one call, at least one, in the order in which they were made."""

    records: Sequence[Record]

    @property
    def is_proved(self) -> bool:
        """Whether every record is what was written. That none is missing, only the whole chain
        can prove."""
        return all(record.is_proved for record in self.records)

    @property
    def documents(self) -> list[Document]:
        return [record.document for record in self.records]

    @property
    def deciding(self) -> Document:
        """The record that says whether the call was told: the last that had to be."""
        free = DisclosureOutcome.NOT_REQUIRED.value
        owed = [document for document in self.documents if document["outcome"] != free]
        return (owed or self.documents)[-1]

    @property
    def answer(self) -> Document | None:
        """The record of the last agent who answered and was to be connected, or else only
        answered."""
        answers = [d for d in self.documents if d["stage"] == Stage.ANSWERED.value]
        connected = [d for d in answers if d["disposition"] == Disposition.BRIDGE.value]
        return next(reversed(connected or answers), None)

    @property
    def named(self) -> set[str]:
        """The countries of the sentences that were played to their end."""
        return {
            country
            for document in self.documents
            if (said := telling(document)) and said["result"] == PlaybackResult.COMPLETE.value
            for country in document["announced"]
        }


def story(found: Iterable[tuple[Entry, tuple[Any, ...]]], ring: KeyRing) -> Story:
    """What the entries of one call tell, as ``reading.kept`` finds them."""
    records = [_record(entry, values, ring) for entry, values in found]
    entries = [record.entry for record in records]
    if len({entry.writer for entry in entries}) == 1 and all(map(is_well_formed, entries)):
        # Whose clock may have been set back; among several, time is all there is.
        records.sort(key=lambda record: record.entry.sequence)
    return Story(records)


def _record(entry: Entry, values: tuple[Any, ...], ring: KeyRing) -> Record:
    assert entry.document is not None
    document: Document = {}
    is_filed = False
    with suppress(*UNREADABLE):
        document = dict(json.loads(entry.document))
        is_filed = tuple(columns(document).values()) == values
    key = ring.get(entry.key)
    is_sealed = entry.is_sealed_by(key) if key else None
    return Record(entry, document, is_sealed, entry.is_whole, is_filed)
