"""The journey of a call, from its facts to its evidence, by a door that is a plain function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from callcentre_disclosure.disclosure.announcement import announcement, generic_announcement
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import (
    DisclosureOutcome,
    Disposition,
    Ending,
    PlaybackReport,
    PlaybackResult,
)
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.route import FailurePolicy
from callcentre_disclosure.disclosure.session import (
    Answer,
    Command,
    HangUp,
    Play,
    SetVariables,
    disclose,
)
from callcentre_disclosure.disclosure.sites import Basis
from tests.conftest import FRENCH, sound_of

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
CALL = CallFacts("1.1", "PJSIP/trunk-00000001", "test", dialled_number="+33184880001")

Door = Callable[[Command], "PlaybackReport | None"]


def completely(command: Command) -> PlaybackReport | None:
    """A door on which everything works."""
    if isinstance(command, Play):
        seconds = command.prompt.sound.seconds
        return PlaybackReport(Ending.FINISHED, seconds, seconds)
    return None


def ending(how: Ending, played: float = 0.0, elapsed: float = 0.0) -> Door:
    """A door on which every playback ends like that."""

    def door(command: Command) -> PlaybackReport | None:
        return PlaybackReport(how, played, elapsed) if isinstance(command, Play) else None

    return door


def journey(
    directory: Directory,
    call: CallFacts = CALL,
    door: Door = completely,
    at: datetime = MONDAY_NOON,
) -> tuple[LedgerRecord, list[Command]]:
    session = disclose(call, directory, disclosure_id="id-1", received_at=at)
    commands: list[Command] = []
    report: PlaybackReport | None = None
    while True:
        try:
            command = session.send(report)
        except StopIteration as stop:
            record: LedgerRecord = stop.value
            return record, commands
        commands.append(command)
        report = door(command)


def texts(commands: list[Command]) -> list[str]:
    return [c.prompt.announcement.text for c in commands if isinstance(c, Play)]


def variables(commands: list[Command]) -> dict[str, str]:
    (only,) = (c for c in commands if isinstance(c, SetVariables))
    return {name.lstrip("_"): value for name, value in only.variables.items()}


def test_the_caller_is_told_the_possible_countries(directory: Directory) -> None:
    record, commands = journey(directory)
    assert [type(command) for command in commands] == [Answer, Play, SetVariables]
    assert texts(commands) == [
        "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
    ]
    assert variables(commands) == {
        "DISCLOSURE_STATUS": "DISCLOSED",
        "DISCLOSURE_COUNTRIES": "MA,TN",
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
    assert [type(command) for command in commands][-len(ends) :] == ends


def test_without_any_sound_the_call_goes_on(without_sounds: Directory) -> None:
    record, commands = journey(without_sounds)
    assert [type(command) for command in commands] == [SetVariables]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED
    assert record.playbacks == ()


def test_a_sound_that_asterisk_cannot_play_is_replaced_by_the_generic_one(
    directory: Directory,
) -> None:
    def door(command: Command) -> PlaybackReport | None:
        if isinstance(command, Play) and "possible" in command.prompt.sound.path:
            return PlaybackReport(Ending.REFUSED)
        return completely(command)

    record, _ = journey(directory, door=door)
    results = [playback.result for playback in record.playbacks]
    assert results == [PlaybackResult.FAILED, PlaybackResult.COMPLETE]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED


def test_a_caller_who_leaves_during_the_generic_sentence_has_abandoned(
    directory: Directory,
) -> None:
    def door(command: Command) -> PlaybackReport | None:
        if isinstance(command, Play):
            failed = "possible" in command.prompt.sound.path
            return PlaybackReport(Ending.REFUSED if failed else Ending.HANGUP)
        return None

    record, commands = journey(directory, door=door)
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
    def door(command: Command) -> PlaybackReport | None:
        return PlaybackReport(Ending.HANGUP) if isinstance(command, Answer) else None

    record, commands = journey(directory, door=door)
    assert record.outcome is DisclosureOutcome.ABANDONED
    assert not texts(commands)


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
    route = directory.routes.get("+33184880001")
    assert route is not None
    framed = replace(route, company="Alpha", segments=("recording",))
    routes = {"+33184880001": framed}
    return replace(directory, routes=routes, default_route=replace(framed, sites=()))


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
    def door(command: Command) -> PlaybackReport | None:
        if isinstance(command, Play) and "/segment-" in command.prompt.announcement.sound_name:
            return PlaybackReport(Ending.HANGUP, 0.5, 0.5)
        return completely(command)

    record, _ = journey(framed, door=door)
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
    route = framed.routes.get("+33184880001")
    assert route is not None
    refusing = replace(route, on_failure=FailurePolicy.REFUSE)

    def door(command: Command) -> PlaybackReport | None:
        if isinstance(command, Play) and "/possible-" in command.prompt.announcement.sound_name:
            return PlaybackReport(Ending.REFUSED)
        return completely(command)

    _, commands = journey(replace(framed, routes={"+33184880001": refusing}), door=door)
    assert texts(commands) == [COMPANY, COUNTRIES]
    assert isinstance(commands[-1], HangUp)


def test_after_a_lost_connection_nothing_more_is_tried(framed: Directory) -> None:
    record, commands = journey(framed, door=ending(Ending.LOST))
    assert texts(commands) == [COMPANY]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED
