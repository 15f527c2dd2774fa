"""The journey of a call, from its facts to its evidence, by a door that is a plain function."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from callcentre_disclosure.disclosure.announcement import announcement, generic_announcement
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage
from callcentre_disclosure.disclosure.commands import (
    Answer,
    FindChannel,
    HangUp,
    Play,
    SetVariables,
)
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
from tests.conftest import FRENCH, sound_of
from tests.unit.disclosure.journeys import (
    CALL,
    HUNG_UP,
    LOST,
    MONDAY_NOON,
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
)


def test_the_caller_is_told_the_possible_countries(directory: Directory) -> None:
    record, commands = journey(directory)
    assert kinds(commands) == [Answer, Play, SetVariables]
    assert texts(commands) == [
        "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
    ]
    assert variables(commands) == {
        "DISCLOSURE_STATUS": "DISCLOSED",
        "DISCLOSURE_COUNTRIES": "MA,TN",
        "DISCLOSURE_TOLD": "possible MA TN",
        "DISCLOSURE_ID": "id-1",
        "DISCLOSURE_SITE": "",
        "DISCLOSURE_DISPOSITION": "CONTINUE_IN_DIALPLAN",
        "DISCLOSURE_CHOICE": "",
    }
    assert record.outcome is DisclosureOutcome.DISCLOSED
    assert record.cause == ""
    assert record.resolution.basis is Basis.DNID


def test_the_caller_is_told_the_country_of_the_agent_who_answered(directory: Directory) -> None:
    call = replace(CALL, stage=Stage.ANSWERED, agent="PJSIP/201", queue="support")
    record, commands = journey(directory, call)
    assert texts(commands) == ["Votre conseiller, situé au Maroc, va vous répondre."]
    assert variables(commands)["DISCLOSURE_SITE"] == "casablanca"
    assert record.disposition is Disposition.BRIDGE


def test_an_unknown_agent_of_a_queue_is_announced_as_possible_countries(
    directory: Directory,
) -> None:
    call = replace(CALL, stage=Stage.ANSWERED, agent="PJSIP/999", queue="support")
    record, commands = journey(directory, call)
    assert record.resolution.basis is Basis.QUEUE
    assert record.cause == "agent PJSIP/999 is not in the configuration"
    assert texts(commands) == [
        "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
    ]


@pytest.mark.parametrize(
    ("call", "outcome", "spoken", "disposition"),
    [
        pytest.param(
            replace(CALL, dialled_number="+4930123456", language="fr"),
            DisclosureOutcome.NOT_DISCLOSED,
            ["Votre appel pourra être traité dans un autre pays, merci de patienter."],
            Disposition.CONTINUE_IN_DIALPLAN,
            id="unknown number, generic sentence",
        ),
        pytest.param(
            replace(CALL, dialled_number=None, channel_language="en"),
            DisclosureOutcome.NOT_DISCLOSED,
            ["Your call may be handled in another country, please hold."],
            Disposition.CONTINUE_IN_DIALPLAN,
            id="no number at all",
        ),
    ],
)
def test_an_unresolved_call_follows_the_policy(
    directory: Directory,
    call: CallFacts,
    outcome: DisclosureOutcome,
    spoken: list[str],
    disposition: Disposition,
) -> None:
    record, commands = journey(directory, call)
    assert (record.outcome, record.disposition) == (outcome, disposition)
    assert texts(commands) == spoken
    assert record.cause == "no site resolved"
    assert variables(commands)["DISCLOSURE_COUNTRIES"] == ""


@pytest.mark.parametrize(
    ("number", "spoken", "ends"),
    [
        ("+33184880001", ["dans un autre pays"], [SetVariables]),
        ("+33184880002", [], [SetVariables, HangUp]),
        ("+33184880003", [], [SetVariables]),
    ],
    ids=["generic", "refuse", "silent"],
)
def test_a_missing_sound_follows_the_policy(
    directory: Directory, number: str, spoken: list[str], ends: list[type]
) -> None:
    sentence = generic_announcement(FRENCH, Direction.INBOUND)
    only_generic = replace(directory, sounds={sentence.sound_name: sound_of(sentence)})
    call = replace(CALL, dialled_number=number, language="fr")
    record, commands = journey(only_generic, call)
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED
    assert record.cause.startswith("missing: sound fr/possible-")
    assert len(texts(commands)) == len(spoken)
    assert all(part in text for part, text in zip(spoken, texts(commands), strict=True))
    assert kinds(commands)[-len(ends) :] == ends


def test_without_any_sound_the_call_goes_on(without_sounds: Directory) -> None:
    record, commands = journey(without_sounds)
    assert kinds(commands) == [SetVariables]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED
    assert record.playbacks == ()


def test_a_sound_that_asterisk_cannot_play_is_replaced_by_the_generic_one(
    directory: Directory,
) -> None:
    record, _ = journey(directory, door=but({"/possible-": REFUSED}))
    results = [playback.result for playback in record.playbacks]
    assert results == [PlaybackResult.FAILED, PlaybackResult.COMPLETE]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED


def test_a_caller_who_leaves_during_the_generic_sentence_has_abandoned(
    directory: Directory,
) -> None:
    record, commands = journey(directory, door=but({"/possible-": REFUSED, "/generic": HUNG_UP}))
    assert record.outcome is DisclosureOutcome.ABANDONED
    assert not any(isinstance(command, HangUp) for command in commands)


@pytest.mark.parametrize(
    ("how", "played", "outcome", "disposition"),
    [
        (Ending.HANGUP, 1.0, DisclosureOutcome.ABANDONED, Disposition.HANG_UP),
        (Ending.KEY, 1.0, DisclosureOutcome.PARTIAL, Disposition.CONTINUE_IN_DIALPLAN),
        (Ending.DEADLINE, 0.0, DisclosureOutcome.NOT_DISCLOSED, Disposition.CONTINUE_IN_DIALPLAN),
        (Ending.LOST, 0.0, DisclosureOutcome.NOT_DISCLOSED, Disposition.CONTINUE_IN_DIALPLAN),
    ],
)
def test_a_playback_that_did_not_end_well(
    directory: Directory,
    how: Ending,
    played: float,
    outcome: DisclosureOutcome,
    disposition: Disposition,
) -> None:
    record, commands = journey(directory, door=ending(how, played, played))
    assert (record.outcome, record.disposition) == (outcome, disposition)
    assert len(texts(commands)) == 1, "after that nothing more can be played"
    assert record.cause


def test_a_refusing_route_hangs_up_on_a_call_that_was_told_in_part(directory: Directory) -> None:
    call = replace(CALL, dialled_number="+33184880002")
    record, commands = journey(directory, call, ending(Ending.FINISHED, 1.0, 1.0))
    assert record.outcome is DisclosureOutcome.PARTIAL
    assert isinstance(commands[-1], HangUp)


def test_a_caller_who_leaves_while_the_call_is_answered(directory: Directory) -> None:
    record, commands = journey(directory, door=but({Answer: PlaybackReport(Ending.HANGUP)}))
    assert record.outcome is DisclosureOutcome.ABANDONED
    assert not texts(commands)
    assert record.playbacks == ()


def test_a_country_without_words_is_a_missing_announcement(directory: Directory) -> None:
    wording = directory.wordings.get("fr")
    assert wording is not None
    only = {"MA": wording.countries["MA"]}
    speechless = replace(directory, wordings={"fr": replace(wording, countries=only)})
    record, _ = journey(speechless)
    assert record.cause == "missing: words for TN in fr"


def test_a_site_that_is_not_known_is_named_in_the_evidence(directory: Directory) -> None:
    record, _ = journey(directory, replace(CALL, site="casablnca"))
    assert record.outcome is DisclosureOutcome.DISCLOSED
    assert record.cause == "site casablnca is not in the configuration"


def test_a_queue_that_is_not_known_is_named(directory: Directory) -> None:
    misspelt = replace(CALL, queue="suport")
    record, _ = journey(directory, misspelt)
    assert record.cause == "queue suport is not in the configuration"
    insisted, _ = journey(directory, replace(misspelt, site="casablanca"))
    assert insisted.cause == ""


def test_closed_sites_are_not_announced(directory: Directory) -> None:
    call = replace(CALL, dialled_number="+33184880002", language="en")
    _, at_noon = journey(directory, call)
    _, at_night = journey(directory, call, at=MONDAY_NOON + timedelta(hours=10))
    assert variables(at_noon)["DISCLOSURE_COUNTRIES"] == "FR,MA"
    assert variables(at_night)["DISCLOSURE_COUNTRIES"] == "MA"


def test_a_whole_journey_opens_nothing(directory: Directory) -> None:
    opened: list[str] = []
    watching = True

    def hook(event: str, _: tuple[object, ...]) -> None:
        if watching and event.split(".")[0] in {"open", "os", "socket", "sqlite3", "subprocess"}:
            opened.append(event)

    journey(directory)  # what is imported lazily is imported now
    sys.addaudithook(hook)
    journey(directory)
    watching = False
    assert opened == []


COMPANY = "Bienvenue chez Alpha."
COUNTRIES = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
RECORDING = "Cet appel peut être enregistré."


@pytest.fixture
def framed(directory: Directory) -> Directory:
    """A company that says its name, and that calls are recorded."""
    framed = treated(directory, company="Alpha", segments=("recording",))
    route = framed.routes.get("service")
    assert route is not None
    return replace(framed, default_route=replace(route, sites=()))


def test_the_company_is_named_before_the_countries_and_what_is_added_comes_after(
    framed: Directory,
) -> None:
    record, commands = journey(framed)
    assert texts(commands) == [COMPANY, COUNTRIES, RECORDING]
    assert record.outcome is DisclosureOutcome.DISCLOSED
    assert record.cause == ""
    assert len(record.playbacks) == 3


def test_once_an_agent_has_answered_only_the_country_is_said(framed: Directory) -> None:
    _, commands = journey(framed, replace(CALL, stage=Stage.ANSWERED, agent="PJSIP/201"))
    assert len(texts(commands)) == 1


def test_who_is_called_hears_the_company_with_the_country_of_the_agent(framed: Directory) -> None:
    call = replace(CALL, direction=Direction.OUTBOUND, stage=Stage.ANSWERED, agent="PJSIP/201")
    _, commands = journey(framed, call)
    assert texts(commands) == [
        "Bonjour, Alpha vous appelle.",
        "Votre conseiller vous appelle du Maroc, vous êtes en ligne.",
        RECORDING,
    ]


def test_calls_of_the_callers_own_country(directory: Directory) -> None:
    french = replace(directory, domestic_country="FR")
    call = replace(CALL, queue="lyon-only")
    _, commands = journey(french, call)
    assert texts(commands) == ["Votre appel sera traité en France, merci de patienter."]


def test_a_caller_who_leaves_during_the_companys_name_was_not_told(framed: Directory) -> None:
    record, commands = journey(framed, door=ending(Ending.HANGUP, 1.0, 1.0))
    assert texts(commands) == [COMPANY]
    assert record.outcome is DisclosureOutcome.ABANDONED
    assert record.disposition is Disposition.HANG_UP
    assert variables(commands)["DISCLOSURE_COUNTRIES"] == ""
    assert record.cause.startswith("CALLER_HUNG_UP: fr/company-")


def test_a_caller_who_leaves_after_the_countries_was_told(framed: Directory) -> None:
    record, _ = journey(framed, door=but({"/segment-": HUNG_UP}))
    assert record.outcome is DisclosureOutcome.DISCLOSED
    assert record.cause.startswith("CALLER_HUNG_UP: fr/segment-recording-")


def test_what_has_no_sound_is_left_out_and_the_evidence_says_so(framed: Directory) -> None:
    only = announcement(FRENCH, Direction.INBOUND, Stage.POSSIBLE, ("MA", "TN"))
    assert only is not None
    record, commands = journey(replace(framed, sounds={only.sound_name: sound_of(only)}))
    assert texts(commands) == [COUNTRIES]
    assert record.outcome is DisclosureOutcome.DISCLOSED
    company, recording = record.cause.split("; ")
    assert company.startswith("missing: sound fr/company-")
    assert recording.startswith("missing: sound fr/segment-recording-")


def test_nothing_is_added_for_a_call_that_is_refused(framed: Directory) -> None:
    refusing = treated(framed, on_failure=FailurePolicy.REFUSE)
    _, commands = journey(refusing, door=but({"/possible-": REFUSED}))
    assert texts(commands) == [COMPANY, COUNTRIES, "Nous ne pouvons pas vous mettre en relation."]
    assert isinstance(commands[-1], HangUp)


def test_after_a_lost_connection_nothing_more_is_tried(framed: Directory) -> None:
    record, commands = journey(framed, door=ending(Ending.LOST))
    assert texts(commands) == [COMPANY]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED


ON_THE_LINE = replace(CALL, stage=Stage.ANSWERED, agent="PJSIP/201-0000001a")


@pytest.mark.parametrize(
    ("door", "disposition", "cause"),
    [
        (completely, Disposition.BRIDGE, ""),
        (but({FindChannel: REFUSED}), Disposition.CONTINUE_IN_DIALPLAN, "the agent had hung up"),
        (but({FindChannel: LOST, SetVariables: LOST}), Disposition.BRIDGE, ""),
    ],
    ids=["there", "gone", "nobody knows"],
)
def test_an_agent_who_has_hung_up_meanwhile_is_not_connected(
    directory: Directory, door: Door, disposition: Disposition, cause: str
) -> None:
    record, commands = journey(directory, ON_THE_LINE, door)
    assert commands[-2] == FindChannel("PJSIP/201-0000001a")
    assert (record.disposition, record.cause) == (disposition, cause)
    assert variables(commands)["DISCLOSURE_DISPOSITION"] == disposition.value
    assert record.outcome is DisclosureOutcome.DISCLOSED, "the caller was told all the same"


@pytest.mark.parametrize(
    ("call", "door"),
    [
        (replace(CALL, stage=Stage.ANSWERED, agent="PJSIP/201"), completely),
        (replace(CALL, stage=Stage.ANSWERED), completely),
        (CALL, completely),
        (ON_THE_LINE, but({"/answered-": HUNG_UP})),
    ],
    ids=["known by interface", "not known", "not answered yet", "the caller has left"],
)
def test_who_is_not_on_a_known_line_is_not_looked_for(
    directory: Directory, call: CallFacts, door: Door
) -> None:
    _, commands = journey(directory, call, door)
    assert FindChannel not in kinds(commands)
