"""How a caller hears an announcement, before the answer or after it, and how one reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callcentre_disclosure.disclosure.call import Stage
from callcentre_disclosure.disclosure.commands import (
    Answer,
    Ask,
    FindExtension,
    HangUp,
    Play,
    Progress,
    SendText,
    SetVariables,
)
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome, Ending, PlaybackReport
from callcentre_disclosure.disclosure.profile import Choice, Profile, Region
from callcentre_disclosure.disclosure.route import FailurePolicy, Media
from tests.unit.disclosure.journeys import (
    CALL,
    LOST,
    REFUSED,
    but,
    journey,
    kinds,
    texts,
    treated,
    without,
)

COMPANY = "Bienvenue chez Alpha."
POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
RECORDING = "Cet appel peut être enregistré."
SORRY = "Nous ne pouvons pas vous mettre en relation."
GONE = PlaybackReport(Ending.HANGUP)


@pytest.mark.parametrize(
    ("media", "facts", "opening"),
    [
        (Media.EARLY, {}, Progress),
        (Media.EARLY, {"trunk": "PJSIP/maroc-telecom"}, Progress),
        (Media.EARLY, {"trunk": "PJSIP/somewhere"}, Progress),
        (Media.EARLY, {"trunk": "PJSIP/deaf"}, Answer),
        (Media.EARLY, {"is_up": True}, Answer),
        (Media.EARLY, {"stage": Stage.ANSWERED, "agent": "PJSIP/201"}, Progress),
        (Media.ANSWERED, {}, Answer),
        (Media.ANSWERED, {"trunk": "PJSIP/maroc-telecom"}, Answer),
    ],
    ids=[
        "early",
        "a trunk that lets it through",
        "a trunk that is not listed",
        "a trunk that mutes it",
        "a call that is up",
        "an agent has answered",
        "answered",
        "answered by a trunk",
    ],
)
def test_what_opens_the_ears_of_the_caller(
    directory: Directory, media: Media, facts: dict[str, Any], opening: type
) -> None:
    record, commands = journey(treated(directory, media=media), replace(CALL, **facts))
    assert kinds(commands) == [opening, Play, SetVariables]
    assert record.media is (Media.EARLY if opening is Progress else Media.ANSWERED)
    assert record.outcome is DisclosureOutcome.DISCLOSED


@pytest.mark.parametrize("media", Media)
def test_a_call_that_cannot_be_opened_plays_nothing(directory: Directory, media: Media) -> None:
    closed = but({Answer: REFUSED, Progress: REFUSED})
    record, commands = journey(treated(directory, media=media), door=closed)
    assert texts(commands) == []
    assert (record.outcome, record.playbacks) == (DisclosureOutcome.NOT_DISCLOSED, ())
    assert "unsent" in record.cause


@pytest.fixture
def written(directory: Directory) -> Directory:
    """A route whose callers get every sentence as a text message, too."""
    return treated(directory, text=True, company="Alpha", segments=("recording",))


def test_every_sentence_is_sent_as_a_text_before_it_is_said(written: Directory) -> None:
    record, commands = journey(written)
    assert kinds(commands) == [*[Answer, SendText, Play] * 3, SetVariables]
    sent = [command.text for command in commands if isinstance(command, SendText)]
    assert sent == texts(commands) == [COMPANY, POSSIBLE, RECORDING]
    assert [playback.text_sent for playback in record.playbacks] == [True] * 3


def test_a_caller_who_reads_gets_texts_on_every_route(directory: Directory) -> None:
    _, commands = journey(directory, replace(CALL, text=True))
    assert kinds(commands) == [Answer, SendText, Play, SetVariables]


def test_the_evidence_says_nothing_of_texts_that_nobody_wanted(directory: Directory) -> None:
    record, _ = journey(directory)
    assert [playback.text_sent for playback in record.playbacks] == [None]


def test_a_text_that_is_refused_does_no_harm(written: Directory) -> None:
    record, commands = journey(written, door=but({SendText: REFUSED}))
    assert texts(commands) == [COMPANY, POSSIBLE, RECORDING]
    assert (record.outcome, record.cause) == (DisclosureOutcome.DISCLOSED, "")
    assert [playback.text_sent for playback in record.playbacks] == [False] * 3


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        (GONE, DisclosureOutcome.ABANDONED),
        (LOST, DisclosureOutcome.NOT_DISCLOSED),
        (PlaybackReport(Ending.DEADLINE), DisclosureOutcome.NOT_DISCLOSED),
    ],
    ids=["hangup", "lost", "deadline"],
)
def test_where_a_text_meets_nobody_nothing_is_played(
    written: Directory, report: PlaybackReport, outcome: DisclosureOutcome
) -> None:
    record, commands = journey(written, door=but({SendText: report}))
    assert kinds(commands) == [Answer, SendText, SetVariables]
    assert (record.outcome, record.playbacks) == (outcome, ())
    assert "unsent" in record.cause


def test_what_is_said_instead_is_written_too(written: Directory) -> None:
    refusing = treated(written, company=None, on_failure=FailurePolicy.REFUSE)
    _, commands = journey(without(refusing, "/possible-"))
    assert kinds(commands) == [Answer, SendText, Play, SetVariables, HangUp]
    assert texts(commands) == [SORRY]


def test_everything_in_its_order(directory: Directory) -> None:
    profile = Profile("p", choice=Choice(Region.EU), segments=("recording",))
    route = {"company": "Alpha", "profile": "p", "choice": "eu", "text": True}
    centre = treated(directory, media=Media.EARLY, **route)
    centre = replace(centre, profiles={"p": profile})
    record, commands = journey(centre)
    said = [Progress, SendText]
    assert kinds(commands) == [
        FindExtension,
        *[*said, Play] * 3,
        *[*said, Ask],
        SetVariables,
    ]
    assert texts(commands) == [
        COMPANY,
        POSSIBLE,
        RECORDING,
        "Pour parler à un conseiller situé dans l'Union européenne, tapez 1.",
    ]
    played = [playback.prompt.announcement.text for playback in record.playbacks]
    assert played == texts(commands)
