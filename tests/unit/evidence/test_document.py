from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from callcentre_disclosure.asterisk.agi_driver import AgiDriver
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.numbers import Numbering
from callcentre_disclosure.disclosure.profile import Choice, Profile, Region
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.route import Media
from callcentre_disclosure.disclosure.session import disclose
from callcentre_disclosure.evidence import document as documents
from callcentre_disclosure.evidence.document import columns
from callcentre_disclosure.evidence.schema import COLUMNS
from callcentre_disclosure.testing import FakeChannel, Fault
from tests.unit.disclosure.journeys import treated

from .conftest import MOMENT, MakeRecord


def document(record: LedgerRecord) -> dict[str, Any]:
    return documents.document(
        record, lambda number: number and f"pseudonym of {number}", Numbering("33", "0")
    )


def test_a_record_tells_the_whole_journey(record: MakeRecord) -> None:
    line = document(record("id-1"))
    playbacks = line.pop("playbacks")
    assert line == {
        "schema": 3,
        "id": "id-1",
        "call": "1763800000.1",
        "received_at": "2026-11-23T12:00:00.000000+00:00",
        "zone": "+00:00",
        "day": "2025-11-22",
        "keep_until": "2031-11-23",
        "door": "agi",
        "asterisk": "pbx",
        "unique_id": "1763800000.1",
        "linked_id": "1763800000.1",
        "channel": "PJSIP/trunk-00000001",
        "trunk": "PJSIP/trunk",
        "direction": "inbound",
        "stage": "possible",
        "started_at": "2025-11-22T08:26:40.000000+00:00",
        "consumer": "pseudonym of +33612345678",
        "dialled_number": "0184880001",
        "caller_number": "**********78",
        "queue": None,
        "agent": None,
        "agent_channel": None,
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
        "told_at": "2026-11-23T12:00:03.700000+00:00",
        "telling": 0,
        "language": "fr",
        "media": "answered",
        "offer": None,
        "waited": None,
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
    assert playback["began_at"] == "2026-11-23T12:00:00.000000+00:00"
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
    assert str(line["because"]).startswith("it-24bis asks for the country")
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
    record: MakeRecord,
) -> None:
    told = record("id-1")
    chosen = replace(told.call, stage=Stage.ANSWERED, chosen_at=MOMENT - timedelta(seconds=20))
    assert document(replace(told, call=chosen))["waited_since_choice"] == 20.0


def test_of_a_made_call_the_number_of_who_is_called_is_masked(record: MakeRecord) -> None:
    received = record("id-1")
    made = replace(received, call=replace(received.call, direction=Direction.OUTBOUND))
    assert document(received)["dialled_number"] == "0184880001", "that of the company"
    assert document(made)["dialled_number"] == "********01"
    assert document(made)["caller_number"] == "+33612345678", "that of the company"


def test_a_channel_that_is_called_after_a_number_does_not_tell_it(record: MakeRecord) -> None:
    received = record("id-1")
    channel = "Local/0612345678@outbound-0000002a;1"
    call = replace(
        received.call,
        direction=Direction.OUTBOUND,
        caller_number="0184880001",
        dialled_number="0612345678",
        channel=channel,
        trunk="Local/0612345678@outbound",
    )
    line = document(replace(received, call=call))
    assert line["channel"] == "Local/********78@outbound-0000002a;1"
    assert line["trunk"] == "Local/********78@outbound"
    assert "12345678" not in json.dumps({**line, "consumer": None})


@pytest.mark.parametrize(
    "written",
    ["+33612345678", "33612345678", "0033612345678", "0612345678", "990612345678", "612345678"],
)
@pytest.mark.parametrize("known_as", ["+33612345678", "0612345678", "06 12 34 56 78"])
def test_nothing_that_is_called_after_a_number_tells_it(
    record: MakeRecord, written: str, known_as: str
) -> None:
    received = record("id-1")
    call = replace(
        received.call,
        direction=Direction.OUTBOUND,
        stage=Stage.ANSWERED,
        caller_number="0184880001",
        dialled_number=known_as,
        unique_id=f"call-{written}-1",
        linked_id=f"call-{written}-1",
        channel=f"PJSIP/{written}@carrier-0000002a",
        trunk=f"PJSIP/{written}@carrier",
        agent=f"Local/{written}@agents-0000001a;1",
        member=f"Local/{written}@agents",
    )
    line = document(replace(received, call=call, cause=f"agent PJSIP/{written}: unknown"))
    assert written in call.channel
    assert "12345678" not in json.dumps({**line, "consumer": None})
    assert line["agent"].endswith("78@agents")
    assert line["cause"].endswith("78: unknown")


