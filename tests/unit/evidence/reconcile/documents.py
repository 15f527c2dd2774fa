"""Documents of the ledger, as far as they are compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from callcentre_disclosure.evidence.document import utc
from callcentre_disclosure.evidence.reconcile.records import Records
from callcentre_disclosure.evidence.schema import insert
from callcentre_disclosure.evidence.sqlite import SqliteStore
from tests.unit.evidence.reconcile.scenes import CALLER, at


def document(
    received: float,
    *,
    told: float | None = None,
    announced: Sequence[str] = (),
    countries: Sequence[str] | None = None,
    stage: str = "possible",
    outcome: str = "DISCLOSED",
    channel: str = CALLER,
    **more: Any,
) -> dict[str, Any]:
    """An announcement so many seconds after noon."""
    return {
        "id": f"{channel} {received}",
        "call": "L1",
        "unique_id": f"U-{channel}",
        "channel": channel,
        "received_at": utc(at(received)),
        "told_at": None if told is None else utc(at(told)),
        "direction": "inbound",
        "stage": stage,
        "outcome": outcome,
        "countries": list(announced if countries is None else countries),
        "announced": list(announced),
        "told_before": None,
        "agent": None,
        "member": None,
        "basis": "AGENT" if stage == "answered" else "QUEUE",
        "profile": None,
        "because": "the rule exempts it" if outcome == "NOT_REQUIRED" else "the rule asks for it",
        "cause": "",
        "door": "fastagi",
        **more,
    }


class Kept(Records):
    """A ledger of documents, as far as they are looked up."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self._file, self._sequence = store, 0

    def add(self, *documents: dict[str, Any]) -> None:
        fields = ["id", "call", "unique_id", "at", "writer", "sequence", "kind", "keep_until"]
        fields += ["digest", "previous", "key", "seal", "document"]
        with self._file.transaction("documents are not kept") as ledger:
            for one in documents:
                self._sequence += 1
                found = (one["id"], one["call"], one["unique_id"], one["received_at"])
                link = ("w", self._sequence, "disclosure", "", "", "", "", "", json.dumps(one))
                ledger.execute(insert("entries", fields), (*found, *link))


@contextmanager
def kept(*documents: dict[str, Any]) -> Iterator[Kept]:
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder, "evidence.sqlite"))
        ledger = Kept(store)
        ledger.add(*documents)
        yield ledger
        store.close()
