from __future__ import annotations

import pytest

from callcentre_disclosure.disclosure.call import Stage
from callcentre_disclosure.disclosure.outcome import (
    DisclosureOutcome,
    Disposition,
    Ending,
    PlaybackReport,
    PlaybackResult,
    disposition_of,
    judge,
    outcome_of,
)
from callcentre_disclosure.disclosure.route import FailurePolicy


@pytest.mark.parametrize(
    ("report", "result"),
    [
        (PlaybackReport(Ending.FINISHED, 3.0, 3.0), PlaybackResult.COMPLETE),
        (PlaybackReport(Ending.FINISHED, 2.98, 2.91), PlaybackResult.COMPLETE),
        (PlaybackReport(Ending.FINISHED, 2.95, 3.0), PlaybackResult.STOPPED),
        (PlaybackReport(Ending.FINISHED, 3.0, 2.8), PlaybackResult.STOPPED),
        (PlaybackReport(Ending.FINISHED, 2.0, 2.0), PlaybackResult.STOPPED),
        (PlaybackReport(Ending.FINISHED, 0.0, 0.0), PlaybackResult.FAILED),
        (PlaybackReport(Ending.FINISHED, 0.0, 3.0), PlaybackResult.FAILED),
        (PlaybackReport(Ending.FINISHED, 3.0, 0.5), PlaybackResult.STOPPED),
        (PlaybackReport(Ending.REFUSED), PlaybackResult.FAILED),
        (PlaybackReport(Ending.KEY, 1.0, 1.0, "5"), PlaybackResult.DTMF_INTERRUPTED),
        (PlaybackReport(Ending.HANGUP, 3.0, 3.0), PlaybackResult.CALLER_HUNG_UP),
        (PlaybackReport(Ending.DEADLINE), PlaybackResult.TIMED_OUT),
        (PlaybackReport(Ending.LOST), PlaybackResult.INDETERMINATE),
    ],
)
def test_a_report_proves_no_more_than_was_seen(
    report: PlaybackReport, result: PlaybackResult
) -> None:
    assert judge(report, 3.0) is result


def test_only_a_complete_playback_discloses() -> None:
    told = {r for r in PlaybackResult if outcome_of(r) is DisclosureOutcome.DISCLOSED}
    assert told == {PlaybackResult.COMPLETE}


@pytest.mark.parametrize("outcome", DisclosureOutcome)
@pytest.mark.parametrize("policy", FailurePolicy)
@pytest.mark.parametrize("stage", Stage)
def test_the_policy_decides_only_where_the_caller_was_not_told(
    outcome: DisclosureOutcome, policy: FailurePolicy, stage: Stage
) -> None:
    told = outcome in (DisclosureOutcome.DISCLOSED, DisclosureOutcome.NOT_REQUIRED)
    goes_on = Disposition.BRIDGE if stage is Stage.ANSWERED else Disposition.CONTINUE_IN_DIALPLAN
    ends = outcome is DisclosureOutcome.ABANDONED or (policy is FailurePolicy.REFUSE and not told)
    assert disposition_of(outcome, stage, policy) is (Disposition.HANG_UP if ends else goes_on)
