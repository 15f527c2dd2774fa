"""Causes as the session writes them, read for the thing to mend."""

from __future__ import annotations

import pytest

from callcentre_disclosure.evidence.report.causes import Cause, CauseKind, read_cause


@pytest.mark.parametrize(
    ("text", "kind", "subject"),
    [
        ("", CauseKind.UNKNOWN, ""),
        ("FAILED: fr/possible-ma-0dc21950 at 0.00 s of 4.10 s", CauseKind.NOT_PLAYED, ...),
        ("FAILED: fr/possible-ma-0dc21950 unsent", CauseKind.NOT_PLAYED, ...),
        ("STOPPED: fr/possible-ma-0dc21950 at 2.00 s of 4.10 s", CauseKind.NOT_PLAYED, ...),
        ("TIMED_OUT: fr/possible-ma-0dc21950 at 0.00 s of 4.10 s", CauseKind.LOST, ...),
        ("INDETERMINATE: fr/possible-ma-0dc21950 at 0.00 s of 4.10 s", CauseKind.LOST, ...),
        ("missing: sound fr/possible-ma-0dc21950", CauseKind.NO_SOUND, ...),
        ("DTMF_INTERRUPTED: fr/possible-ma-0dc21950 at 1.00 s of 4.10 s", CauseKind.KEY, ""),
        ("CALLER_HUNG_UP: fr/possible-ma-0dc21950 at 1.00 s of 4.10 s", CauseKind.HANG_UP, ""),
        ("missing: words for MA in fr", CauseKind.NO_WORDS, "MA in fr"),
        ("no site resolved", CauseKind.NO_SITE, ""),
        (
            "agent PJSIP/901 is not in the configuration",
            CauseKind.NOT_CONFIGURED,
            "agent PJSIP/901",
        ),
        (
            "told 44 s after the start of the call, charter asks for 30 s",
            CauseKind.LATE,
            "charter",
        ),
        (
            "the dialplan has no disclosure-choice,europe,1",
            CauseKind.NO_CHOICE,
            "disclosure-choice,europe,1",
        ),
        ("queue suport is not in the configuration", CauseKind.NOT_CONFIGURED, "queue suport"),
        ("the agent had hung up", CauseKind.AGENT_LEFT, ""),
        ("something new after 3.14 s", CauseKind.OTHER, "something new after … s"),
    ],
)
def test_a_cause_names_what_to_mend(text: str, kind: CauseKind, subject: object) -> None:
    wanted = "fr/possible-ma-0dc21950" if subject is ... else subject
    assert read_cause(text) == Cause(kind, str(wanted))


def test_the_first_cause_is_the_one() -> None:
    both = "no site resolved; FAILED: fr/generic-b3751c5e at 0.00 s of 4.00 s"
    assert read_cause(both) == Cause(CauseKind.NO_SITE)


def test_an_endless_cause_is_cut() -> None:
    assert len(read_cause("a" * 10_000).subject) == 120
