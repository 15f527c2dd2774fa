"""Nothing is left behind: calls that the ARI event handler holds, in each of their states, when a
party leaves, a sound is missing, or the handler, the connection or Asterisk is lost.

A fault meets four calls at once (``FourCalls``). What must be left after each test is said in
``faults.at_work``.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.recording import find_tone
from tests.integration.faults import (
    UNANSWERED_HZ,
    UNTOLD_HZ,
    House,
    Staff,
    at_work,
    cut_short,
    said,
)
from tests.integration.four_calls import FourCalls, ended
from tests.integration.office import (
    AMINA,
    ANSWERED_MA,
    ANSWERED_TN,
    LUC,
    POSSIBLE,
    POSSIBLE_MA,
    VOICES,
    YASMINE,
)
from tests.integration.wire import Wire

#: How long the handler may need to find a connection again, at worst, in seconds.
RECONNECTED = 15.0
DISCLOSED = ["DISCLOSED", "DISCLOSED"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, installation: Installation) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    with house.asterisk(installation, "pbx") as asterisk, Wire(asterisk.http_port) as wire:
        house.wires.append(wire)
        house.ari = (
            f"{{asterisks: {{pbx: {{url: 'http://127.0.0.1:{wire.port}', "
            f"user: {asterisk.ari_user}, "
            f"password_file: {house.password_file('pbx', asterisk.ari_password)}}}}}}}"
        )
        yield house


@pytest.fixture
def staff(house: House) -> Iterator[Staff]:
    with at_work(house) as staff:
        yield staff


@pytest.fixture
def calls(staff: Staff) -> FourCalls:
    return FourCalls(staff)


def test_callers_hang_up(staff: Staff, calls: FourCalls) -> None:
    """Their agents are released at once; the first has not called anybody yet."""
    for heard in calls.agents:
        heard.call.hang_up()
    ended(calls.rings, calls.waits, calls.talks)
    staff.evidence(6)
    assert staff.outcomes(calls.announced) == ["ABANDONED"]
    assert staff.outcomes(calls.ringing) == ["DISCLOSED"]
    assert staff.outcomes(calls.informed) == ["DISCLOSED", "ABANDONED"]
    assert staff.outcomes(calls.talking) == DISCLOSED
    assert [len(staff.agents[agent].calls) for agent in VOICES] == [1, 1, 1]
    for heard in (calls.announced, calls.ringing, calls.informed):
        assert heard.voices() == []


def test_agents_hang_up(staff: Staff, calls: FourCalls) -> None:
    """Who had not picked up leaves the caller to the dialplan, who had talked ends the call; after
    one in between, the next is called, and nothing is said twice."""
    for leg in (calls.rings, calls.waits, calls.talks):
        leg.hang_up()
    ended(calls.talking.call)
    again = staff.leg(YASMINE)
    ended(calls.ringing.call, within=3)
    assert find_tone(calls.ringing.call.recording(), UNANSWERED_HZ)
    calls.informed.talk(again)
    assert list(calls.informed.sounds()) == [POSSIBLE, ANSWERED_TN]
    calls.announced.talk(staff.leg(AMINA))
    assert list(calls.announced.sounds()) == [POSSIBLE, ANSWERED_MA]
    staff.evidence(8)
    for heard in (calls.informed, calls.announced):
        heard.agrees_with(*staff.records(heard))


def test_agents_who_do_not_answer_or_both_at_once(staff: Staff) -> None:
    """One is busy, one lets it ring; of two who pick up, one is released and never heard."""
    staff.agents[LUC].answer_after = None
    for agent in (AMINA, YASMINE):
        staff.agents[agent].answer_after = 0.2
    rings = staff.call_from("caller", f"*{LUC}")
    both = staff.call_from("second")
    ended(staff.leg(LUC), within=4)
    legs = {agent: staff.agents[agent].next_call() for agent in (AMINA, YASMINE)}
    (connected,) = (agent for agent, leg in legs.items() if leg.ending is None)
    both.listen(connected)
    staff.agents[LUC].reject = 486
    busy = staff.call_from("third", LUC)
    both.talk(legs[connected])
    assert both.voices() == [connected]
    answered = ANSWERED_MA if connected == AMINA else ANSWERED_TN
    assert list(both.sounds()) == [POSSIBLE, answered]
    for heard in (rings, busy):
        ended(heard.call, within=5)
        assert list(heard.sounds()) == [POSSIBLE]
        assert find_tone(heard.call.recording(), UNANSWERED_HZ)
    staff.evidence(4)
    both.agrees_with(*staff.records(both))


def test_the_handler_is_killed(staff: Staff, calls: FourCalls) -> None:
    """The next begins the calls again in which nobody talks, from the first word of what was not
    told to its end."""
    staff.handler.kill_worker()
    calls.come_to_their_end()
    calls.hang_up()
    ended(calls.talks, calls.informed.call, calls.ringing.call)
    assert calls.rings.ending is not None
    assert len(staff.agents[YASMINE].calls) == 2
    assert len(said(calls.announced, POSSIBLE)) == 2
    for heard in (calls.announced, calls.talking):
        assert staff.outcomes(heard) == DISCLOSED
    for heard in (calls.ringing, calls.informed):
        assert staff.outcomes(heard) == ["DISCLOSED", "NOT_REQUIRED", "DISCLOSED"]


@pytest.mark.parametrize("what", ["handler", "connection"])
def test_parties_hang_up_meanwhile(staff: Staff, calls: FourCalls, what: str) -> None:
    """Whoever is left is released when there is a handler again that can."""
    if what == "handler":
        staff.handler.kill()
    else:
        staff.wire.cut()
    for heard in (calls.announced, calls.ringing, calls.informed):
        heard.call.hang_up()
    calls.talks.hang_up()
    if what == "handler":
        staff.handler = staff.house.handler()
    else:
        staff.wire.mend()
    ended(calls.rings, calls.waits, calls.talking.call, within=RECONNECTED)
    assert len(staff.agents[AMINA].calls) == 1


def test_the_connection_is_cut(staff: Staff, calls: FourCalls) -> None:
    """New callers are left to the dialplan. Who picks up then is hung up by Asterisk, and called
    again; everybody else waits where they are, and goes on."""
    staff.wire.cut()
    staff.wait_for_log("Deactivating Stasis app")
    new = staff.call_from("next", AMINA)
    ended(new.call, within=3)
    assert find_tone(new.call.recording(), UNTOLD_HZ)
    calls.rings.answer()
    ended(calls.rings)
    staff.wire.mend()
    goes_on(staff, calls)
    assert [len(staff.agents[agent].calls) for agent in VOICES] == [2, 1, 2]


def test_the_connection_is_cut_for_long(staff: Staff, calls: FourCalls) -> None:
    """For longer than any request waits."""
    staff.wire.cut()
    calls.talking.call.wait_until(calls.talking.now() + 8)
    staff.wire.mend()
    staff.handler.wait_for(": connected")
    calls.rings.answer()
    goes_on(staff, calls)
    assert [len(staff.agents[agent].calls) for agent in VOICES] == [2, 1, 1]


def test_the_connection_freezes(staff: Staff, calls: FourCalls) -> None:
    """Nothing comes through it, and nobody closes it: another takes its place."""
    staff.wire.freeze()
    staff.handler.wait_for(": connected")
    calls.rings.answer()
    goes_on(staff, calls)
    assert [len(staff.agents[agent].calls) for agent in VOICES] == [2, 1, 1]


def goes_on(staff: Staff, calls: FourCalls) -> None:
    """Every call comes to its end, and the evidence says so."""
    calls.come_to_their_end()
    calls.hang_up()
    ended(calls.talks, calls.informed.call, calls.ringing.call)
    for heard in calls.agents:
        assert staff.outcomes(heard) == DISCLOSED


def test_asterisk_crashes(staff: Staff, calls: FourCalls) -> None:
    """The calls are lost; the next is announced."""
    staff.asterisk.crash()
    for phone in staff.phones():
        for call in phone.calls:
            call.hang_up()
    staff.handler.wait_for("not connected")
    staff.asterisk.restart()
    staff.handler.wait_for(": connected")
    next_call = staff.call_from("next", AMINA)
    leg = staff.agents[AMINA].next_call()
    next_call.talk(leg)
    assert list(next_call.sounds()) == [POSSIBLE, ANSWERED_MA]


def test_the_handler_is_to_end(staff: Staff, calls: FourCalls) -> None:
    """The calls that it holds go on to their end; new ones are left to the dialplan."""
    staff.handler.process.send_signal(signal.SIGTERM)
    calls.rings.answer()
    calls.come_to_their_end()
    left = staff.call_from("next", AMINA)
    left.call.wait_for("ended")
    assert find_tone(left.call.recording(), UNTOLD_HZ)
    assert staff.handler.process.poll() is None
    calls.hang_up()
    assert staff.handler.process.wait(2) == 0
    for heard in (calls.announced, calls.ringing, calls.informed):
        assert staff.outcomes(heard) == DISCLOSED


@pytest.mark.parametrize("away", [Staff.without, cut_short], ids=["missing", "cut short"])
def test_sounds_cannot_be_played(
    staff: Staff, away: Callable[[Staff, str], AbstractContextManager[None]]
) -> None:
    """Before and after an agent has answered. A route that does not refuse says a sentence that
    names no country instead, unless half of the other was heard already."""
    with away(staff, POSSIBLE), away(staff, ANSWERED_TN):
        before = staff.call_from("caller", AMINA, "group")
        after = staff.call_from("second", YASMINE, "exact")
        refused_before = staff.call_from("third", AMINA, "refuse-queue")
        refused_after = staff.call_from("last", YASMINE, "exact-refuse")
        for heard in (refused_before, refused_after):
            heard.call.wait_for("ended", timeout=20)
        before.listen(AMINA, 0.5)
        after.listen(YASMINE, 0.5)
    instead = ["fr/generic"] if away is Staff.without else []
    expected = {
        before: [*instead, ANSWERED_MA],
        after: [POSSIBLE_MA, *instead],
        refused_before: ["fr/refused"],
        refused_after: [POSSIBLE_MA, "fr/refused"],
    }
    for heard, agent in ((before, AMINA), (after, YASMINE)):
        heard.call.hang_up()
        assert heard.first_word(agent) >= max(match.end for match in heard.sounds().values())
    for heard in (refused_before, refused_after):
        assert heard.voices() == []
        assert heard.call.ending
        assert heard.call.ending.cause == 21
    for heard, sounds in expected.items():
        assert list(heard.sounds()) == sounds
    assert [len(staff.agents[agent].calls) for agent in (AMINA, YASMINE)] == [1, 2]
    failed = "NOT_DISCLOSED" if away is Staff.without else "PARTIAL"
    staff.evidence(7)
    assert staff.outcomes(before) == [failed, "DISCLOSED"]
    assert staff.outcomes(after) == ["DISCLOSED", failed]
    assert staff.outcomes(refused_before) == [failed]
    assert staff.outcomes(refused_after) == ["DISCLOSED", failed]
