from __future__ import annotations

from typing import Any

import pytest

from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, Told
from callcentre_disclosure.disclosure.profile import (
    EUROPEAN_UNION,
    Again,
    Choice,
    Profile,
    Region,
    duty,
)

ANSWERED, OUTBOUND = {"stage": Stage.ANSWERED}, {"direction": Direction.OUTBOUND}
ONCE = Profile("p", again=Again.NEVER)
EMPHATIC = Profile("p", repeat_exact=True)
DOMESTIC = Profile("p", announce_domestic=False)


def told(said: str) -> dict[str, Told | None]:
    assert Told.read(said), "what a test says of a call is understood"
    return {"told": Told.read(said)}


@pytest.mark.parametrize(
    ("profile", "facts", "countries", "reason"),
    [
        pytest.param(Profile(), {}, "MA", "", id="the dialplan asks for it"),
        pytest.param(Profile(), {}, "", "", id="no country is known"),
        pytest.param(Profile("p"), ANSWERED, "MA", "", id="an agent has answered"),
        pytest.param(
            Profile("p", stages=(Stage.ANSWERED,)), {}, "MA", "at stage possible", id="too early"
        ),
        pytest.param(
            Profile("p", stages=(Stage.POSSIBLE,)), ANSWERED, "MA", "at stage answered", id="late"
        ),
        pytest.param(
            Profile("p", directions=(Direction.INBOUND,)), OUTBOUND, "MA", "outbound", id="made"
        ),
        pytest.param(
            Profile("p", directions=(Direction.OUTBOUND,)), {}, "MA", "inbound", id="received"
        ),
        pytest.param(DOMESTIC, {}, "FR", "exempts calls answered in FR", id="domestic"),
        pytest.param(DOMESTIC, {}, "FR MA", "", id="domestic or not"),
        pytest.param(DOMESTIC, {}, "", "", id="who knows whether it is domestic?"),
        pytest.param(Profile("p"), {}, "FR", "", id="domestic, without exemption"),
        pytest.param(Profile(), told("possible"), "MA", "", id="told nothing"),
        pytest.param(Profile(), told("possible generic"), "MA", "", id="told of no country"),
        pytest.param(ONCE, told("possible generic"), "MA", "", id="once, but of no country"),
        pytest.param(
            Profile(), told("possible MA TN"), "TN", "was told MA, TN before", id="next queue"
        ),
        pytest.param(Profile(), told("possible MA"), "MA TN", "", id="next queue, elsewhere"),
        pytest.param(Profile(), told("possible MA"), "", "", id="next queue, unknown"),
        pytest.param(ONCE, told("possible MA"), "MG", "one announcement", id="next queue, once"),
        pytest.param(ONCE, told("possible MA"), "", "one announcement", id="unknown, once"),
        pytest.param(
            Profile(), {**told("possible MA"), **ANSWERED}, "MA", "was told MA", id="exact before"
        ),
        pytest.param(
            EMPHATIC, {**told("possible MA"), **ANSWERED}, "MA", "", id="exact before, repeated"
        ),
        pytest.param(
            EMPHATIC, told("possible MA"), "MA", "was told MA", id="only the answer is repeated"
        ),
        pytest.param(
            EMPHATIC,
            {**told("answered MA"), **ANSWERED},
            "MA",
            "was told MA",
            id="an agent's country is repeated once",
        ),
        pytest.param(Profile(), {**told("possible MA TN"), **ANSWERED}, "MA", "", id="one of two"),
        pytest.param(ONCE, {**told("possible MA TN"), **ANSWERED}, "MA", "", id="the answer, once"),
        pytest.param(
            ONCE, {**told("possible MA"), **ANSWERED}, "TN", "", id="answered elsewhere, once"
        ),
        pytest.param(
            Profile(), {**told("possible MA"), **ANSWERED}, "", "", id="answered by nobody known"
        ),
        pytest.param(
            Profile(), told("answered MA"), "MA", "was told MA", id="transferred to a queue there"
        ),
        pytest.param(
            Profile(),
            {**told("answered MA"), **ANSWERED},
            "MA",
            "was told MA",
            id="transferred to an agent there",
        ),
        pytest.param(
            Profile(), {**told("answered MA"), **ANSWERED}, "TN", "", id="transferred elsewhere"
        ),
        pytest.param(
            ONCE,
            {**told("answered MA"), **ANSWERED},
            "TN",
            "one announcement a call",
            id="transferred elsewhere, once",
        ),
    ],
)
def test_what_a_profile_asks_for(
    profile: Profile, facts: dict[str, Any], countries: str, reason: str
) -> None:
    call = CallFacts("1.1", "PJSIP/trunk-00000001", "test", **facts)
    found = duty(profile, call, tuple(countries.split()), "FR")
    assert (found.asked, reason in found.because) == (not reason, True)


def test_the_evidence_says_which_rule_asks_for_it() -> None:
    call = CallFacts("1.1", "c", "test", direction=Direction.OUTBOUND, stage=Stage.ANSWERED)
    because = duty(Profile("it-24bis"), call, ("MA",), None).because
    assert because == "it-24bis asks for the country once one has answered, on outbound calls"


def test_without_a_domestic_country_nothing_is_exempt() -> None:
    assert duty(DOMESTIC, CallFacts("1.1", "c", "test"), ("FR",), None).asked


@pytest.mark.parametrize(
    ("region", "countries", "domestic", "included", "due"),
    [
        (Region.EU, "FR", "FR", True, False),
        (Region.EU, "FR IT", "US", True, False),
        (Region.EU, "FR MA", "FR", False, True),
        (Region.EU, "GB", "GB", False, True),
        (Region.EU, "", "FR", True, True),
        (Region.DOMESTIC, "US", "US", True, False),
        (Region.DOMESTIC, "US MX", "US", False, True),
        (Region.DOMESTIC, "FR", None, False, True),
    ],
)
def test_another_agent_is_due_outside_of_the_region(
    region: Region, countries: str, domestic: str | None, included: bool, due: bool
) -> None:
    choice, codes = Choice(region), tuple(countries.split())
    assert choice.includes(codes, domestic) is included
    assert choice.is_due(codes, domestic) is due


def test_the_union_has_twenty_seven_members() -> None:
    assert len(EUROPEAN_UNION) == 27
    assert not EUROPEAN_UNION & {"GB", "CH", "NO", "EL", "UK"}
