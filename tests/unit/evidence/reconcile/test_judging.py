"""What is said of a connection, by what the evidence has of its call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from callcentre_disclosure.evidence.reconcile.calls import Call, Connection, Party
from callcentre_disclosure.evidence.reconcile.judging import (
    CONVERSATION,
    TOLERANCE,
    Fair,
    Finding,
    Leak,
    is_conversation,
    judge,
    shown,
)
from callcentre_disclosure.evidence.reconcile.people import People
from callcentre_disclosure.evidence.reconcile.records import record
from tests.unit.evidence.reconcile.documents import document
from tests.unit.evidence.reconcile.scenes import AMINA, CALLER, YASMINE, at

LUC, STRANGER = "PJSIP/401-00000004", "PJSIP/999-00000009"
POSSIBLE = document(1, told=4, announced=["MA", "TN"])
EXACT = document(8, told=9.5, stage="answered", announced=["MA"], agent="PJSIP/201")


def connected(agent: str = AMINA, since: float | None = 10, **more: Any) -> Call:
    connection = Connection(
        Party(CALLER, f"U-{CALLER}"),
        Party(agent, f"U-{agent}", more.pop("known_by", ())),
        None if since is None else at(since),
        at(60),
        more.pop("resolution", timedelta(0)),
    )
    return Call(
        id="L1",
        ids=frozenset(("L1", f"U-{CALLER}")),
        ended=at(61),
        connections=(connection,),
        channels=frozenset((CALLER, agent)),
        numbers=more.pop("numbers", ("0184880001",)),
        **more,
    )


def verdict(
    people: People, call: Call, *documents: Mapping[str, Any], tolerance: timedelta = TOLERANCE
) -> Leak | Fair:
    (connection,) = call.connections
    roles = people.roles(connection)
    assert roles is not None
    records = [record(one) for one in documents]
    found = judge(call, connection, roles, records, people, tolerance)
    return found.leak if isinstance(found, Finding) else found


def test_told_the_possible_countries_and_then_the_agents(people: People) -> None:
    assert verdict(people, connected(), POSSIBLE, EXACT) is Fair.TOLD


def test_no_record_at_all(people: People) -> None:
    assert verdict(people, connected()) is Leak.NEVER_ANNOUNCED


def test_asterisk_came_to_us_and_there_is_no_record_of_that(people: People) -> None:
    assert verdict(people, connected(asked_at=(at(1),))) is Leak.RECORD_MISSING
    call = connected(asked_at=(at(0.9), at(7.9)))
    assert verdict(people, call, POSSIBLE) is Leak.RECORD_MISSING
    assert verdict(people, call, POSSIBLE, EXACT) is Fair.TOLD


def test_whether_a_record_is_missing_is_seen_by_both_clocks(people: People) -> None:
    """Ours is four seconds behind Asterisk's, and the administrator has said so."""
    call = connected(YASMINE, asked_at=(at(5), at(12)), since=14)
    slow = timedelta(seconds=5)
    assert verdict(people, call, POSSIBLE, EXACT) is Leak.RECORD_MISSING
    assert verdict(people, call, POSSIBLE, EXACT, tolerance=slow) is Leak.OTHER_COUNTRY


def test_a_script_that_came_after_the_server_failed_leaves_one_record(people: People) -> None:
    call = connected(asked_at=(at(0.9), at(7.5), at(8)))
    assert verdict(people, call, POSSIBLE, EXACT) is Fair.TOLD


def test_a_record_says_that_of_another_which_is_gone(people: People) -> None:
    left = document(
        8,
        stage="answered",
        outcome="NOT_REQUIRED",
        countries=["MA"],
        told_before="possible MA",
    )
    assert verdict(people, connected(), left) is Leak.RECORD_MISSING


@pytest.mark.parametrize("outcome", ["PARTIAL", "NOT_DISCLOSED", "ABANDONED"])
def test_the_last_announcement_was_not_complete(people: People, outcome: str) -> None:
    last = document(8, outcome=outcome, stage="answered", countries=["MA"])
    assert verdict(people, connected(), POSSIBLE, last) is Leak.NOT_TOLD


def test_told_in_the_end(people: People) -> None:
    first = document(1, outcome="NOT_DISCLOSED", countries=["MA", "TN"])
    assert verdict(people, connected(), first, EXACT) is Fair.TOLD


@pytest.mark.parametrize(("since", "found"), [(9.2, Fair.TOLD), (8.9, Leak.CONNECTED_EARLY)])
def test_connected_before_the_last_word(people: People, since: float, found: Leak | Fair) -> None:
    """Half a second is what the clocks may differ by."""
    assert verdict(people, connected(since=since), POSSIBLE, EXACT) is found


def test_what_ari_plays_in_a_bridge_is_all_that_is_heard_there(people: People) -> None:
    """Who was handed over is told within milliseconds of the connection."""
    at_once = document(10.2, told=12, stage="answered", announced=["MA"], door="ari")
    assert verdict(people, connected(), POSSIBLE, at_once) is Fair.TOLD
    too_late = document(11, told=12, stage="answered", announced=["MA"], door="ari")
    assert verdict(people, connected(), too_late) is Leak.CONNECTED_EARLY


