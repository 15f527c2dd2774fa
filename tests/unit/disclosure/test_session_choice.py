"""Another agent, whom a caller may have by a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, Told
from callcentre_disclosure.disclosure.commands import (
    Answer,
    Ask,
    FindExtension,
    HangUp,
    Play,
    Redirect,
    SendText,
    SetVariables,
)
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import (
    DisclosureOutcome,
    Disposition,
    Ending,
    PlaybackReport,
)
from callcentre_disclosure.disclosure.profile import Choice, Profile, Region
from callcentre_disclosure.disclosure.route import FailurePolicy
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
GENERIC = "Votre appel pourra être traité dans un autre pays, merci de patienter."
RECORDING = "Cet appel peut être enregistré."
OFFER = "Pour parler à un conseiller situé dans l'Union européenne, tapez 1."
AGENT = {"stage": Stage.ANSWERED, "agent": "PJSIP/201"}
ONLY_ANSWERED = Profile("answered", choice=Choice(Region.EU, (Stage.ANSWERED,)))


@pytest.fixture
def offering(directory: Directory) -> Directory:
    """A call centre whose callers may have an agent in the European Union."""
    return treated(directory, profile="choice", choice="eu", segments=("recording",))


def with_profile(centre: Directory, profile: Profile) -> Directory:
    return replace(centre, profiles={"choice": profile})


def test_a_caller_may_have_an_agent_elsewhere(offering: Directory) -> None:
    record, commands = journey(offering)
    assert kinds(commands) == [FindExtension, *[Answer, Play] * 2, Answer, Ask, SetVariables]
    assert commands[0] == FindExtension("disclosure-choice", "eu")
    assert texts(commands) == [POSSIBLE, RECORDING, OFFER]
    (asked,) = (command for command in commands if isinstance(command, Ask))
    assert asked.seconds == 3.0
    assert record.offer is not None
    assert (record.offer.queue, record.offer.key, record.offer.digit) == ("eu", "1", "")
    assert record.offer.chosen_at is None
    assert record.disposition is Disposition.CONTINUE_IN_DIALPLAN
    assert record.cause == ""
    assert variables(commands)["DISCLOSURE_CHOICE"] == ""


def pressed(digit: str, elapsed: float, *, during: bool = False) -> PlaybackReport:
    """A key that was pressed ``elapsed`` seconds after the beginning of the offer."""
    seconds = len(OFFER) / 20
    if during:
        return PlaybackReport(Ending.KEY, elapsed, elapsed, digit)
    return PlaybackReport(Ending.FINISHED, seconds, elapsed, digit)


SECONDS_BEFORE = (len(POSSIBLE) + len(RECORDING)) / 20


@pytest.mark.parametrize(
    ("door", "digit", "chosen_after"),
    [
        pytest.param(
            but({"/choice-": pressed("1", 1.0, during=True)}), "1", 1.0, id="during the offer"
        ),
        pytest.param(but({"/choice-": pressed("1", 5.0)}), "1", 5.0, id="after the offer"),
        pytest.param(but({"/choice-": pressed("5", 1.0, during=True)}), "5", None, id="wrong key"),
        pytest.param(but({"/choice-": pressed("#", 5.0)}), "#", None, id="wrong key, after it"),
        pytest.param(but({"/choice-": pressed("", 6.4)}), "", None, id="no key"),
        pytest.param(but({"/choice-": HUNG_UP}), "", None, id="the caller leaves"),
        pytest.param(
            but({"/choice-": PlaybackReport(Ending.REFUSED, 1.0, 1.0)}),
            "",
            None,
            id="its sound breaks off",
        ),
    ],
)
def test_what_a_caller_presses(
    offering: Directory, door: Door, digit: str, chosen_after: float | None
) -> None:
    record, commands = journey(offering, door=door)
    known = variables(commands)
    assert record.outcome is DisclosureOutcome.DISCLOSED
    assert record.offer is not None
    assert record.offer.digit == known["DISCLOSURE_CHOICE"] == digit
    if chosen_after is None:
        assert record.offer.chosen_at is None
        assert "DISCLOSURE_CHOSEN_AT" not in known
        assert kinds(commands)[-1] is SetVariables
    else:
        chosen_at = MONDAY_NOON + timedelta(seconds=SECONDS_BEFORE + chosen_after)
        assert record.offer.chosen_at == chosen_at
        assert float(known["DISCLOSURE_CHOSEN_AT"]) == pytest.approx(
            chosen_at.timestamp(), abs=1e-3
        )
        assert known["DISCLOSURE_DISPOSITION"] == "REDIRECT"
        assert commands[-1] == Redirect("disclosure-choice", "eu")
        assert (record.disposition, record.carried_out) == (Disposition.REDIRECT, True)
        assert record.cause == ""


@pytest.mark.parametrize("sound", ["/possible-", "/segment-"])
def test_a_key_that_comes_before_the_offer_counts_and_cuts_nothing(
    offering: Directory, sound: str
) -> None:
    record, commands = journey(offering, door=but({sound: "1"}))
    assert texts(commands) == [POSSIBLE, RECORDING]
    assert all(command.key == "1" for command in commands if isinstance(command, Play))
    assert commands[-1] == Redirect("disclosure-choice", "eu")
    assert record.outcome is DisclosureOutcome.DISCLOSED
    assert record.offer is not None
    assert record.offer.digit == "1"


def test_another_key_before_the_offer_is_none(offering: Directory) -> None:
    record, commands = journey(offering, door=but({"/possible-": "5"}))
    assert texts(commands)[-1] == OFFER
    assert record.disposition is Disposition.CONTINUE_IN_DIALPLAN


def test_without_an_offer_no_key_is_waited_for(directory: Directory) -> None:
    record, commands = journey(directory, door=but({"/possible-": "1"}))
    assert all(command.key == "" for command in commands if isinstance(command, Play))
    assert (record.offer, record.disposition) == (None, Disposition.CONTINUE_IN_DIALPLAN)


@pytest.mark.parametrize(
    ("facts", "profile", "offered"),
    [
        pytest.param({}, None, True, id="several countries"),
        pytest.param({"queue": "lyon-only"}, None, False, id="in the region"),
        pytest.param({"dialled_number": "+4930123456"}, None, False, id="no queue for the choice"),
        pytest.param(AGENT, None, True, id="an agent has answered"),
        pytest.param({**AGENT, "agent": "PJSIP/301"}, None, False, id="an agent in the region"),
        pytest.param({"chosen_at": MONDAY_NOON}, None, False, id="has chosen"),
        pytest.param({**AGENT, "chosen_at": MONDAY_NOON}, None, False, id="has chosen, answered"),
        pytest.param({}, ONLY_ANSWERED, False, id="only once an agent has answered"),
        pytest.param(AGENT, ONLY_ANSWERED, True, id="once an agent has answered"),
        pytest.param(
            {**AGENT, "told": Told(Stage.POSSIBLE, ("MA",))},
            ONLY_ANSWERED,
            True,
            id="told before, but not offered",
        ),
        pytest.param(
            {**AGENT, "told": Told(Stage.POSSIBLE, ("MA",))}, None, False, id="offered before"
        ),
        pytest.param(
            {**AGENT, "told": Told(Stage.POSSIBLE, ("MA", "TN"))}, None, True, id="told anew"
        ),
        pytest.param({}, Profile("none", stages=(), choice=Choice(Region.EU)), False, id="no duty"),
        pytest.param(
            {**AGENT, "told": Told(Stage.POSSIBLE)},
            replace(ONLY_ANSWERED, directions=(Direction.OUTBOUND,)),
            False,
            id="no duty, and nothing told before",
        ),
    ],
)
def test_an_agent_elsewhere_is_offered_where_that_is_due(
    offering: Directory, facts: dict[str, Any], profile: Profile | None, offered: bool
) -> None:
    centre = with_profile(offering, profile) if profile else offering
    record, commands = journey(centre, replace(CALL, **facts))
    assert (OFFER in texts(commands)) is offered
    assert (record.offer is not None) is offered
    assert (FindExtension in kinds(commands)) is offered


def test_where_no_country_can_be_told_an_agent_is_offered_all_the_same(
    offering: Directory,
) -> None:
    unresolved = treated(offering, sites=())
    record, commands = journey(unresolved)
    assert texts(commands) == [GENERIC, RECORDING, OFFER]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED


def test_an_agent_in_the_callers_own_country(offering: Directory) -> None:
    domestic = with_profile(offering, Profile("choice", choice=Choice(Region.DOMESTIC)))
    _, commands = journey(replace(domestic, domestic_country="FR"))
    assert texts(commands)[-1] == "Pour parler à un conseiller situé en France, tapez 1."
    _, without_words = journey(domestic)
    assert OFFER not in texts(without_words)
    assert Ask not in kinds(without_words)


@pytest.mark.parametrize(
    ("missing", "door", "cause"),
    [
        pytest.param(
            "nothing",
            but({FindExtension: REFUSED}),
            "the dialplan has no disclosure-choice,eu,1",
            id="no extension",
        ),
        pytest.param("/choice-", completely, "missing: sound fr/choice-eu-", id="no sound"),
        pytest.param(
            "nothing", but({"/choice-": REFUSED}), "FAILED: fr/choice-eu-", id="sound does not play"
        ),
    ],
)
def test_what_cannot_be_offered_is_not_and_the_evidence_says_so(
    offering: Directory, missing: str, door: Door, cause: str
) -> None:
    record, commands = journey(without(offering, missing), door=door)
    assert texts(commands)[:2] == [POSSIBLE, RECORDING]
    assert (record.offer, record.outcome) == (None, DisclosureOutcome.DISCLOSED)
    assert record.cause.startswith(cause)
    assert variables(commands)["DISCLOSURE_CHOICE"] == ""


@pytest.mark.parametrize("missing", ["no extension", "no sound"])
def test_where_nothing_is_offered_no_key_stops_a_sound(offering: Directory, missing: str) -> None:
    door = but({FindExtension: REFUSED}) if missing == "no extension" else completely
    centre = without(offering, "/choice-") if missing == "no sound" else offering
    _, commands = journey(centre, door=door)
    assert {command.key for command in commands if isinstance(command, Play)} == {""}


def test_a_connection_that_breaks_says_nothing_of_the_dialplan(offering: Directory) -> None:
    record, _ = journey(offering, door=but({FindExtension: LOST, Answer: LOST}))
    assert record.cause.startswith("INDETERMINATE: fr/possible-")
    assert "the dialplan has no" not in record.cause


def test_an_offer_that_nobody_was_there_to_hear_was_not_made(offering: Directory) -> None:
    told = iter([None, None, PlaybackReport(Ending.HANGUP)])

    def door(command: object) -> PlaybackReport | None:
        if isinstance(command, Answer):
            return next(told)
        return completely(command)  # type: ignore[arg-type]

    record, commands = journey(offering, door=door)
    assert Ask not in kinds(commands)
    assert record.offer is None
    assert len(record.playbacks) == 2


@pytest.mark.parametrize(
    "door",
    [but({"/segment-": HUNG_UP}), but({"/possible-": HUNG_UP}), but({"/possible-": LOST})],
    ids=["leaves before the offer", "leaves early", "connection lost"],
)
def test_who_has_left_is_offered_nothing(offering: Directory, door: Door) -> None:
    record, commands = journey(offering, door=door)
    assert OFFER not in texts(commands)
    assert record.offer is None


def test_who_has_chosen_and_left_is_not_sent_anywhere(offering: Directory) -> None:
    """ChannelRedirect of a call that has ended reports success."""
    record, commands = journey(offering, door=but({"/possible-": "1", "/segment-": HUNG_UP}))
    assert Redirect not in kinds(commands)
    assert record.disposition is Disposition.CONTINUE_IN_DIALPLAN
    assert record.offer is not None
    assert record.offer.chosen_at is not None


@pytest.mark.parametrize("report", [REFUSED, LOST], ids=["refused", "lost"])
def test_a_redirect_that_fails_is_not_carried_out(
    offering: Directory, report: PlaybackReport
) -> None:
    door = but({"/choice-": pressed("1", 1.0, during=True), Redirect: report})
    record, _ = journey(offering, door=door)
    assert (record.disposition, record.carried_out) == (Disposition.REDIRECT, False)


def test_who_is_refused_is_offered_nothing(offering: Directory) -> None:
    refusing = treated(offering, on_failure=FailurePolicy.REFUSE)
    door = but({"/possible-": PlaybackReport(Ending.FINISHED, 1.0, 1.0, "1")})
    record, commands = journey(refusing, door=door)
    assert texts(commands) == [POSSIBLE, "Nous ne pouvons pas vous mettre en relation."]
    assert kinds(commands)[-1] is HangUp
    assert [command.key for command in commands if isinstance(command, Play)] == ["1", ""]
    assert record.offer is None


def test_a_late_caller_may_still_choose(offering: Directory) -> None:
    slow = with_profile(offering, Profile("choice", choice=Choice(Region.EU), deadline=1.0))
    record, _ = journey(slow, door=but({"/choice-": pressed("1", 1.0, during=True)}))
    assert (record.outcome, record.disposition) == (
        DisclosureOutcome.PARTIAL,
        Disposition.REDIRECT,
    )


def test_the_offer_is_sent_as_a_text_too(offering: Directory) -> None:
    _, commands = journey(treated(offering, text=True))
    assert kinds(commands)[-4:] == [Answer, SendText, Ask, SetVariables]


@pytest.mark.parametrize(
    ("facts", "waited"),
    [
        ({**AGENT, "chosen_at": MONDAY_NOON - timedelta(seconds=42)}, 42.0),
        ({"chosen_at": MONDAY_NOON - timedelta(seconds=42)}, None),
        (AGENT, None),
    ],
    ids=["answered", "still waiting", "has not chosen"],
)
def test_the_wait_of_who_has_chosen_is_measured(
    offering: Directory, facts: dict[str, Any], waited: float | None
) -> None:
    record, commands = journey(offering, replace(CALL, **facts))
    assert record.waited_since_choice == waited
    assert ("DISCLOSURE_CHOICE" in variables(commands)) is ("chosen_at" not in facts)


def test_a_choice_travels_with_the_call_to_the_second_announcement(offering: Directory) -> None:
    """As the dialplan hands it over: the queue of the choice, its agent, and the wait."""
    chosen = but({"/choice-": pressed("1", 1.0, during=True)})
    first, commands = journey(offering, door=chosen)
    known = variables(commands)
    call = CallFacts(
        "1.1",
        "PJSIP/trunk-00000001",
        "test",
        dialled_number=CALL.dialled_number,
        stage=Stage.ANSWERED,
        agent="PJSIP/301",
        told=Told.read(known["DISCLOSURE_TOLD"]),
        chosen_at=datetime.fromtimestamp(float(known["DISCLOSURE_CHOSEN_AT"]), timezone.utc),
    )
    assert first.offer is not None
    assert first.offer.chosen_at is not None
    later = first.offer.chosen_at + timedelta(seconds=20)
    second, commands = journey(offering, call, at=later)
    assert texts(commands) == ["Votre conseiller, situé en France, va vous répondre."]
    assert second.waited_since_choice == pytest.approx(20.0, abs=1e-3)
