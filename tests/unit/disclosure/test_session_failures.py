"""Callers who cannot be told their country, or not in time: what the failure policy has to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from callcentre_disclosure.disclosure.announcement import announcement
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, Told
from callcentre_disclosure.disclosure.commands import HangUp, Play, SetVariables
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import (
    DisclosureOutcome,
    Disposition,
    Ending,
    PlaybackReport,
    PlaybackResult,
)
from callcentre_disclosure.disclosure.route import FailurePolicy
from callcentre_disclosure.disclosure.sites import Basis
from tests.conftest import FRENCH
from tests.unit.disclosure.journeys import (
    CALL,
    HUNG_UP,
    LOST,
    MONDAY_NOON,
    REFUSED,
    Door,
    but,
    completely,
    journey,
    kinds,
    texts,
    treated,
    variables,
    without,
)

POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
EVERYWHERE = (
    "Votre appel pourra être traité au Maroc, en Tunisie, en France ou à Madagascar, "
    "merci de patienter."
)
GENERIC = "Votre appel pourra être traité dans un autre pays, merci de patienter."
SORRY = "Nous ne pouvons pas vous mettre en relation."

_SAID = announcement(FRENCH, Direction.INBOUND, Stage.POSSIBLE, ("MA", "TN"))
assert _SAID is not None
RIGHT_ONES = _SAID.sound_name
CUT = PlaybackReport(Ending.KEY, 1.0, 1.0, "5")
UNKNOWN = replace(CALL, dialled_number="+4930123456")


@pytest.fixture
def everywhere(directory: Directory) -> Directory:
    """A call centre that names all its countries rather than none."""
    centre = treated(directory, on_failure=FailurePolicy.ALL)
    unresolved = replace(centre.default_route, on_failure=FailurePolicy.ALL, language="fr")
    return replace(centre, default_route=unresolved)


@pytest.mark.parametrize(
    ("call", "missing", "door", "spoken", "outcome", "announced", "cause"),
    [
        pytest.param(
            CALL,
            RIGHT_ONES,
            completely,
            [EVERYWHERE],
            DisclosureOutcome.DISCLOSED,
            "MA TN FR MG",
            "missing: sound fr/possible-ma-tn-",
            id="a missing sound",
        ),
        pytest.param(
            CALL,
            "nothing",
            but({RIGHT_ONES: REFUSED}),
            [POSSIBLE, EVERYWHERE],
            DisclosureOutcome.DISCLOSED,
            "MA TN FR MG",
            "FAILED: fr/possible-ma-tn-",
            id="a sound that does not play",
        ),
        pytest.param(
            UNKNOWN,
            "nothing",
            completely,
            [EVERYWHERE],
            DisclosureOutcome.PARTIAL,
            "MA TN FR MG",
            "no site resolved",
            id="nobody knows the site",
        ),
        pytest.param(
            UNKNOWN,
            "nothing",
            but({"/possible-": CUT}),
            [EVERYWHERE],
            DisclosureOutcome.PARTIAL,
            "MA TN FR MG",
            "no site resolved; DTMF_INTERRUPTED: fr/possible-ma-tn-fr-mg-",
            id="nobody knows the site, and it is cut",
        ),
        pytest.param(
            UNKNOWN,
            "/possible-",
            completely,
            [GENERIC],
            DisclosureOutcome.NOT_DISCLOSED,
            "",
            "no site resolved",
            id="its sound is missing, too",
        ),
        pytest.param(
            UNKNOWN,
            "nothing",
            but({"/possible-": REFUSED}),
            [EVERYWHERE, GENERIC],
            DisclosureOutcome.NOT_DISCLOSED,
            "",
            "no site resolved; FAILED: fr/possible-ma-tn-fr-mg-",
            id="its sound does not play either",
        ),
        pytest.param(
            CALL,
            RIGHT_ONES,
            but({"/possible-ma-tn-fr-mg-": CUT}),
            [EVERYWHERE],
            DisclosureOutcome.PARTIAL,
            "MA TN FR MG",
            f"missing: sound {RIGHT_ONES}; DTMF_INTERRUPTED: fr/possible-ma-tn-fr-mg-",
            id="cut",
        ),
        pytest.param(
            CALL,
            RIGHT_ONES,
            but({"/possible-ma-tn-fr-mg-": HUNG_UP}),
            [EVERYWHERE],
            DisclosureOutcome.ABANDONED,
            "MA TN FR MG",
            f"missing: sound {RIGHT_ONES}; CALLER_HUNG_UP: fr/possible-ma-tn-fr-mg-",
            id="the caller leaves",
        ),
        pytest.param(
            CALL,
            "/possible- /generic-",
            completely,
            [],
            DisclosureOutcome.NOT_DISCLOSED,
            "",
            "missing: sound fr/possible-ma-tn-",
            id="no sound at all",
        ),
    ],
)
def test_every_country_is_named_where_the_right_ones_cannot(
    everywhere: Directory,
    call: CallFacts,
    missing: str,
    door: Door,
    spoken: list[str],
    outcome: DisclosureOutcome,
    announced: str,
    cause: str,
) -> None:
    record, commands = journey(without(everywhere, *missing.split()), call, door)
    assert texts(commands) == spoken
    assert (record.outcome, " ".join(record.announced)) == (outcome, announced)
    assert record.cause.startswith(cause)
    assert variables(commands)["DISCLOSURE_STATUS"] == outcome.value


def test_a_call_centre_without_countries_has_none_to_name(everywhere: Directory) -> None:
    _, commands = journey(replace(everywhere, every_country=()), UNKNOWN)
    assert texts(commands) == [GENERIC]


@pytest.fixture
def refusing(directory: Directory) -> Directory:
    return treated(directory, on_failure=FailurePolicy.REFUSE)


def test_who_is_not_connected_hears_it_and_the_cause_says_so(refusing: Directory) -> None:
    record, commands = journey(without(refusing, "/possible-"))
    assert texts(commands) == [SORRY]
    assert kinds(commands)[-3:] == [Play, SetVariables, HangUp]
    assert commands[-1] == HangUp(21)
    assert [p.prompt.announcement.text for p in record.playbacks] == [SORRY]
    assert record.disposition is Disposition.HANG_UP
    assert record.cause.startswith("missing: sound fr/possible-")
    assert variables(commands)["DISCLOSURE_TOLD"] == "possible"


@pytest.mark.parametrize(
    ("door", "results", "carried_out"),
    [
        pytest.param(but({"/refused-": HUNG_UP}), ["CALLER_HUNG_UP"], True, id="leaves meanwhile"),
        pytest.param(but({"/refused-": REFUSED}), ["FAILED"], True, id="sound does not play"),
        pytest.param(but({HangUp: REFUSED}), ["COMPLETE"], False, id="cannot be hung up"),
        pytest.param(but({SetVariables: REFUSED}), ["COMPLETE"], False, id="variables not set"),
        pytest.param(but({HangUp: LOST}), ["COMPLETE"], False, id="connection is lost"),
    ],
)
def test_a_refused_call_is_ended_whatever_becomes_of_the_sentence(
    refusing: Directory, door: Door, results: list[str], carried_out: bool
) -> None:
    record, commands = journey(without(refusing, "/possible-"), door=door)
    assert [playback.result.value for playback in record.playbacks] == results
    assert commands[-1] == HangUp(21)
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED
    assert record.carried_out is carried_out


def test_a_refusal_without_a_sound_is_silent(refusing: Directory) -> None:
    record, commands = journey(without(refusing, "/possible-", "/refused-"))
    assert kinds(commands) == [SetVariables, HangUp]
    assert record.playbacks == ()


def test_who_has_left_is_not_refused(refusing: Directory) -> None:
    _, commands = journey(refusing, door=but({"/possible-": HUNG_UP}))
    assert texts(commands) == [POSSIBLE]
    assert kinds(commands)[-1] is SetVariables


def test_a_call_of_which_nothing_is_asked_is_not_refused(refusing: Directory) -> None:
    _, commands = journey(without(treated(refusing, profile="none"), "/possible-"))
    assert kinds(commands) == [SetVariables]


def received(seconds: float, told: str = "", **facts: object) -> CallFacts:
    """A call that came in so many seconds before its announcement."""
    began = MONDAY_NOON - timedelta(seconds=seconds)
    before = Told.read(told)
    return replace(CALL, started_at=began, told=before, **facts)  # type: ignore[arg-type]


MADE = replace(
    CALL, direction=Direction.OUTBOUND, caller_number="+33184880001", dialled_number="+33612345678"
)


@pytest.mark.parametrize(
    ("call", "late"),
    [
        pytest.param(received(26.2), "", id="in time"),
        pytest.param(received(26.4), "told 30 s after the start of the call", id="just too late"),
        pytest.param(received(86.3), "told 90 s after the start of the call", id="late"),
        pytest.param(received(-5), "", id="another clock"),
        pytest.param(CALL, "", id="nobody knows when it began"),
        pytest.param(received(86.3, "possible MG"), "", id="told before"),
        pytest.param(
            received(86.3, "possible generic"), "told 90 s after", id="told of no country before"
        ),
        pytest.param(MADE, "", id="made"),
    ],
)
def test_a_caller_is_told_in_time_or_only_in_part(
    directory: Directory, call: CallFacts, late: str
) -> None:
    record, commands = journey(treated(directory, profile="prompt"), call)
    outcome = DisclosureOutcome.PARTIAL if late else DisclosureOutcome.DISCLOSED
    assert record.outcome is outcome
    assert record.cause.startswith(late)
    assert bool(record.cause) is bool(late)
    assert variables(commands)["DISCLOSURE_TOLD"] == "possible MA TN", "the caller knows all of it"
    assert record.disposition is Disposition.CONTINUE_IN_DIALPLAN


@pytest.mark.parametrize("call", [CALL, MADE], ids=["received", "made"])
def test_a_call_of_unknown_beginning_begins_with_the_announcement(
    directory: Directory, call: CallFacts
) -> None:
    hasty = treated(directory, profile="prompt", company="Alpha")
    profile = hasty.profiles.get("prompt")
    assert profile is not None
    quick = replace(hasty, profiles={"prompt": replace(profile, deadline=4.0)})
    record, commands = journey(quick, call)
    assert sum(len(text) for text in texts(commands)) / 20 > 4, "the company's name counts"
    assert record.outcome is DisclosureOutcome.PARTIAL


def test_a_late_caller_of_a_refusing_route_is_refused(refusing: Directory) -> None:
    record, commands = journey(treated(refusing, profile="prompt"), received(60))
    assert texts(commands) == [POSSIBLE, SORRY]
    assert (record.outcome, record.disposition) == (
        DisclosureOutcome.PARTIAL,
        Disposition.HANG_UP,
    )
    assert record.cause == "told 64 s after the start of the call, prompt asks for 30 s"


def test_what_is_said_instead_must_be_in_time_too(everywhere: Directory) -> None:
    late = without(treated(everywhere, profile="prompt"), RIGHT_ONES)
    in_time, _ = journey(late, received(25))
    too_late, _ = journey(late, received(26))
    assert (in_time.outcome, too_late.outcome) == (
        DisclosureOutcome.DISCLOSED,
        DisclosureOutcome.PARTIAL,
    )
    assert "told 31 s after the start" in too_late.cause


def test_what_was_never_heard_is_not_late(directory: Directory) -> None:
    call = received(86.3)
    record, _ = journey(treated(directory, profile="prompt"), call, but({"/possible-": HUNG_UP}))
    assert record.outcome is DisclosureOutcome.ABANDONED
    assert record.cause.startswith("CALLER_HUNG_UP")


def test_an_agent_whom_nobody_knows_is_not_covered_by_what_was_told(directory: Directory) -> None:
    """Else a transfer out of the configuration would look like an announcement."""
    call = replace(UNKNOWN, stage=Stage.ANSWERED, agent="PJSIP/999", told=Told.read("possible MA"))
    record, commands = journey(directory, call)
    assert record.resolution.basis is Basis.UNRESOLVED
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED
    assert texts(commands) == [GENERIC]


def test_the_rest_of_a_sentence_that_failed_is_in_the_evidence(directory: Directory) -> None:
    """A file whose end is damaged: it was begun, so its countries were, too."""
    begun = PlaybackReport(Ending.REFUSED, 1.0, 1.0)
    record, commands = journey(directory, door=but({"/possible-": begun}))
    assert [p.result for p in record.playbacks] == [PlaybackResult.FAILED, PlaybackResult.COMPLETE]
    assert record.announced == ("MA", "TN")
    assert variables(commands)["DISCLOSURE_STATUS"] == "NOT_DISCLOSED"
