from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from callcentre_disclosure.disclosure.call import Stage
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import Ending
from callcentre_disclosure.disclosure.profile import Profile
from callcentre_disclosure.disclosure.record import masked

from .journeys import CALL, HUNG_UP, MONDAY_NOON, but, ending, journey, treated


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+33612345678", "**********78"),
        ("1234", "****"),
        ("", None),
        (None, None),
    ],
)
def test_of_a_callers_number_two_digits_are_shown(number: str | None, shown: str | None) -> None:
    assert masked(number) == shown


def test_the_moment_at_which_a_caller_was_told_counts_what_was_said_before(
    directory: Directory,
) -> None:
    record, _ = journey(treated(directory, company="Alpha"))
    company, countries = record.playbacks
    assert record.telling is countries
    assert countries.after == company.report.elapsed
    ended = timedelta(seconds=company.report.elapsed + countries.report.elapsed)
    assert record.told_at == MONDAY_NOON + ended


def test_nobody_was_told_by_a_sentence_that_was_cut(directory: Directory) -> None:
    record, _ = journey(directory, door=but({"possible": HUNG_UP}))
    assert record.telling is not None
    assert record.told_at is None


def test_a_call_that_could_not_be_answered_has_no_sentence(directory: Directory) -> None:
    record, _ = journey(directory, door=but({"": HUNG_UP}))
    assert (record.telling, record.told_at) == (None, None)
    silent, _ = journey(replace(directory, sounds={}), door=ending(Ending.REFUSED))
    assert (silent.telling, silent.told_at) == (None, None)


def test_the_wait_for_an_agent_is_counted_from_the_start_of_the_call(directory: Directory) -> None:
    began = MONDAY_NOON - timedelta(seconds=42)
    answered = replace(CALL, stage=Stage.ANSWERED, agent="PJSIP/201", started_at=began)
    assert journey(directory, answered)[0].waited == 42.0
    assert journey(directory, replace(answered, stage=Stage.POSSIBLE))[0].waited is None
    assert journey(directory, replace(answered, started_at=None))[0].waited is None


def test_evidence_is_kept_for_as_long_as_its_rule_says(directory: Directory) -> None:
    assert journey(directory)[0].keep_until == date(2031, 11, 23)
    month = replace(treated(directory, profile="m"), profiles={"m": Profile("m", keep_days=30)})
    assert journey(month)[0].keep_until == date(2026, 12, 23)
