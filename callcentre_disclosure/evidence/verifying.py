"""Whether a ledger is what was written: no record edited, deleted, added, moved, or cut off."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain, groupby, takewhile
from typing import Any

from .chain import NOTHING, Entry, Head, is_ours, is_well_formed
from .checkpoints import Checkpoint
from .document import columns
from .keys import KeyRing
from .reading import UNREADABLE, Store
from .schema import COLUMNS, HEAD, LINK

#: Where an entry belongs that is in the wrong place is looked for so often, chain by chain.
_SEARCHES = 10
#: And so far beyond the entries that are there.
_MISSING_AT_MOST = 1000

_ENTRIES = f"SELECT {', '.join((*LINK, *COLUMNS))} FROM entries ORDER BY writer, sequence"  # noqa: S608
_LENGTHS = "SELECT writer, count(*) FROM entries GROUP BY writer"
_HEADS = f"SELECT {', '.join(HEAD)} FROM heads"  # noqa: S608


#: What checkpoints know of an entry (chain and place): seals, each with its day.
_Marks = dict[tuple[str, int], list[tuple[str, str]]]


class Manipulation(str, Enum):
    """What was done to a ledger, as far as can be told."""

    EDITED = "edited"
    FORGED = "forged"
    MOVED = "moved"
    MISSING = "missing"
    REMOVED = "removed"
    CUT = "cut"
    UNKNOWN_KEY = "unknown key"
    NO_HEAD = "no head"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written, at an entry of a chain."""

    manipulation: Manipulation
    writer: str
    sequence: int
    id: str | None
    what: str

    def __str__(self) -> str:
        record = f" (record {self.id})" if self.id else ""
        return (
            f"{self.manipulation.value}: entry {self.sequence} of {self.writer}{record} {self.what}"
        )


@dataclass
class Verdict:
    """What was found, the first bad entry of each chain first, and how much was looked at."""

    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    purged: int = 0
    chains: dict[str, int] = field(default_factory=dict)


def verify(
    ledger: Store,
    ring: KeyRing,
    checkpoints: Iterable[Checkpoint] = (),
    spool: Store | None = None,
) -> Verdict:
    """Look at every entry of a ledger, and of what still waits to go there."""
    with ExitStack() as snapshots:
        # The file first: what it no longer has then is in the ledger.
        for store in [*([spool] if spool else []), ledger]:
            snapshots.enter_context(store.snapshot(whatever=True))
        return _Verification(ledger, spool, ring, checkpoints).verdict


