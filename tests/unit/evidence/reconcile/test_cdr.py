"""CDR in the forms that Asterisk's modules write."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import timezone
from pathlib import Path

import pytest

from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.reconcile import cdr
from callcentre_disclosure.evidence.reconcile.calls import Call
from callcentre_disclosure.evidence.reconcile.rows import Reading, columns_of
from tests.unit.evidence.reconcile.scenes import AMINA, CALLER, at

CSV = columns_of(
    "accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer end "
    "duration billsec disposition amaflags"
)
SAMPLE = columns_of(
    "clid src dst dcontext channel dstchannel lastapp lastdata start answer end duration billsec "
    "disposition amaflags accountcode uniqueid userfield sequence"
)
FIELDS = columns_of(
    "clid literal src dst dcontext channel dstchannel lastapp lastdata start answer end duration "
    "billsec disposition amaflags accountcode uniqueid userfield sequence ds_type"
)
NEWER = ["peeraccount", "linkedid", "sequence"]


def row(**more: str) -> dict[str, str]:
    return {
        "dst": "0184880001",
        "channel": CALLER,
        "dstchannel": AMINA,
        "start": "2026-11-22 12:00:01",
        "answer": "2026-11-22 12:00:01",
        "end": "2026-11-22 12:00:09",
        "duration": "8",
        "billsec": "8",
        "disposition": "ANSWERED",
        "uniqueid": "pbx-1795000000.7",
        "linkedid": "pbx-1795000000.6",
        **more,
    }


def calls(path: Path, columns: Sequence[str], *rows: dict[str, str]) -> list[Call]:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([one.get(name, "") for name in columns] for one in rows)
    return list(cdr.calls([str(path)], Reading(zone=timezone.utc)))


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param([*CSV, "uniqueid"], id="loguniqueid"),
        pytest.param([*CSV, "uniqueid", "userfield"], id="loguserfield"),
        pytest.param([*CSV, "uniqueid", "userfield", *NEWER], id="newcdrcolumns"),
        pytest.param([*CSV, "uniqueid", *NEWER], id="newcdrcolumns without userfield"),
        pytest.param(SAMPLE, id="cdr_custom"),
        pytest.param(FIELDS, id="fields"),
    ],
)
def test_csv(tmp_path: Path, columns: Sequence[str]) -> None:
    (call,) = calls(tmp_path / "Master.csv", columns, row())
    (connection,) = call.connections
    assert (connection.first.channel, connection.second.channel) == (CALLER, AMINA)
    assert (connection.since, connection.until) == (None, at(10))
    linked = {"pbx-1795000000.6"} if "linkedid" in columns else set()
    assert call.ids == {"pbx-1795000000.7"} | linked
    assert call.numbers == ("0184880001",)


def test_tables_without_an_end_are_a_second_less_exact(tmp_path: Path) -> None:
    """From 1.9 s on for 8.9 s: until 10.8."""
    columns = [name if name != "end" else "literal" for name in SAMPLE]
    path = tmp_path / "Master.csv"
    path.write_text(",".join(row().get(name, "") for name in columns) + "\n")
    (call,) = cdr.calls([str(path)], Reading(columns, timezone.utc))
    assert call.connections[0].until == at(11)


@pytest.mark.parametrize("columns", [CSV, [*CSV, "userfield"]])
def test_without_unique_ids_nothing_can_be_compared(tmp_path: Path, columns: Sequence[str]) -> None:
    with pytest.raises(EvidenceError, match="loguniqueid=yes"):
        calls(tmp_path / "Master.csv", columns, row())


def test_who_was_not_answered_or_not_for_a_second_was_not_reached(tmp_path: Path) -> None:
    rows = [row(disposition="BUSY"), row(billsec="0"), row(dstchannel="")]
    assert calls(tmp_path / "Master.csv", SAMPLE, *rows) == []


def test_two_records_of_the_same_two_are_one_connection(tmp_path: Path) -> None:
    later = row(dst="caller", lastapp="Bridge", end="2026-11-22 12:00:30")
    (call,) = calls(
        tmp_path / "Master.csv", SAMPLE, row(dcontext="disclosure-calls-inbound"), later
    )
    assert call.connections[0].until == at(31)
    assert call.numbers == ("0184880001", "caller")
    assert call.route == "0184880001"


def test_who_is_behind_a_local_channel(tmp_path: Path) -> None:
    """Whichever of the two records is written first."""
    near = row(dstchannel="Local/201@desks-00000001;1")
    far = row(channel="Local/201@desks-00000001;2", uniqueid="pbx-1795000000.9")
    for rows in ((near, far), (far, near)):
        (call,) = calls(tmp_path / "Master.csv", SAMPLE, *rows)
        agent = call.connections[0].second
        assert (agent.channel, agent.known_by) == (AMINA, ("Local/201@desks-00000001;1",))
