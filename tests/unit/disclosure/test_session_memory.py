"""What the rest of a call is to know, and what it does with it: queues, transfers, reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, Told
from callcentre_disclosure.disclosure.commands import Play, SetVariables
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome, Ending, PlaybackReport
from tests.unit.disclosure.journeys import (
    CALL,
    HUNG_UP,
    REFUSED,
    Door,
    but,
    completely,
    ending,
    journey,
    kinds,
    texts,
    treated,
    variables,
    without,
)

COMPANY = "Bienvenue chez Alpha."
POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
GENERIC = "Votre appel pourra être traité dans un autre pays, merci de patienter."
IN_MOROCCO = "Votre conseiller, situé au Maroc, va vous répondre."
RECORDING = "Cet appel peut être enregistré."

CUT = PlaybackReport(Ending.KEY, 1.0, 1.0, "5")
NOTHING = but({Play: REFUSED})
GENERIC_ONLY = but({"/possible-": REFUSED, "/answered-": REFUSED})


def before(told: str, **facts: Any) -> CallFacts:
    """A call that was told something before it came here."""
    return replace(CALL, told=Told.read(told), **facts)


def answered(told: str, agent: str = "PJSIP/201") -> CallFacts:
    return before(told, stage=Stage.ANSWERED, agent=agent)


MADE = before("possible", direction=Direction.OUTBOUND, caller_number="+33184880001")


@pytest.mark.parametrize(
    ("call", "profile", "door", "told", "status"),
    [
        pytest.param(CALL, None, completely, "possible MA TN", "DISCLOSED MA,TN", id="told"),
        pytest.param(
            CALL, None, but({"/possible-": CUT}), "possible", "PARTIAL MA,TN", id="cut by a key"
        ),
        pytest.param(
            CALL, None, but({"/possible-": HUNG_UP}), "possible", "ABANDONED MA,TN", id="left"
        ),
        pytest.param(
            CALL, None, ending(Ending.HANGUP), "possible", "ABANDONED ", id="left at once"
        ),
        pytest.param(
            CALL, None, GENERIC_ONLY, "possible generic", "NOT_DISCLOSED ", id="of no country"
        ),
        pytest.param(
            CALL,
            None,
            but({"/possible-": REFUSED, "/generic-": CUT}),
            "possible",
            "NOT_DISCLOSED ",
            id="of no country, and cut",
        ),
        pytest.param(CALL, None, NOTHING, "possible", "NOT_DISCLOSED ", id="no sound plays"),
        pytest.param(CALL, "none", completely, "possible", "NOT_REQUIRED ", id="no rule"),
        pytest.param(
            before("possible"), "none", completely, "possible", "NOT_REQUIRED ", id="no rule, twice"
        ),
        pytest.param(
            before("possible"), None, completely, "possible MA TN", "DISCLOSED MA,TN", id="at last"
        ),
        pytest.param(
            before("possible MA TN"), None, completely, "possible MA TN", None, id="second queue"
        ),
        pytest.param(
            before("possible MA"),
            None,
            completely,
            "possible MA TN",
            "DISCLOSED MA,TN",
            id="second queue, with a country more",
        ),
        pytest.param(
            before("possible MG"),
            None,
            but({"/possible-": CUT}),
            "possible MG",
            "PARTIAL MA,TN",
            id="second queue, cut",
        ),
        pytest.param(
            answered("possible MA TN"), None, completely, "answered MA", "DISCLOSED MA", id="agent"
        ),
        pytest.param(
            answered("possible MA TN"),
            None,
            but({"/answered-": CUT}),
            "possible MA TN",
            "PARTIAL MA",
            id="agent, cut",
        ),
        pytest.param(
            answered("possible MA TN"),
            None,
            GENERIC_ONLY,
            "possible MA TN generic",
            "NOT_DISCLOSED ",
            id="agent, of no country",
        ),
        pytest.param(
            answered("possible MA"), None, completely, "answered MA", None, id="exact before"
        ),
        pytest.param(
            answered("possible MA"),
            "emphatic",
            completely,
            "answered MA",
            "DISCLOSED MA",
            id="exact before, repeated",
        ),
        pytest.param(
            answered("possible generic"),
            None,
            completely,
            "answered MA",
            "DISCLOSED MA",
            id="agent, after no country",
        ),
        pytest.param(
            answered("possible generic"),
            None,
            GENERIC_ONLY,
            "possible generic",
            "NOT_DISCLOSED ",
            id="never",
        ),
        pytest.param(
            answered("answered MA", "PJSIP/901"),
            None,
            completely,
            "answered MG",
            "DISCLOSED MG",
            id="transferred to another country",
        ),
        pytest.param(
            answered("answered MA"), None, completely, "answered MA", None, id="transferred"
        ),
        pytest.param(
            answered("answered MA", "PJSIP/901"),
            "once",
            completely,
            "answered MA",
            None,
            id="transferred, but once",
        ),
    ],
)
def test_what_the_rest_of_the_call_knows(
    directory: Directory,
    call: CallFacts,
    profile: str | None,
    door: Door,
    told: str,
    status: str | None,
) -> None:
    record, commands = journey(treated(directory, profile=profile), call, door)
    known = variables(commands)
    assert known["DISCLOSURE_TOLD"] == told
    if status is None:
        assert record.outcome is DisclosureOutcome.NOT_REQUIRED
        assert not known.keys() & {"DISCLOSURE_STATUS", "DISCLOSURE_COUNTRIES"}
        assert texts(commands) == []
    else:
        assert f"{known['DISCLOSURE_STATUS']} {known['DISCLOSURE_COUNTRIES']}" == status
        assert ",".join(record.announced) == known["DISCLOSURE_COUNTRIES"]


def test_what_the_agents_leg_must_know_is_inherited(directory: Directory) -> None:
    _, commands = journey(directory)
    (command,) = (command for command in commands if isinstance(command, SetVariables))
    own = {name for name in command.variables if not name.startswith("__")}
    assert own == {"DISCLOSURE_SITE", "DISCLOSURE_DISPOSITION"}


@pytest.mark.parametrize(
    ("call", "profile", "spoken"),
    [
        (CALL, None, [COMPANY, POSSIBLE, RECORDING]),
        (CALL, "none", [COMPANY, RECORDING]),
        (before("possible MG"), None, [POSSIBLE]),
        (before("possible"), None, [POSSIBLE]),
        (before("possible MA TN"), None, []),
        (answered("possible MA TN"), None, [IN_MOROCCO]),
        (MADE, None, ["Cet appel peut provenir du Maroc ou de Tunisie, merci de patienter."]),
    ],
    ids=["first", "first, no rule", "again", "after nothing", "covered", "answered", "made"],
)
def test_the_company_and_what_is_added_are_said_once_in_a_call(
    directory: Directory, call: CallFacts, profile: str | None, spoken: list[str]
) -> None:
    framed = treated(directory, company="Alpha", segments=("recording",), profile=profile)
    _, commands = journey(framed, call)
    assert texts(commands) == spoken


def test_a_profile_adds_sentences_too_and_none_is_said_twice(directory: Directory) -> None:
    both = treated(directory, segments=("recording",), profile="recorded")
    _, commands = journey(both)
    assert texts(commands) == [POSSIBLE, RECORDING]


@pytest.mark.parametrize(
    ("told", "spoken"),
    [
        ("possible generic", []),
        ("possible", [GENERIC]),
        ("possible MA TN", [GENERIC]),
        ("answered MA generic", []),
    ],
)
def test_the_sentence_that_names_no_country_is_said_once(
    directory: Directory, told: str, spoken: list[str]
) -> None:
    """A profile that asks only for the second stage has left the first one silent."""
    record, commands = journey(without(directory, "/answered-"), answered(told, "PJSIP/901"))
    assert texts(commands) == spoken
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED
    assert record.cause.startswith("missing: sound fr/answered-mg-")


def test_a_caller_who_leaves_before_anything_is_required_of_us(directory: Directory) -> None:
    polite = treated(directory, company="Alpha", profile="none")
    record, commands = journey(polite, door=but({Play: HUNG_UP}))
    assert record.outcome is DisclosureOutcome.ABANDONED
    assert variables(commands)["DISCLOSURE_STATUS"] == "ABANDONED"
    assert kinds(commands)[-1] is SetVariables


def test_a_profile_that_nobody_knows_is_named_in_the_evidence(directory: Directory) -> None:
    told, _ = journey(directory, replace(CALL, profile="fr-2081"))
    untold, _ = journey(
        treated(directory, profile="none"), replace(CALL, profile="fr-2081", route="servce")
    )
    assert told.outcome is DisclosureOutcome.DISCLOSED
    assert told.cause == "profile fr-2081 is not in the configuration"
    assert untold.outcome is DisclosureOutcome.NOT_REQUIRED
    assert untold.cause == "route servce is not in the configuration"


def test_the_profile_that_the_dialplan_names_wins(directory: Directory) -> None:
    record, _ = journey(treated(directory, profile="abroad"), replace(CALL, profile="none"))
    assert (record.profile.id, record.outcome) == ("none", DisclosureOutcome.NOT_REQUIRED)
    assert record.duty.because == "none asks for nothing at stage possible"