class _Verification:
    """One look at a ledger. What heads and checkpoints know of a chain is taken away when the chain
    was looked at; what is left then has no chain."""

    def __init__(
        self, ledger: Store, spool: Store | None, ring: KeyRing, checkpoints: Iterable[Checkpoint]
    ) -> None:
        stores = [ledger, *([spool] if spool else [])]
        self.verdict = Verdict()
        self._ring = ring
        self._purges = _Purges(stores, ring)
        self._heads = _heads(stores)
        self._marks = _marks(checkpoints)
        self._lengths: Counter[str] = Counter()
        for store in stores:
            self._lengths.update({str(writer): count for writer, count in store.read(_LENGTHS)})
            for oddity in store.oddities():
                what = f"belongs to a file or database that is not as we made it: {oddity}"
                self._add(Manipulation.EDITED, "every chain", 0, what)
        waiting = _by_writer(spool) if spool else {}
        for writer, rows in groupby(ledger.read(_ENTRIES), key=lambda row: str(row[0])):
            self._look_at(writer, chain(rows, waiting.pop(writer, ())))
        for writer, rest in waiting.items():
            self._look_at(writer, rest)
        for writer, head in self._heads.items():
            if head.sequence:
                what = f"and all before it are missing: the chain ended with entry {head.sequence}"
                self._add(Manipulation.CUT, writer, head.sequence, what)
        for (writer, sequence), known in self._marks.items():
            what = f"is missing, which the checkpoint of {known[0][1]} knows"
            self._add(Manipulation.REPLACED, writer, sequence, what)

    def _add(
        self,
        manipulation: Manipulation,
        writer: str,
        sequence: int,
        what: str,
        id_: str | None = None,
    ) -> None:
        self.verdict.findings.append(Finding(manipulation, writer, sequence, id_, what))

    def _look_at(self, writer: str, rows: Iterable[Sequence[Any]]) -> None:
        """A chain, entry by entry."""
        last = Entry(writer, 0, "", "", "", "", "", NOTHING, None)
        key, searches = "", _SEARCHES
        for row in rows:
            entry = Entry(*row[: len(LINK)])
            copies = dict(zip(COLUMNS, row[len(LINK) :], strict=True))
            at, id_ = entry.sequence, copies["id"]
            if not is_well_formed(entry) or at < 1:
                what = f"is none that we have written: its place is {at!r}"
                self._add(Manipulation.FORGED, writer, 0, what, id_)
                continue
            wrong = list(self._wrong(entry, copies))
            if at <= last.sequence:  # sent, and not yet taken out of where it was
                for manipulation, what in wrong:
                    self._add(manipulation, writer, at, f"is there twice, and {what}", id_)
                continue
            self.verdict.entries += 1
            self.verdict.purged += entry.document is None
            follows = at == last.sequence + 1
            if not follows:
                single = at == last.sequence + 2
                what = "is missing" if single else f"is missing, with those up to {at - 1}"
                self._add(Manipulation.MISSING, writer, last.sequence + 1, what)
            if wrong:
                manipulation, what = wrong[0]
                if manipulation is Manipulation.FORGED and searches:
                    searches -= 1
                    if belongs := self._place(entry):
                        manipulation = Manipulation.MOVED
                        what = f"is what was written as entry {belongs}"
                self._add(manipulation, writer, at, what, id_)
            elif follows and entry.previous != last.seal:
                what = "does not follow the one before it"
                self._add(Manipulation.FORGED, writer, at, what, id_)
            elif follows and key and entry.key != key:
                what = f"is sealed by key {entry.key}, without a rotation from {key}"
                self._add(Manipulation.FORGED, writer, at, what, id_)
            for seal, day in self._marks.pop((writer, at), ()):
                if seal != entry.seal:
                    what = f"is another one than the checkpoint of {day} knows"
                    self._add(Manipulation.REPLACED, writer, at, what, id_)
            key = _next_key(entry)
            last = entry
        self.verdict.chains[writer] = last.sequence
        self._look_at_end(last, self._heads.pop(writer, None))

    def _wrong(self, entry: Entry, copies: Mapping[str, Any]) -> Iterator[tuple[Manipulation, str]]:
        """What is wrong with an entry by itself."""
        key = self._ring.get(entry.key)
        if key is None:
            what = f"is sealed by key {entry.key}, which is not in the key file"
            yield Manipulation.UNKNOWN_KEY, what
            return
        if not entry.is_sealed_by(key):
            yield Manipulation.FORGED, "was not sealed like this: it was edited, or put in"
        if entry.document is None:
            if not self._purges.allow(entry):
                yield Manipulation.REMOVED, "has lost its document, and no purge says so"
            if any(value is not None for value in copies.values()):
                yield Manipulation.EDITED, "was purged, and its columns are not empty"
            return
        if not entry.is_whole:
            yield Manipulation.EDITED, "has another document than was sealed"
            return
        written: Mapping[str, Any] = dict.fromkeys(COLUMNS)
        if entry.kind == "disclosure":
            try:
                written = columns(json.loads(entry.document))
            except UNREADABLE:
                yield Manipulation.EDITED, "has a document that is none of ours"
                return
        edited = [name for name in COLUMNS if written[name] != copies[name]]
        if edited:
            yield Manipulation.EDITED, f"has another {', '.join(edited)} than its document"

    def _place(self, entry: Entry) -> int | None:
        """Where an entry belongs that is in the wrong place."""
        key = self._ring.get(entry.key)
        assert key is not None
        places = range(1, self._lengths[entry.writer] + _MISSING_AT_MOST + 1)
        return next((place for place in places if entry.is_sealed_by(key, place)), None)

    def _look_at_end(self, last: Entry, head: Head | None) -> None:
        writer, end = last.writer, last.sequence
        if head is None:
            what = "may not be the last: the head of the chain is missing"
            self._add(Manipulation.NO_HEAD, writer, end, what)
        elif not is_ours(head, self._ring):
            what = "may not be the last: the head of the chain is forged"
            self._add(Manipulation.NO_HEAD, writer, end, what)
        elif head.sequence > end:
            what = f"and all up to {head.sequence} are missing: the end was cut off"
            self._add(Manipulation.CUT, writer, end + 1, what)
        elif (head.sequence, head.last) != (end, last.seal):
            what = f"is not the end that the head says, entry {head.sequence}"
            self._add(Manipulation.NO_HEAD, writer, end, what)


def _heads(stores: Iterable[Store]) -> dict[str, Head]:
    """The furthest of each chain; one that is not well formed is like one that is not there."""
    heads: dict[str, Head] = {}
    for store in stores:
        for head in (Head(*row) for row in store.read(_HEADS)):
            known = heads.get(head.writer)
            if is_well_formed(head) and not (known and known.sequence >= head.sequence):
                heads[head.writer] = head
    return heads


def _marks(checkpoints: Iterable[Checkpoint]) -> _Marks:
    marks: _Marks = {}
    for one in checkpoints:
        for writer, sequence, seal in one.ends:
            marks.setdefault((writer, sequence), []).append((seal, one.at))
    return marks


class _Purges:
    """Which entries may have lost their documents."""

    def __init__(self, stores: Sequence[Store], ring: KeyRing) -> None:
        self._ranges: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
        statement = f"SELECT {', '.join(LINK)} FROM entries WHERE kind = 'purge'"  # noqa: S608
        for store in stores:
            for row in store.read(statement):
                entry = Entry(*row)
                if entry.document and is_ours(entry, ring) and entry.is_whole:
                    note = json.loads(entry.document)
                    for writer, first, last in note["purged"]:
                        self._ranges[writer].append((first, last, note["day"]))
        for ranges in self._ranges.values():
            ranges.sort(reverse=True)

    def allow(self, entry: Entry) -> bool:
        """Whether it was purged when its time had come; of a chain they are asked for in order."""
        ranges = self._ranges[entry.writer]
        while ranges and ranges[-1][1] < entry.sequence:
            ranges.pop()
        coming = takewhile(lambda one: one[0] <= entry.sequence, reversed(ranges))
        return any(entry.sequence <= last and entry.keep_until < day for _, last, day in coming)


def _by_writer(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in store.read(_ENTRIES):
        found.setdefault(str(row[0]), []).append(row)
    return found


def _next_key(entry: Entry) -> str:
    if entry.kind == "rotation" and entry.document and entry.is_whole:
        with suppress(*UNREADABLE):  # which was found already: it is not sealed
            return str(json.loads(entry.document)["key"])
    return entry.key
