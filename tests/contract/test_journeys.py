"""The same journeys through every door: what the caller hears, the dialplan reads, and the
evidence says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from callcentre_disclosure.testing import FakeChannel, Fault
from tests.call_centre import CallCentre
from tests.contract.conftest import SECONDS, Call

POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
ANSWERED_MA = "Votre appel sera traité au Maroc, merci de patienter."
ANSWERED_TN = "Votre appel sera traité en Tunisie, merci de patienter."
CALLED_FROM_MA = "Votre conseiller vous appelle du Maroc, vous êtes en ligne."
GENERIC_EN = "Your call may be handled in another country, please hold."
FRANCE_EN = "Your call will be handled in France, please hold."

Dial = Callable[..., FakeChannel]


@pytest.mark.parametrize(
    ("number", "told", "status", "countries", "disposition"),
    [
        (
            "0184880001",
            {},
            "DISCLOSED",
            "MA,TN",
            "CONTINUE_IN_DIALPLAN",
        ),
        (
            "+33184880002",
            {},
            "DISCLOSED",
            "FR",
            "CONTINUE_IN_DIALPLAN",
        ),
        (
            "0184880001",
            {
                "arguments": ["stage=answered"],
                "variables": {"MEMBERINTERFACE": "PJSIP/201", "QUEUENAME": "support"},
            },
            "DISCLOSED",
            "MA",
            "BRIDGE",
        ),
        (
            "0184880001",
            {"arguments": ["stage=answered", "agent=PJSIP/301-0000002a"]},
            "DISCLOSED",
            "TN",
            "BRIDGE",
        ),
        ("0999999999", {}, "NOT_DISCLOSED", "", "CONTINUE_IN_DIALPLAN"),
        (
            "0184880001",
            {"fault": Fault(hang_up_after=SECONDS / 2)},
            "ABANDONED",
            "MA,TN",
            "HANG_UP",
        ),
        ("0184880003", {"fault": Fault(missing=True)}, "NOT_DISCLOSED", "", "CONTINUE_IN_DIALPLAN"),
        ("0184880002", {"fault": Fault(missing=True)}, "NOT_DISCLOSED", "", "HANG_UP"),
        ("0184880002", {"fault": Fault(empty=True)}, "NOT_DISCLOSED", "", "HANG_UP"),
        ("0184880001", {"fault": Fault(press="5")}, "DISCLOSED", "MA,TN", "CONTINUE_IN_DIALPLAN"),
        ("0184880001", {"fault": Fault(slow=0.05)}, "DISCLOSED", "MA,TN", "CONTINUE_IN_DIALPLAN"),
    ],
    ids=[
        "possible countries",
        "one country, language of the channel",
        "agent of a queue",
        "agent who was dialled",
        "unknown number",
        "caller hangs up",
        "missing sound, silent",
        "missing sound, refused",
        "empty sound, refused",
        "a key does not cut",
        "slow Asterisk",
    ],
)
def test_a_call_has_one_outcome_whatever_its_door(
    door: Call,
    dial: Dial,
    centre: CallCentre,
    number: str,
    told: dict[str, object],
    status: str,
    countries: str,
    disposition: str,
) -> None:
    channel = door(dial(number, **told))
    variables = channel.variables
    assert variables["DISCLOSURE_STATUS"] == status
    assert variables["DISCLOSURE_COUNTRIES"] == countries
    assert variables["DISCLOSURE_DISPOSITION"] == disposition
    (record,) = centre.evidence()
    assert record["id"] == variables["DISCLOSURE_ID"]
    assert (record["outcome"], record["disposition"]) == (status, disposition)
    assert (disposition == "HANG_UP") is (channel.timeline[-1] == "hung up")


@pytest.mark.parametrize(
    ("number", "keywords", "timeline"),
    [
        ("0184880001", {}, ["answered", POSSIBLE, "connected"]),
        ("0184880002", {"language": "en"}, ["answered", FRANCE_EN, "connected"]),
        ("0999999999", {"language": "en_GB"}, ["answered", GENERIC_EN, "connected"]),
        (
            "0184880001",
            {"arguments": ["stage=answered", "agent=PJSIP/201"]},
            ["answered", ANSWERED_MA, "connected"],
        ),
        (
            "0184880001",
            {"arguments": ["stage=answered", "agent=PJSIP/301"]},
            ["answered", ANSWERED_TN, "connected"],
        ),
        (
            "0184880002",
            {"fault": Fault(hang_up_after=0)},
            ["hung up"],
        ),
        (
            "0184880004",
            {},
            [
                "answered",
                "Bienvenue chez Alpha.",
                "Votre appel pourra être traité en Tunisie, merci de patienter.",
                "Cet appel peut être enregistré.",
                "Cet appel est taxé.",
                "connected",
            ],
        ),
        (
            "+33612345678",
            {
                "arguments": ["stage=answered", "direction=outbound", "agent=PJSIP/201"],
                "language": "fr",
            },
            ["answered", CALLED_FROM_MA, "connected"],
        ),
    ],
)
def test_the_caller_hears_it_before_the_connection(
    door: Call, dial: Dial, number: str, keywords: dict[str, object], timeline: list[str]
) -> None:
    assert door(dial(number, **keywords)).timeline == timeline


@pytest.mark.parametrize("command", ["ANSWER", "STREAM FILE", "EXEC"])
def test_asterisk_may_go_away_at_any_moment(
    door: Call, dial: Dial, centre: CallCentre, command: str
) -> None:
    door(dial(fault=Fault(die_on=command)))
    (record,) = centre.evidence()
    told = "DISCLOSED" if command == "EXEC" else "NOT_DISCLOSED"
    assert record["outcome"] == told
