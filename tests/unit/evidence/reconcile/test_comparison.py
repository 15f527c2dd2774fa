from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from callcentre_disclosure.evidence.reconcile.calls import Call
from callcentre_disclosure.evidence.reconcile.comparison import Comparison, Counts
from callcentre_disclosure.evidence.reconcile.judging import Leak
from callcentre_disclosure.evidence.reconcile.people import People
from tests.unit.evidence.reconcile.documents import document, kept
from tests.unit.evidence.reconcile.scenes import AMINA, CALLER, YASMINE, Scene, at

LUC = "PJSIP/401-00000007"
HOUR = 3600.0


def scene(first: str = CALLER, second: str | None = AMINA) -> Scene:
    made = Scene().start(0, first)
    if second is None:
        return made.end(60, first)
    made.start(1, second).enter(10, "b", first, second).leave(60, first, second)
    return made.end(60, first, second)


def compared(
    people: People, one: Scene, *documents: dict[str, Any], **options: Any
) -> tuple[list[Leak], Counts]:
    comparison = Comparison(people, **options)
    with kept(*documents) as records:
        found = [finding.leak for finding in comparison.findings(one.calls(), records)]
    return found, comparison.counts


def test_what_was_compared_is_counted(people: People) -> None:
    exact = document(8, told=9, stage="answered", announced=["MA"])
    other = document(9, told=9.5, channel="PJSIP/x-00000077", call="L9")
    assert compared(people, scene(), exact, other) == (
        [],
        Counts(calls=1, told=1, records=2, unmatched=1),
    )
    assert compared(people, scene()) == ([Leak.NEVER_ANNOUNCED], Counts(calls=1, leaks=1))
    assert compared(people, scene(AMINA, YASMINE)) == ([], Counts(internal=1))
    assert compared(people, scene(second=None)) == ([], Counts(unreached=1))
    assert compared(people, scene(AMINA, None)) == ([], Counts())


def test_a_call_with_two_agents_is_counted_once_by_the_worst(people: People) -> None:
    exact = document(8, told=9, stage="answered", announced=["MA"])
    both = Scene().start(0, CALLER).start(1, AMINA, YASMINE).enter(10, "b", CALLER, AMINA)
    both.leave(20, AMINA).enter(30, "b", YASMINE).leave(60, CALLER)
    both.end(60, CALLER, AMINA, YASMINE)
    found, counts = compared(people, both, exact)
    assert found == [Leak.OTHER_COUNTRY]
    assert (counts.calls, counts.leaks, counts.told) == (1, 1, 0)


@pytest.mark.parametrize(
    ("since", "before", "calls"),
    [(at(10), at(10.5), 1), (at(10.5), None, 0), (None, at(10), 0)],
)
def test_a_part_of_the_time(
    people: People, since: datetime | None, before: datetime | None, calls: int
) -> None:
    found, counts = compared(people, scene(), since=since, before=before)
    assert (len(found), counts.calls) == (calls, calls)


def test_what_a_better_source_has_seen_is_passed_over(people: People) -> None:
    first = Comparison(people)
    with kept() as records:
        assert len(list(first.findings(scene().calls(), records))) == 1
    assert compared(people, scene(), known=first.seen) == ([], Counts())


def test_the_clocks_may_differ_by_more(people: People) -> None:
    exact = document(8, told=12, stage="answered", announced=["MA"])
    assert compared(people, scene(), exact)[0] == [Leak.CONNECTED_EARLY]
    assert compared(people, scene(), exact, tolerance=timedelta(seconds=2))[0] == []


def test_a_call_whose_end_nobody_wrote_is_not_accused_of_being_untold(people: People) -> None:
    exact = document(8, told=9, stage="answered", announced=["MA"])
    endless = Scene().start(0, CALLER).start(1, AMINA).enter(10, "b", CALLER, AMINA)
    next_day = Scene("L2").start(24 * HOUR, YASMINE).end(24 * HOUR + 1, YASMINE)
    endless.events += next_day.events
    found, counts = compared(people, endless, exact)
    assert (found, counts.told, counts.unmatched) == ([], 1, 0)


def test_a_call_of_more_than_a_day(people: People) -> None:
    """Something happens in it every hour: somebody is asked for advice."""
    exact = document(8, told=9, stage="answered", announced=["MA"])
    long = Scene().start(0, CALLER).start(1, AMINA).enter(10, "b", CALLER, AMINA)
    for hour in range(1, 30):
        long.leave(hour * HOUR, AMINA).enter(hour * HOUR + 0.1, "b", AMINA)
    long.leave(30 * HOUR, CALLER, AMINA).end(30 * HOUR, CALLER, AMINA)
    assert compared(people, long, exact) == ([], Counts(calls=1, told=1, records=1))


def test_the_files_of_two_asterisks_one_after_the_other(people: People) -> None:
    """The second begins where the first one did; their Local channels have the same names."""
    told, both = [], Scene()
    for pbx, hours in (("pbx1", (1, 400)), ("pbx2", (2, 401))):
        for hour in hours:
            scene = Scene(f"{pbx}-{hour}")
            caller, agent = f"PJSIP/carrier-{hour:08x}", f"PJSIP/201-{hour:08x}"
            near, far = (f"Local/201@desks-00000000;{half}" for half in (1, 2))
            at_first = hour * HOUR
            scene.start(at_first, caller, near, far, agent).enter(at_first + 10, "far", far, agent)
            scene.enter(at_first + 11, "near", caller, near)
            if hour != 400:  # that one goes on, and Asterisk crashes
                scene.leave(at_first + 60, caller, near, far, agent)
                scene.end(at_first + 60, caller, near, far, agent)
            both.events += [
                replace(
                    one,
                    unique_id=f"{pbx}-{one.unique_id}-{hour}",
                    bridge=one.bridge and f"{pbx}-{one.bridge}-{hour}",
                )
                for one in scene.events
            ]
            told.append(
                document(
                    at_first + 2,
                    told=at_first + 5,
                    stage="answered",
                    announced=["MA"],
                    call=f"{pbx}-{hour}",
                    channel=caller,
                )
            )
    in_time = sorted(told, key=lambda one: str(one["received_at"]))
    assert compared(people, both, *in_time) == ([], Counts(calls=4, told=4, records=4))


def test_calls_go_on_while_they_are_compared(people: People) -> None:
    """A record is asked for when Asterisk's of the same call was read, not before."""
    with kept(document(1, call="L0")) as records:

        def going_on() -> Iterator[Call]:
            call = scene().only()
            records.add(document(8, told=9, stage="answered", announced=["MA"]))
            yield call

        assert list(Comparison(people).findings(going_on(), records)) == []


def test_an_id_that_an_application_gave_before_to_another_call(people: People) -> None:
    exact = document(8, told=9, stage="answered", announced=["MA"])
    month_later = Scene()
    month_later.events = [replace(one, at=one.at + timedelta(days=30)) for one in scene().events]
    found, counts = compared(people, month_later, exact)
    assert (found, counts.unmatched) == ([Leak.NEVER_ANNOUNCED], 0)


def test_records_of_the_time_that_was_asked_for_are_counted(people: People) -> None:
    others = [document(60.0 * n, told=60 * n + 3, call=f"L{n}", channel=f"x-{n}") for n in range(6)]
    _, counts = compared(people, scene(), *others, since=at(60), before=at(240))
    assert (counts.records, counts.unmatched) == (3, 2)
