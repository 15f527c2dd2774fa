"""Documents of the ledger, as far as they are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from callcentre_disclosure.evidence.document import utc
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
