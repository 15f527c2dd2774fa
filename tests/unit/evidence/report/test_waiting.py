"""Waits, and promises held against them."""

from __future__ import annotations

from callcentre_disclosure.evidence.report.waiting import (
    LONGEST,
    STEP,
    Waits,
    histogram,
    illico,
    parity,
    spain,
    waits_of,
)


def test_median_and_95th_percentile_are_waits_that_somebody_had() -> None:
    assert waits_of([range(1, 51), range(51, 101)]) == Waits(100, 50, 95)
    assert waits_of([[7.5], []]) == Waits(1, 7.5, 7.5)
    assert waits_of([]) == Waits(0, None, None)


def test_nobody_is_lost_between_the_steps() -> None:
    waits = [0.0, 10.0, 10.1, 299.9, 300.0, 300.1, 9999.0]
    found = histogram([waits[:3], waits[3:]])
    assert len(found) == LONGEST // STEP + 1
    assert (found[0], found[1], found[-2], found[-1]) == (2, 1, 2, 2)
    assert sum(found) == len(waits)


def test_a_minute_in_france_is_of_everybody_who_was_answered() -> None:
    found = illico(4, [[59.0, 60.0, 60.1]])
    assert (found.share, found.kept) == (0.5, None)
    assert illico(0, []).share is None


def test_spain_wants_95_percent_within_three_minutes() -> None:
    assert spain([[180.0] * 10, [180.0] * 9 + [180.1]]).kept is True
    assert spain([[180.0] * 18 + [180.1, 200.0]]).kept is False
    assert spain([]).kept is None


def test_parity_compares_with_those_who_had_a_domestic_agent_anyway() -> None:
    assert parity([[30.0]], [[30.0, 40.0]]).kept is True
    assert parity([[30.1, 31.0]], [[30.0, 40.0]]).kept is False
    assert parity([[]], [[30.0]]).kept is None
    assert parity([[30.0]], []).kept is None