def test_calls_whose_ids_hold_numbers_stay_different_calls(record: MakeRecord) -> None:
    """Also of numbers that end alike; and the records of one call stay together."""
    received = record("id-1", caller="")

    def ids(number: str, unique: str) -> tuple[str, str]:
        call = replace(
            received.call, caller_number=number, unique_id=unique, linked_id=f"call-{number}-1"
        )
        line = documents.document(
            replace(received, call=call), lambda number: f"k:{hash(number):x}"
        )
        assert line["linked_id"] == line["call"]
        return line["call"], line["unique_id"]

    first, other = ids("0612345678", "1.1"), ids("0698765478", "1.1")
    assert first == ids("0612345678", "1.1")
    assert first[0] != other[0]
    assert first[1] == other[1] == "1.1"


def test_a_short_number_changes_no_other(record: MakeRecord) -> None:
    received = record("id-1")
    call = replace(
        received.call,
        caller_number="63800",
        channel="PJSIP/63800-00063800",
        agent="PJSIP/0638000001",
    )
    line = document(replace(received, call=call))
    assert (line["unique_id"], line["call"]) == ("1763800000.1", "1763800000.1")
    assert (line["channel"], line["agent"]) == ("PJSIP/***00-00063800", "PJSIP/0638000001")
    short = document(replace(received, call=replace(call, caller_number="201", agent="PJSIP/201")))
    assert short["agent"] == "PJSIP/201"


def test_an_agent_goes_by_the_interface_whatever_told_of_them(record: MakeRecord) -> None:
    told = record("id-1")
    for agent, channel in (("PJSIP/201", None), ("PJSIP/201-0000002a", "PJSIP/201-0000002a")):
        line = document(replace(told, call=replace(told.call, agent=agent)))
        assert (line["agent"], line["agent_channel"]) == ("PJSIP/201", channel)


def test_the_day_is_that_of_the_machine(record: MakeRecord) -> None:
    late = datetime(2026, 11, 24, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    told = record("id-1", at=late)
    line = document(replace(told, call=replace(told.call, started_at=None)))
    assert (line["day"], line["zone"]) == ("2026-11-24", "+01:00")
    assert line["received_at"] == "2026-11-23T23:30:00.000000+00:00"


def test_the_wait_for_an_agent_is_counted_from_the_start_of_the_call(record: MakeRecord) -> None:
    told = record("id-1")
    began = MOMENT - timedelta(seconds=42)
    answered = replace(told.call, stage=Stage.ANSWERED, started_at=began)
    assert document(replace(told, call=answered))["waited"] == 42.0
    assert document(replace(told, call=replace(answered, stage=Stage.POSSIBLE)))["waited"] is None


def test_a_wait_that_ended_before_it_began_is_none(record: MakeRecord) -> None:
    """The clock was set back."""
    told = record("id-1")
    later = MOMENT + timedelta(hours=1)
    call = replace(told.call, stage=Stage.ANSWERED, started_at=later, chosen_at=later)
    line = document(replace(told, call=call))
    assert (line["waited"], line["waited_since_choice"]) == (None, None)
    assert columns(line)["waited"] is None


def test_what_is_counted_is_of_the_sentence_with_the_countries(
    directory: Directory, prompts: list[Prompt]
) -> None:
    channel = FakeChannel("0184880001", sounds=prompts, fault=Fault(hang_up_after=1.0))
    driver = AgiDriver(
        lambda call: disclose(call, directory, disclosure_id="id-1", received_at=MOMENT),
        "agi",
        0.0,
    )
    channel.run(driver)
    assert driver.record is not None
    found = columns(document(driver.record))
    assert tuple(found) == COLUMNS
    assert found["outcome"] == "ABANDONED"
    assert found["countries"] == "MA,TN"
    assert 0 < found["played"] < found["seconds"]


def test_a_call_over_midnight_has_one_day(record: MakeRecord) -> None:
    told = record("id-1")
    began = datetime(2026, 11, 22, 23, 59, tzinfo=timezone.utc)
    assert document(replace(told, call=replace(told.call, started_at=began)))["day"] == "2026-11-22"


@pytest.mark.parametrize(
    ("id_", "day"),
    [
        ("1795391940.1", "2026-11-22"),
        ("pbx-1-1795391940.17", "2026-11-22"),
        ("call-0612345670.1", "2026-11-23"),
        ("0612345670.1", "2026-11-23"),
        ("my-call", "2026-11-23"),
    ],
)
def test_a_made_call_over_midnight_has_one_day(record: MakeRecord, id_: str, day: str) -> None:
    """That of its linked id, where Asterisk made it."""
    told = record("id-1", at=datetime(2026, 11, 23, 0, 0, 10, tzinfo=timezone.utc))
    call = replace(told.call, direction=Direction.OUTBOUND, started_at=None, linked_id=id_)
    assert document(replace(told, call=call))["day"] == day


@pytest.mark.parametrize("name", ["\u20ac" * 4000, "Ren\udce9", "a\0b"])
def test_a_column_holds_what_a_database_takes(record: MakeRecord, name: str) -> None:
    told = record("id-1")
    found = columns(document(replace(told, call=replace(told.call, queue=name))))
    assert len(found["queue"]) <= 150
    assert "\0" not in found["queue"]
    found["queue"].encode()
