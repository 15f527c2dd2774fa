from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.metrics.tally import BOUNDS, SUM, Tally
from tests.unit.disclosure.journeys import CALL, journey

KIND = ["announcements", "DISCLOSED", "MA,TN", "service", "possible"]


@pytest.fixture
def record(directory: Directory) -> LedgerRecord:
    caller = replace(CALL, caller_number="+33612345678")
    return journey(directory, caller)[0]


class Reports:
    """What is read of what a tally sends."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def read(self) -> list[dict[str, Any]]:
        """All that was sent since the last time."""
        found = []
        with suppress(BlockingIOError):
            while True:
                found.append(json.loads(self.here.recv(2**20, socket.MSG_DONTWAIT)))
        return found


@pytest.fixture
def reports() -> Iterator[Reports]:
    reports = Reports()
    yield reports
    reports.here.close()
    reports.there.close()


def test_what_a_worker_tells(reports: Reports, record: LedgerRecord) -> None:
    tally = Tally(reports.there)
    tally.announced(record, 0.0004, 0.003)
    tally.announced(record, None, None)
    tally.failed()
    tally.committed(2, 0.5)
    tally.committed(3, 7.0, durable=False)
    tally.alive(4, {"pbx": True})
    (report,) = reports.read()
    counts = report.pop("counts")
    assert report == {"worker": os.getpid(), "calls": 4, "asterisks": {"pbx": True}}
    assert sorted(counts) == sorted(
        [
            [*KIND, 2],
            ["failures", 1],
            ["unrecorded", 3],
            ["before", 0, 1],
            ["before", SUM, 0.0004],
            ["after", BOUNDS.index(0.005), 1],
            ["after", SUM, 0.003],
            ["commit", BOUNDS.index(0.5), 1],
            ["commit", len(BOUNDS), 1],
            ["commit", SUM, 7.5],
        ]
    )


def test_every_count_is_told_once(reports: Reports, record: LedgerRecord) -> None:
    tally = Tally(reports.there)
    tally.announced(record, None, None)
    for _ in range(3):
        tally.alive(0, {})
    assert [report["counts"] for report in reports.read()] == [[[*KIND, 1]], [], []]


def test_nobody_waits_for_who_went_on_without_us(reports: Reports, record: LedgerRecord) -> None:
    left = replace(record, outcome=DisclosureOutcome.ABANDONED)
    tally = Tally(reports.there)
    tally.announced(left, 0.1, 0.1)
    tally.alive(0, {})
    (report,) = reports.read()
    assert "after" not in {name for name, *_ in report["counts"]}


def test_what_cannot_be_told_now_is_told_later(reports: Reports, record: LedgerRecord) -> None:
    tally = Tally(reports.there)
    with suppress(BlockingIOError):
        while True:
            reports.there.send(b"{}", socket.MSG_DONTWAIT)
    for _ in range(2):
        tally.announced(record, None, None)
        tally.alive(0, {})
    assert all(report == {} for report in reports.read())
    tally.alive(0, {})
    (report,) = reports.read()
    assert report["counts"] == [[*KIND, 2]]


def test_more_than_fits_into_one_message(reports: Reports, record: LedgerRecord) -> None:
    tally = Tally(reports.there)
    for number in range(2500):
        tally.announced(replace(record, route=replace(record.route, id=f"r{number}")), None, None)
    tally.alive(0, {})
    told = [count for report in reports.read() for count in report["counts"]]
    assert len({route for *_, route, _, _ in told}) == 2500


def test_nothing_of_a_caller_is_told(reports: Reports, record: LedgerRecord) -> None:
    tally = Tally(reports.there)
    tally.announced(record, 0.1, 0.1)
    tally.alive(1, {})
    told = json.dumps(reports.read())
    assert record.disclosure_id not in told
    assert record.call.unique_id not in told
    assert "612345678" not in told
