from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from callcentre_disclosure.evidence.reconcile.comparison import Comparison, Counts
from callcentre_disclosure.evidence.reconcile.judging import Leak
from callcentre_disclosure.evidence.reconcile.people import People
from callcentre_disclosure.evidence.reconcile.records import Window
from tests.unit.evidence.reconcile.documents import document
from tests.unit.evidence.reconcile.scenes import AMINA, CALLER, YASMINE, Scene, at

LUC = "PJSIP/401-00000007"


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
    found = [finding.leak for finding in comparison.findings(one.calls(), documents)]
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
    assert len(list(first.findings(scene().calls(), []))) == 1
    assert compared(people, scene(), known=first.seen) == ([], Counts())


def test_the_clocks_may_differ_by_more(people: People) -> None:
    exact = document(8, told=12, stage="answered", announced=["MA"])
    assert compared(people, scene(), exact)[0] == [Leak.CONNECTED_EARLY]
    assert compared(people, scene(), exact, tolerance=timedelta(seconds=2))[0] == []


def test_a_call_whose_end_nobody_wrote_is_not_accused_of_being_untold(people: People) -> None:
    exact = document(8, told=9, stage="answered", announced=["MA"])
    endless = Scene().start(0, CALLER).start(1, AMINA).enter(10, "b", CALLER, AMINA)
    next_day = Scene("L2").start(24 * 3600.0, YASMINE).end(24 * 3600.0 + 1, YASMINE)
    endless.events += next_day.events
    found, counts = compared(people, endless, exact)
    assert (found, counts.told, counts.unmatched) == ([], 1, 0)


def test_records_are_held_for_as_long_as_a_call_may_last() -> None:
    hours = [document(3600.0 * hour, told=3600.0 * hour + 3) for hour in range(6)]
    taken = 0

    def coming() -> Any:
        nonlocal taken
        for one in hours:
            taken += 1
            yield one

    window = Window(coming(), longest_call=timedelta(hours=2))
    window.up_to(at(3600 * 3))
    assert taken == 5, "one more than wanted is looked at"
    assert [one.at for one in window.of(["L1"])] == [at(3600.0 * hour) for hour in (1, 2, 3)]
    window.close()
    assert (window.read, window.unused) == (6, 3)