def test_told_afterwards(people: People) -> None:
    assert verdict(people, connected(since=0.1), POSSIBLE) is Leak.CONNECTED_EARLY


def test_a_second_that_was_cut_off_accuses_nobody(people: People) -> None:
    """The log of the queues: connected somewhen in the second 9."""
    rough = connected(since=9, resolution=timedelta(seconds=1))
    assert verdict(people, rough, POSSIBLE, EXACT) is Fair.TOLD
    next_agent = document(10.2, told=12, stage="answered", announced=["TN"], agent="PJSIP/301")
    assert verdict(people, rough, POSSIBLE, EXACT, next_agent) is Fair.TOLD


def test_where_the_moment_is_not_known(people: People) -> None:
    """CDR: nobody is said to have been connected early, nor who hung up to have been connected."""
    call = connected(since=None)
    assert verdict(people, call, POSSIBLE, EXACT) is Fair.TOLD
    assert verdict(people, call) is Leak.NEVER_ANNOUNCED
    gone = document(8, outcome="ABANDONED", stage="answered", countries=["MA"])
    assert verdict(people, call, POSSIBLE, gone) is Fair.NOBODY


def test_another_country_than_the_agents(people: People) -> None:
    call = connected(YASMINE)
    assert verdict(people, call, POSSIBLE, EXACT) is Leak.OTHER_COUNTRY
    again = document(9, told=9.9, stage="answered", announced=["TN"])
    assert verdict(people, call, POSSIBLE, EXACT, again) is Fair.TOLD
    assert verdict(people, connected(LUC), POSSIBLE) is Leak.OTHER_COUNTRY


def test_a_rule_that_asks_for_one_announcement_a_call(people: People) -> None:
    told = {**EXACT, "profile": "once"}
    assert verdict(people, connected(YASMINE), POSSIBLE, told) is Fair.EXEMPT


def test_the_possible_countries_alone(people: People) -> None:
    """Enough where the rule asks for no more; and where there was but one."""
    assert verdict(people, connected(), POSSIBLE) is Leak.NOT_EXACT
    assert verdict(people, connected(), {**POSSIBLE, "profile": "before"}) is Fair.TOLD
    assert verdict(people, connected(), document(1, told=4, announced=["MA"])) is Fair.TOLD


def test_exempt_by_the_rule_of_the_number_or_of_the_route(people: People) -> None:
    assert verdict(people, connected(numbers=("0184880002",))) is Fair.EXEMPT
    assert verdict(people, connected(numbers=("s",), route="silent")) is Fair.EXEMPT
    assert verdict(people, connected(LUC, numbers=("+33184880003",))) is Fair.EXEMPT
    assert verdict(people, connected(numbers=("0184880003",))) is Leak.NEVER_ANNOUNCED


def test_exempt_as_domestic_and_answered_abroad(people: People) -> None:
    exempt = document(1, outcome="NOT_REQUIRED", countries=["FR"], profile="abroad")
    assert verdict(people, connected(LUC), exempt) is Fair.EXEMPT
    assert verdict(people, connected(), exempt) is Leak.OTHER_COUNTRY


def test_a_call_made_under_a_rule_for_calls_received(people: People) -> None:
    made = document(
        1, outcome="NOT_REQUIRED", countries=["MA"], profile="received", direction="outbound"
    )
    assert verdict(people, connected(), made) is Fair.EXEMPT


def test_nobody_knows_where_the_agent_is(people: People) -> None:
    assert verdict(people, connected(STRANGER), POSSIBLE) is Leak.UNKNOWN_AGENT
    assert verdict(people, connected(STRANGER)) is Leak.NEVER_ANNOUNCED


def test_a_name_that_only_the_queue_knew(people: People) -> None:
    """The record of the announcement tells the country of who answered as Local/999@desks."""
    call = connected(STRANGER, known_by=("Local/999@desks-00000003;1",))
    exact = document(8, told=9.5, stage="answered", announced=["TN"], agent="Local/999@desks/n")
    assert verdict(people, call, POSSIBLE, exact) is Fair.TOLD


def test_an_announcement_to_the_agent_counts_for_nothing(people: People) -> None:
    told = document(8, told=9.5, stage="answered", announced=["MA"], channel=AMINA)
    assert verdict(people, connected(), told) is Leak.NOT_TOLD


def test_an_announcement_in_a_local_channel_reaches_the_caller(people: People) -> None:
    told = document(8, told=9.5, stage="answered", announced=["MA"], channel="Local/1@x-00000001;2")
    assert verdict(people, connected(), told) is Fair.TOLD


def test_a_moment_is_no_conversation() -> None:
    (connection,) = connected().connections
    assert connection.since
    moment = replace(connection, until=connection.since + CONVERSATION / 2)
    assert not is_conversation(moment)
    assert is_conversation(replace(moment, until=None))
    assert is_conversation(replace(moment, resolution=timedelta(seconds=1)))


def test_a_callers_number_is_never_shown() -> None:
    assert shown("SIP/+33612345678-0000001a") == "SIP/+*********78-0000001a"
    assert shown("PJSIP/201-0000001a") == "PJSIP/201-0000001a"
