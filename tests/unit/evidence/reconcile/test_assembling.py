from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from callcentre_disclosure.evidence.reconcile.assembling import Assembly, ChannelEvent, calls
from callcentre_disclosure.evidence.reconcile.calls import SILENT
from tests.unit.evidence.reconcile.scenes import AMINA, CALLER, YASMINE, Scene, at, talked

NEAR, FAR = "Local/201@desks-00000000;1", "Local/201@desks-00000000;2"


def answered() -> Scene:
    scene = Scene().start(0, CALLER, extension="0184880001").start(1, AMINA)
    return scene.come_to_us(0.5).enter(5, "b", AMINA).enter(5.1, "b", CALLER)


def test_two_are_connected_from_the_second_who_comes_to_the_first_who_leaves() -> None:
    call = answered().leave(9, CALLER).leave(9.5, AMINA).end(10, AMINA, CALLER).only()
    assert talked(call) == [(CALLER, AMINA, 5.1, 9)]
    assert call.asked_at == (at(0.5),)
    assert call.numbers == ("0184880001",)
    assert {"L1", f"U-{CALLER}", f"U-{AMINA}"} == call.ids
    assert call.id == f"U-{CALLER}"


def test_who_only_rang_was_not_connected() -> None:
    call = Scene().start(0, CALLER, AMINA).end(9, AMINA, CALLER).only()
    assert call.connections == ()


def test_a_call_is_given_away_when_it_is_over_and_nothing_is_kept_of_it() -> None:
    assembly = Assembly()
    events = answered().leave(9, CALLER, AMINA).end(10, AMINA, CALLER).events
    over = [call for event in events if (call := assembly.take(event))]
    assert len(over) == 1
    assert list(assembly.rest()) == []
    late = ChannelEvent("LINKEDID_END", at(11), AMINA, f"U-{AMINA}", "L1")
    assert assembly.take(late) is None
    assert not assembly.ids()


def test_local_channels_in_between_and_optimised_away() -> None:
    scene = Scene().start(0, CALLER, NEAR, FAR, AMINA)
    scene.enter(3, "far", AMINA, FAR).enter(4, "near", NEAR, CALLER)
    scene.leave(4.2, CALLER, FAR).enter(4.201, "far", CALLER).leave(4.21, NEAR)
    scene.end(4.3, NEAR, FAR).leave(9, CALLER, AMINA).end(9, CALLER, AMINA)
    call = scene.only()
    assert talked(call) == [(CALLER, AMINA, 4, 9)]
    assert call.connections[0].second.known_by == (NEAR, FAR)


def test_a_half_of_a_local_channel_alone_connects_nobody() -> None:
    scene = Scene().start(0, CALLER, NEAR, FAR).enter(3, "near", NEAR, CALLER)
    assert scene.end(5, CALLER, NEAR, FAR).only().connections == ()


def test_without_linked_ids_as_the_sample_table_of_sqlite() -> None:
    scene = Scene(linked_id="").start(0, CALLER, NEAR, FAR).start(1, AMINA)
    scene.enter(3, "far", AMINA, FAR).enter(4, "near", NEAR, CALLER)
    scene.leave(9, CALLER, AMINA).end(9, NEAR, FAR, AMINA, CALLER)
    call = scene.only()
    assert talked(call) == [(CALLER, AMINA, 4, 9)]


def test_two_calls_that_are_made_one_by_a_transfer() -> None:
    second = "PJSIP/201-00000005"
    scene = answered()
    scene.linked_id = "L2"
    scene.start(6, second, YASMINE).enter(7, "c", second, YASMINE)
    scene.leave(8, second).note("BRIDGE_EXIT", 8, CALLER, bridge="b", linked_id="L1")
    scene.note("BRIDGE_ENTER", 8, CALLER, bridge="c", linked_id="L1")
    scene.end(8.1, AMINA, second).end(12, CALLER, YASMINE)
    call = scene.only()
    assert talked(call) == [
        (CALLER, AMINA, 5.1, 8),
        (second, YASMINE, 7, 8),
        (CALLER, YASMINE, 8, 12),
    ]
    assert {"L1", "L2"} < call.ids


def test_who_waits_with_others_is_not_connected_with_them() -> None:
    scene = (
        Scene().start(0, CALLER, AMINA).enter(1, "lot", CALLER, AMINA, technology="holding_bridge")
    )
    assert scene.end(9, CALLER, AMINA).only().connections == ()


@pytest.mark.parametrize("kind", ["Announcer/ARI", "CBRec/conf", "Snoop/1", "UnicastRTP/bot"])
def test_no_person_is_on_a_channel_of_asterisk_itself(kind: str) -> None:
    nobody = f"{kind}-00000009;1"
    scene = Scene().start(0, CALLER, nobody).enter(1, "b", CALLER, nobody)
    assert scene.end(9, CALLER, nobody).only().connections == ()


def test_a_conference_connects_everybody() -> None:
    scene = answered().start(5, YASMINE).enter(6, "b", YASMINE).leave(7, AMINA)
    call = scene.end(8, CALLER, AMINA, YASMINE).only()
    assert talked(call) == [
        (CALLER, AMINA, 5.1, 7),
        (CALLER, YASMINE, 6, 8),
        (AMINA, YASMINE, 6, 7),
    ]


def test_who_is_in_call_after_call_all_day_leaves_nothing_of_those_that_are_over() -> None:
    """An agent of ``AgentLogin`` stays, and whom they talk to gets their linked id."""
    assembly, connected = Assembly(), []
    scene = Scene().start(0, AMINA)
    for number in range(1, 4):
        caller = f"PJSIP/carrier-{number:08x}"
        scene.start(number * 60, caller).enter(number * 60 + 1, f"b{number}", AMINA, caller)
        scene.leave(number * 60 + 30, caller, AMINA).end(number * 60 + 30, caller)
        connected.append((AMINA, caller, number * 60 + 1, number * 60 + 30))
    scene.start(300, YASMINE)
    for event in scene.events:
        assert assembly.take(event) is None
    assert {id_ for id_ in assembly.ids() if id_.startswith("b")} == set()
    (call,) = assembly.rest()
    assert talked(call) == connected


def test_who_comes_back_is_connected_twice() -> None:
    scene = answered().leave(6, CALLER).enter(9, "b", CALLER)
    call = scene.end(10, CALLER, AMINA).only()
    assert talked(call) == [(CALLER, AMINA, 5.1, 6), (CALLER, AMINA, 9, 10)]


def test_what_began_before_the_first_event_is_taken_from_there() -> None:
    events = answered().events[2:]
    assert talked(next(calls(events))) == [(CALLER, AMINA, 5.1, None)]


def test_a_call_whose_end_was_lost_is_let_go() -> None:
    hours = SILENT.total_seconds() + 3600
    other = "PJSIP/carrier-00000044"

    def events() -> Iterator[ChannelEvent]:
        yield from answered().events
        for number in range(3):
            event = Scene("L2").start(hours + number, other).events[0]
            yield replace(event, unique_id=f"V{number}", linked_id=f"L{number + 2}")

    given = calls(events())
    assert talked(next(given)) == [(CALLER, AMINA, 5.1, None)]
    assert len(list(given)) == 3
