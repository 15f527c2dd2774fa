"""Whether a ledger is what was written: no record edited, deleted, added, moved, or cut off."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain, groupby
from typing import Any

from .chain import NOTHING, Entry, Head, is_ours, is_well_formed
from .checkpoints import Checkpoint
from .document import columns
from .keys import KeyRing
from .reading import Store
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
        stores = [*([spool] if spool else []), ledger]
        for store in stores:
            snapshots.enter_context(store.snapshot())
        return _verify(ledger, ring, checkpoints, spool)


def _verify(
    ledger: Store, ring: KeyRing, checkpoints: Iterable[Checkpoint], spool: Store | None
) -> Verdict:
    stores = [ledger, *([spool] if spool else [])]
    marks: _Marks = {}
    for one in checkpoints:
        for writer, sequence, seal in one.ends:
            marks.setdefault((writer, sequence), []).append((seal, one.at))
    purges = _Purges.of(stores, ring)
    heads: dict[str, Head] = {}
    for store in stores:
        for row in store.read(_HEADS):
            head = Head(*row)
            if not is_well_formed(head):
                continue  # like one that is not there
            if head.writer not in heads or head.sequence > heads[head.writer].sequence:
                heads[head.writer] = head
    verdict = Verdict()
    for store in stores:
        for oddity in store.oddities():
            what = f"belongs to a file or database that is not as we made it: {oddity}"
            verdict.findings.append(Finding(Manipulation.EDITED, "every chain", 0, None, what))
    waiting = _by_writer(spool) if spool else {}
    counted: Counter[str] = Counter()
    for store in stores:
        counted.update({str(writer): count for writer, count in store.read(_LENGTHS)})

    def look_at(writer: str, rows: Iterable[Sequence[Any]]) -> None:
        length = counted[writer] + _MISSING_AT_MOST
        _verify_chain(writer, rows, ring, purges, heads, marks, length, verdict)

    for writer, rows in groupby(ledger.read(_ENTRIES), key=lambda row: str(row[0])):
        look_at(writer, chain(rows, waiting.pop(writer, ())))
    for writer, rest in waiting.items():
        look_at(writer, rest)
    for writer, head in heads.items():
        if head.sequence:
            what = f"and all before it are missing: the chain ended with entry {head.sequence}"
            verdict.findings.append(Finding(Manipulation.CUT, writer, head.sequence, None, what))
    for (writer, sequence), known in marks.items():
        what = f"is missing, which the checkpoint of {known[0][1]} knows"
        verdict.findings.append(Finding(Manipulation.REPLACED, writer, sequence, None, what))
    return verdict


class _Purges:
    """Which entries may have lost their documents."""

    def __init__(self) -> None:
        self._ranges: dict[str, list[tuple[int, int, str]]] = {}

    @classmethod
    def of(cls, stores: Sequence[Store], ring: KeyRing) -> _Purges:
        found = cls()
        statement = f"SELECT {', '.join(LINK)} FROM entries WHERE kind = 'purge'"  # noqa: S608
        for store in stores:
            for row in store.read(statement):
                entry = Entry(*row)
                if entry.document and is_ours(entry, ring) and entry.is_whole:
                    note = json.loads(entry.document)
                    for writer, first, last in note["purged"]:
                        ranges = found._ranges.setdefault(writer, [])
                        ranges.append((first, last, note["day"]))
        return found

    def allow(self, entry: Entry) -> bool:
        """Whether it was purged when its time had come."""
        return any(
            first <= entry.sequence <= last and entry.keep_until < day
            for first, last, day in self._ranges.get(entry.writer, ())
        )


def _by_writer(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in store.read(_ENTRIES):
        found.setdefault(str(row[0]), []).append(row)
    return found


def _verify_chain(
    writer: str,
    rows: Iterable[Sequence[Any]],
    ring: KeyRing,
    purges: _Purges,
    heads: dict[str, Head],
    marks: _Marks,
    length: int,
    verdict: Verdict,
) -> None:
    """Entry by entry, of a chain that may have had so many. ``heads`` and ``marks`` lose those of
    this chain."""
    head = heads.pop(writer, None)
    last = Entry(writer, 0, "", "", "", "", "", NOTHING, None)
    key, searches = "", _SEARCHES

    def add(manipulation: Manipulation, sequence: int, what: str, id_: str | None = None) -> None:
        verdict.findings.append(Finding(manipulation, writer, sequence, id_, what))

    for row in rows:
        entry = Entry(*row[: len(LINK)])
        copies = dict(zip(COLUMNS, row[len(LINK) :], strict=True))
        if not is_well_formed(entry) or entry.sequence < 1:
            what = f"is none that we have written: its place is {entry.sequence!r}"
            add(Manipulation.FORGED, 0, what, copies["id"])
            continue
        if entry.sequence <= last.sequence:  # sent, and not yet taken out of where it was
            for manipulation, what in _wrong(entry, copies, ring, purges):
                add(manipulation, entry.sequence, f"is there twice, and {what}", copies["id"])
            continue
        verdict.entries += 1
        verdict.purged += entry.document is None
        follows = entry.sequence == last.sequence + 1
        if not follows:
            missing = f"is missing, with those up to {entry.sequence - 1}"
            single = entry.sequence == last.sequence + 2
            add(Manipulation.MISSING, last.sequence + 1, "is missing" if single else missing)
        for manipulation, what in _wrong(entry, copies, ring, purges):
            belongs = None
            if manipulation is Manipulation.FORGED and searches:
                searches -= 1
                belongs = _place(entry, ring, length)
            if belongs:
                manipulation, what = Manipulation.MOVED, f"is what was written as entry {belongs}"
            add(manipulation, entry.sequence, what, copies["id"])
            break
        else:
            if follows and entry.previous != last.seal:
                add(
                    Manipulation.FORGED,
                    entry.sequence,
                    "does not follow the one before it",
                    copies["id"],
                )
            elif follows and key and entry.key != key:
                what = f"is sealed by key {entry.key}, without a rotation from {key}"
                add(Manipulation.FORGED, entry.sequence, what, copies["id"])
        for seal, at in marks.pop((writer, entry.sequence), ()):
            if seal != entry.seal:
                what = f"is another one than the checkpoint of {at} knows"
                add(Manipulation.REPLACED, entry.sequence, what, copies["id"])
        key = _next_key(entry)
        last = entry
    verdict.chains[writer] = last.sequence
    _verify_end(last, head, ring, add)


def _wrong(
    entry: Entry, copies: Mapping[str, Any], ring: KeyRing, purges: _Purges
) -> Iterator[tuple[Manipulation, str]]:
    """What is wrong with an entry by itself."""
    key = ring.get(entry.key)
    if key is None:
        yield (
            Manipulation.UNKNOWN_KEY,
            f"is sealed by key {entry.key}, which is not in the key file",
        )
        return
    if not entry.is_sealed_by(key):
        yield Manipulation.FORGED, "was not sealed like this: it was edited, or put in"
    if entry.document is None:
        if not purges.allow(entry):
            yield Manipulation.REMOVED, "has lost its document, and no purge says so"
        if any(value is not None for value in copies.values()):
            yield Manipulation.EDITED, "was purged, and its columns are not empty"
        return
    if not entry.is_whole:
        yield Manipulation.EDITED, "has another document than was sealed"
        return
    if entry.kind == "disclosure":
        written = columns(json.loads(entry.document))
        edited = [name for name in COLUMNS if written[name] != copies[name]]
    else:
        edited = [name for name in COLUMNS if copies[name] is not None]
    if edited:
        yield Manipulation.EDITED, f"has another {', '.join(edited)} than its document"


def _place(entry: Entry, ring: KeyRing, length: int) -> int | None:
    """Where an entry belongs that is in the wrong place."""
    key = ring.get(entry.key)
    assert key is not None
    places = range(1, length + 1)
    return next((place for place in places if entry.is_sealed_by(key, place)), None)


def _next_key(entry: Entry) -> str:
    if entry.kind == "rotation" and entry.document and entry.is_whole:
        return str(json.loads(entry.document).get("key", ""))
    return entry.key


def _verify_end(last: Entry, head: Head | None, ring: KeyRing, add: Any) -> None:
    end = last.sequence
    if head is None:
        add(Manipulation.NO_HEAD, end, "may not be the last: the head of the chain is missing")
        return
    if not is_ours(head, ring):
        add(Manipulation.NO_HEAD, end, "may not be the last: the head of the chain is forged")
    elif head.sequence > end:
        add(
            Manipulation.CUT,
            end + 1,
            f"and all up to {head.sequence} are missing: the end was cut off",
        )
    elif (head.sequence, head.last) != (end, last.seal):
        add(Manipulation.NO_HEAD, end, f"is not the end that the head says, entry {head.sequence}")
