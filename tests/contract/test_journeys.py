"""The same journeys through every door: what the caller hears, the dialplan reads, and the
evidence says.

Two things cannot be the same over ARI. Where AGI still sets variables on the channel of a caller
who has left, there is none any more, and the evidence says that they were not set. And an Asterisk
that dies breaks AGI's connection, while the one that comes back says to ARI that the channel is
gone, as it is when a caller leaves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from callcentre_disclosure.testing import FakeChannel, Fault
from callcentre_disclosure.testing.fake_ari import FakeAsterisk
from tests.call_centre import CallCentre, Server
from tests.contract.conftest import SECONDS, Call, by_ari, by_driver, by_script, by_server

POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
ANSWERED_MA = "Votre appel sera traité au Maroc, merci de patienter."
ANSWERED_TN = "Votre appel sera traité en Tunisie, merci de patienter."
CALLED_FROM_MA = "Votre conseiller vous appelle du Maroc, vous êtes en ligne."
EVERYWHERE = "Votre appel pourra être traité au Maroc, en Tunisie ou en France, merci de patienter."
GENERIC = "Votre appel pourra être traité dans un autre pays, merci de patienter."
SORRY = "Nous ne pouvons pas vous mettre en relation, veuillez nous excuser."
OFFER = "Pour parler à un conseiller situé dans l'Union européenne, appuyez sur 1 maintenant."
TO_THE_CHOICE = "redirected to disclosure-choice,eu-service,1"
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
    over_ari: bool,
) -> None:
    channel = door(dial(number, **told))
    variables = channel.variables
    (record,) = centre.evidence()
    if not (over_ari and status == "ABANDONED"):
        assert variables["DISCLOSURE_STATUS"] == status
        assert variables["DISCLOSURE_COUNTRIES"] == countries
        assert variables["DISCLOSURE_DISPOSITION"] == disposition
        assert record["id"] == variables["DISCLOSURE_ID"]
    assert (record["outcome"], record["disposition"]) == (status, disposition)
    assert ",".join(record["announced"]) == countries
    assert (disposition == "HANG_UP") is channel.timeline[-1].startswith("hung up")


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
    door: Call, dial: Dial, centre: CallCentre, command: str, over_ari: bool
) -> None:
    door(dial(fault=Fault(die_on=command)))
    (record,) = centre.evidence()
    untold = "ABANDONED" if over_ari else "NOT_DISCLOSED"
    assert record["outcome"] == ("DISCLOSED" if command == "EXEC" else untold)


CHOOSY, EVERY, NOWHERE = "0184880005", "0184880006", "0184880007"
FREE, EARLY, PROMPT = "0184880008", "0184880011", "0184880010"
AT_THE_ANSWER = {"arguments": ["stage=answered", "agent=PJSIP/201-0000001a"]}


def before(told: str) -> dict[str, dict[str, str]]:
    """What the call was told before it came here."""
    countries = ",".join(told.split()[1:])
    known = {"DISCLOSURE_STATUS": "DISCLOSED", "DISCLOSURE_COUNTRIES": countries}
    return {"variables": {"DISCLOSURE_TOLD": told, **known}}


#: A call, what its caller hears, and of its evidence: outcome, announced countries, and the cause.
Journey = tuple[tuple[str, dict[str, Any]], list[str], tuple[str, str, str]]
JOURNEYS: dict[str, Journey] = {
    "the offer is passed over": (
        (CHOOSY, {}),
        ["early media", POSSIBLE, OFFER, "connected"],
        ("DISCLOSED", "MA TN", ""),
    ),
    "the offer is taken": (
        (CHOOSY, {"fault": Fault(press="1", press_in="appuyez", press_after=0.1)}),
        ["early media", POSSIBLE, TO_THE_CHOICE],
        ("DISCLOSED", "MA TN", ""),
    ),
    "the offer is taken after its end": (
        (CHOOSY, {"fault": Fault(press="1", press_in="appuyez", press_after=0.3)}),
        ["early media", POSSIBLE, OFFER, TO_THE_CHOICE],
        ("DISCLOSED", "MA TN", ""),
    ),
    "the offer is taken before it is made": (
        (CHOOSY, {"fault": Fault(press="1", press_in="pourra", press_after=0.1)}),
        ["early media", POSSIBLE, TO_THE_CHOICE],
        ("DISCLOSED", "MA TN", ""),
    ),
    "the offer is answered by a wrong key": (
        (CHOOSY, {"fault": Fault(press="5", press_in="appuyez", press_after=0.1)}),
        ["early media", POSSIBLE, "connected"],
        ("DISCLOSED", "MA TN", ""),
    ),
    "the caller leaves in the offer": (
        (CHOOSY, {"fault": Fault(hang_up_on="WAIT FOR DIGIT")}),
        ["early media", POSSIBLE, OFFER, "hung up"],
        ("DISCLOSED", "MA TN", "CALLER_HUNG_UP: fr/choice-eu-"),
    ),
    "the dialplan has no choice": (
        (CHOOSY, {"extensions": []}),
        ["early media", POSSIBLE, "connected"],
        ("DISCLOSED", "MA TN", "the dialplan has no disclosure-choice,eu-service,1"),
    ),
    "an agent in the region": (
        (CHOOSY, {"arguments": ["stage=answered", "site=lyon"]}),
        ["early media", "Votre appel sera traité en France, merci de patienter.", "connected"],
        ("DISCLOSED", "FR", ""),
    ),
    "the telephone refuses texts": (
        (CHOOSY, {"fault": Fault(no_text=True)}),
        ["early media", POSSIBLE, OFFER, "connected"],
        ("DISCLOSED", "MA TN", ""),
    ),
    "early media": (
        (EARLY, {}),
        ["early media", POSSIBLE, "connected"],
        ("DISCLOSED", "MA TN", ""),
    ),
    "a trunk that mutes it": (
        (EARLY, {"channel": "PJSIP/deaf-00000001"}),
        ["answered", POSSIBLE, "connected"],
        ("DISCLOSED", "MA TN", ""),
    ),
    "a call that is up": (
        (EARLY, {"variables": {"CHANNEL(state)": "Up"}}),
        [POSSIBLE, "connected"],
        ("DISCLOSED", "MA TN", ""),
    ),
    "refused with a sentence": (
        ("0184880002", {"language": "fr", "without": "/domestic-"}),
        ["answered", SORRY, "hung up with cause 21"],
        ("NOT_DISCLOSED", "", "FAILED: fr/domestic-fr-"),
    ),
    "every country, for want of a sound": (
        (EVERY, {"without": "/possible-ma-tn-08"}),
        ["answered", EVERYWHERE, "connected"],
        ("DISCLOSED", "MA TN FR", "FAILED: fr/possible-ma-tn-"),
    ),
    "every country, for want of a site": (
        (NOWHERE, {}),
        ["answered", EVERYWHERE, "connected"],
        ("PARTIAL", "MA TN FR", "no site resolved"),
    ),
    "no country, for want of both": (
        (NOWHERE, {"without": "/possible-"}),
        ["answered", GENERIC, "connected"],
        ("NOT_DISCLOSED", "", "no site resolved; FAILED: fr/possible-ma-tn-fr-"),
    ),
    "no rule": ((FREE, {}), ["connected"], ("NOT_REQUIRED", "", "")),
    "no rule, says the dialplan": (
        ("0184880001", {"arguments": ["profile=none"]}),
        ["connected"],
        ("NOT_REQUIRED", "", ""),
    ),
    "told before": (
        ("0184880001", before("possible MA TN")),
        ["connected"],
        ("NOT_REQUIRED", "", ""),
    ),
    "told of one country before": (
        ("0184880001", {**AT_THE_ANSWER, **before("possible MA")}),
        ["connected"],
        ("NOT_REQUIRED", "", ""),
    ),
    "told of two, answered in one": (
        ("0184880001", {**AT_THE_ANSWER, **before("possible MA TN")}),
        ["answered", ANSWERED_MA, "connected"],
        ("DISCLOSED", "MA", ""),
    ),
    "transferred to another country": (
        ("0184880001", {**AT_THE_ANSWER, **before("answered TN")}),
        ["answered", ANSWERED_MA, "connected"],
        ("DISCLOSED", "MA", ""),
    ),
    "the agent leaves meanwhile": (
        ("0184880001", {**AT_THE_ANSWER, "fault": Fault(agent_leaves=True)}),
        ["answered", ANSWERED_MA, "connected"],
        ("DISCLOSED", "MA", "the agent had hung up"),
    ),
    "too late": (
        (PROMPT, {"unique_id": "1763800000.1"}),
        ["answered", POSSIBLE, "connected"],
        ("PARTIAL", "MA TN", "told "),
    ),
}


@pytest.mark.parametrize(("call", "timeline", "evidence"), JOURNEYS.values(), ids=JOURNEYS)
def test_what_a_call_is_told_and_what_the_evidence_says(
    door: Call,
    dial: Dial,
    centre: CallCentre,
    call: tuple[str, dict[str, Any]],
    timeline: list[str],
    evidence: tuple[str, str, str],
    over_ari: bool,
) -> None:
    number, keywords = call
    channel = door(dial(number, **keywords))
    assert channel.timeline == timeline
    (record,) = centre.evidence()
    outcome, announced, cause = evidence
    assert (record["outcome"], record["announced"]) == (outcome, announced.split())
    assert record["cause"].startswith(cause)
    assert bool(cause) is bool(record["cause"])
    left = timeline[-1] == "hung up"
    assert record["carried_out"] is not (over_ari and left)
    if over_ari and left:
        return
    if outcome != "NOT_REQUIRED" or "variables" not in keywords:
        assert channel.variables["DISCLOSURE_STATUS"] == outcome
        assert channel.variables["DISCLOSURE_COUNTRIES"] == announced.replace(" ", ",")
    else:
        assert channel.variables["DISCLOSURE_STATUS"] == "DISCLOSED", "as it was before"


def test_every_sentence_comes_as_a_text_too(door: Call, dial: Dial, centre: CallCentre) -> None:
    assert door(dial(CHOOSY)).read == [POSSIBLE, OFFER]
    (record,) = centre.evidence()
    assert [playback["text_sent"] for playback in record["playbacks"]] == [True, True]
    assert record["media"] == "early"


@pytest.mark.parametrize(
    "command", ["GET FULL VARIABLE ${DIALPLAN", "EXEC Progress", "SEND TEXT", "WAIT FOR DIGIT"]
)
def test_asterisk_may_go_away_at_any_new_moment(
    door: Call, dial: Dial, centre: CallCentre, command: str, over_ari: bool
) -> None:
    door(dial(CHOOSY, fault=Fault(die_on=command)))
    (record,) = centre.evidence()
    untold = "ABANDONED" if over_ari else "NOT_DISCLOSED"
    told = "DISCLOSED" if command == "WAIT FOR DIGIT" else untold
    assert (record["outcome"], record["carried_out"]) == (told, False)


def test_a_call_that_is_transferred_again_and_again(
    door: Call, dial: Dial, centre: CallCentre
) -> None:
    """Queue, choice, another queue, its agent, and an agent elsewhere."""
    variables: dict[str, str] = {}
    heard = []
    for arguments, fault in (
        ([], Fault(press="1", press_in="appuyez", press_after=0.1)),
        (["queue=eu-service"], Fault()),
        (["queue=eu-service", "stage=answered", "site=lyon"], Fault()),
        (["stage=answered", "agent=PJSIP/301"], Fault()),
        (["stage=answered", "agent=PJSIP/302"], Fault()),
    ):
        channel = door(dial(CHOOSY, arguments=arguments, variables=variables, fault=fault))
        variables = {k: v for k, v in channel.variables.items() if k.startswith("DISCLOSURE_")}
        if "DISCLOSURE_CHOSEN_AT" in variables:  # a call in the fake's own time is ahead of ours
            variables["DISCLOSURE_CHOSEN_AT"] = f"{time.time() - 60:.3f}"
        heard += channel.heard
    assert heard == [
        POSSIBLE,
        "Votre appel sera traité en France, merci de patienter.",
        ANSWERED_TN,
    ]
    records = centre.evidence()
    assert [record["outcome"] for record in records] == [
        "DISCLOSED",
        "DISCLOSED",
        "NOT_REQUIRED",
        "DISCLOSED",
        "NOT_REQUIRED",
    ]
    assert [record["told_before"] for record in records] == [
        None,
        "possible MA TN",
        "possible FR",
        "answered FR",
        "answered TN",
    ]
    assert [record["offer"] is not None for record in records] == [True, *[False] * 4]
    waits = [record["waited_since_choice"] is not None for record in records]
    assert waits == [False, False, True, True, True]
    assert variables["DISCLOSURE_CHOICE"] == "1"
    assert variables["DISCLOSURE_COUNTRIES"] == "TN"


def test_whatever_the_door_variables_and_evidence_are_the_same(
    centre: CallCentre, asterisk: FakeAsterisk, server: Server
) -> None:
    """But for the times, the ids, and the names of the door and of the Asterisk behind it."""
    doors = [
        (by_driver(centre), None),
        (by_script(centre), None),
        (by_server(server), "disclose"),
        (by_ari(centre, asterisk), None),
    ]
    spoken = centre.prompts()
    for name in ("the offer is taken", "refused with a sentence", "told of two, answered in one"):
        (number, keywords), _, _ = JOURNEYS[name]
        without = str(keywords.get("without", "nothing"))
        own = {key: keywords[key] for key in keywords if key != "without"}
        said = []
        for door, script in doors:
            channel = FakeChannel(
                number,
                sounds=[p for p in spoken if without not in p.announcement.sound_name],
                extensions=["disclosure-choice,eu-service"],
                script=script,
                **own,
            )
            door(channel)
            said.append((channel.timeline, channel.read, timeless(channel.variables)))
        assert said == said[:1] * len(doors)
        records = centre.evidence()[-len(doors) :]
        assert {record.pop("door") for record in records} == {"agi", "fastagi", "ari"}
        assert all(record.pop("asterisk") for record in records)
        kept = [timeless(record) for record in records]
        assert kept == kept[:1] * len(doors)


def timeless(told: Mapping[str, Any]) -> dict[str, Any]:
    """What does not depend on the clock."""
    times = {"id", "received_at", "began_at", "told_at", "chosen_at", "elapsed", "played", "waited"}
    times |= {"DISCLOSURE_ID", "DISCLOSURE_CHOSEN_AT"}
    return {
        key: timeless(value)
        if isinstance(value, dict)
        else [timeless(one) if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else value
        for key, value in told.items()
        if key not in times
    }
