from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk.agi_driver import AgiDriver
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.profile import Choice, Profile, Region
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.route import Media
from callcentre_disclosure.disclosure.session import disclose
from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.ledger import JsonLinesLedger, document
from callcentre_disclosure.testing import FakeChannel, Fault
from tests.unit.disclosure.journeys import treated

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def record(directory: Directory, prompts: list[Prompt]) -> Callable[[str], LedgerRecord]:
    """Makes the record of a call that was announced."""

    def make(disclosure_id: str, caller: str = "+33612345678") -> LedgerRecord:
        channel = FakeChannel("0184880001", caller=caller, sounds=prompts)
        driver = AgiDriver(
            lambda call: disclose(call, directory, disclosure_id=disclosure_id, received_at=MOMENT),
            "agi",
            channel.now,
        )
        channel.run(driver)
        assert driver.record is not None
        return driver.record

    return make


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]


def test_a_record_tells_the_whole_journey(
    tmp_path: Path, record: Callable[[str], LedgerRecord]
) -> None:
    file = tmp_path / "new" / "evidence.jsonl"
    JsonLinesLedger(file).append(record("id-1"))
    (line,) = lines(file)
    playbacks = line.pop("playbacks")
    assert line == {
        "schema": 2,
        "id": "id-1",
        "received_at": "2026-11-23T12:00:00+00:00",
        "door": "agi",
        "unique_id": "1763800000.1",
        "linked_id": "1763800000.1",
        "channel": "PJSIP/trunk-00000001",
        "direction": "inbound",
        "stage": "possible",
        "dialled_number": "0184880001",
        "caller_number": "**********78",
        "queue": None,
        "agent": None,
        "member": None,
        "route": "service",
        "on_failure": "generic",
        "profile": None,
        "profile_version": None,
        "asked": True,
        "because": (
            "the dialplan asks for the country before an agent is sought, on inbound calls"
        ),
        "told_before": None,
        "basis": "DNID",
        "sites": ["casablanca", "tunis"],
        "site": None,
        "countries": ["MA", "TN"],
        "announced": ["MA", "TN"],
        "language": "fr",
        "media": "answered",
        "offer": None,
        "waited_since_choice": None,
        "outcome": "DISCLOSED",
        "disposition": "CONTINUE_IN_DIALPLAN",
        "carried_out": True,
        "cause": "",
    }
    assert isinstance(playbacks, list)
    (playback,) = playbacks
    assert playback["result"] == "COMPLETE"
    assert playback["played"] == playback["seconds"] == playback["elapsed"]
    assert playback["sha256"] == "0" * 64
    assert playback["text_sent"] is None


def test_a_record_tells_what_a_profile_asked_for_and_a_caller_chose(
    directory: Directory, prompts: list[Prompt]
) -> None:
    rule = Profile("it-24bis", "2026-11-22", choice=Choice(Region.EU))
    route = {"profile": "it-24bis", "choice": "eu", "media": Media.EARLY, "text": True}
    centre = replace(treated(directory, **route), profiles={"it-24bis": rule})
    fault = Fault(press="1", press_in="tapez", press_after=1.0)
    channel = FakeChannel(
        "0184880001",
        variables={"DISCLOSURE_TOLD": "possible MG"},
        extensions=["disclosure-choice,eu"],
        sounds=prompts,
        fault=fault,
    )
    driver = AgiDriver(
        lambda call: disclose(call, centre, disclosure_id="id-1", received_at=MOMENT), "agi", 0.0
    )
    channel.run(driver)
    assert driver.record is not None
    line = document(driver.record)
    assert (line["profile"], line["profile_version"]) == ("it-24bis", "2026-11-22")
    assert line["because"].startswith("it-24bis asks for the country")
    assert line["told_before"] == "possible MG"
    assert line["media"] == "early"
    assert [playback["text_sent"] for playback in line["playbacks"]] == [True, True]
    assert line["offer"] == {
        "queue": "eu",
        "key": "1",
        "digit": "1",
        "chosen_at": "2026-11-23T12:00:04.700000+00:00",
    }
    assert line["disposition"] == "REDIRECT"
    assert json.loads(json.dumps(line)) == line


def test_the_wait_of_who_had_chosen_is_in_the_record(
    record: Callable[[str], LedgerRecord],
) -> None:
    told = record("id-1")
    chosen = replace(told.call, stage=Stage.ANSWERED, chosen_at=MOMENT - timedelta(seconds=20))
    assert document(replace(told, call=chosen))["waited_since_choice"] == 20.0


def test_a_name_that_is_no_utf8_does_not_lose_the_record(
    tmp_path: Path, record: Callable[..., LedgerRecord]
) -> None:
    file = tmp_path / "evidence.jsonl"
    JsonLinesLedger(file).append(record("id-1", caller="Ren\udce9"))
    assert lines(file)[0]["caller_number"] == "****"


def test_many_writers_write_whole_lines(
    tmp_path: Path, record: Callable[[str], LedgerRecord]
) -> None:
    file = tmp_path / "evidence.jsonl"
    records = [record(f"id-{n}") for n in range(40)]
    writers = [threading.Thread(target=JsonLinesLedger(file).append, args=(r,)) for r in records]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {line["id"] for line in lines(file)} == {r.disclosure_id for r in records}


def test_a_record_that_a_full_disk_has_cut_costs_only_itself(
    tmp_path: Path, record: Callable[[str], LedgerRecord]
) -> None:
    file = tmp_path / "evidence.jsonl"
    file.write_text('{"id":"id-0"}\n{"id":"cu')
    JsonLinesLedger(file).append(record("id-2"))
    whole = [line for line in file.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["id"] for line in whole] == ["id-0", "id-2"]


def test_a_disk_that_is_full_is_said(
    tmp_path: Path, record: Callable[[str], LedgerRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:100]))
    with pytest.raises(EvidenceError, match="No space left"):
        JsonLinesLedger(tmp_path / "evidence.jsonl").append(record("id-1"))


def test_of_a_made_call_both_numbers_are_masked(record: Callable[[str], LedgerRecord]) -> None:
    received = record("id-1")
    made = replace(received, call=replace(received.call, direction=Direction.OUTBOUND))
    assert document(received)["dialled_number"] == "0184880001", "that of the company"
    assert document(made)["dialled_number"] == "********01"
    assert document(made)["caller_number"] == "**********78"


def test_what_cannot_be_written_is_said(
    tmp_path: Path, record: Callable[[str], LedgerRecord]
) -> None:
    (tmp_path / "evidence.jsonl").mkdir()
    with pytest.raises(
        EvidenceError, match=r"evidence\.jsonl: record id-1 is not written: .*; make room"
    ):
        JsonLinesLedger(tmp_path / "evidence.jsonl").append(record("id-1"))
