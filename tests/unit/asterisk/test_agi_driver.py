"""A session over AGI against the fake channel, in the fake's own time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from callcentre_disclosure.asterisk.agi import AsteriskSide
from callcentre_disclosure.asterisk.agi_driver import (
    ENVIRONMENT_SECONDS,
    REPLY_SECONDS,
    AgiDriver,
)
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome, PlaybackResult
from callcentre_disclosure.disclosure.session import Session, disclose
from callcentre_disclosure.testing import Fault
from callcentre_disclosure.testing.fake_channel import FakeChannel

POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."
GENERIC = "Votre appel pourra être traité dans un autre pays, merci de patienter."
NUMBER = "0184880001"

Begin = Callable[[CallFacts], Session]


@pytest.fixture
def begin(directory: Directory) -> Begin:
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
    return lambda call: disclose(call, directory, disclosure_id="id-1", received_at=moment)


class Call:
    """One call through the driver and the fake channel."""

    def __init__(self, begin: Begin, channel: FakeChannel) -> None:
        self.driver = AgiDriver(begin, "agi", channel.now)
        self.channel = channel.run(self.driver)

    @property
    def outcome(self) -> DisclosureOutcome:
        assert self.driver.record is not None
        return self.driver.record.outcome

    @property
    def result(self) -> PlaybackResult:
        assert self.driver.record is not None
        return self.driver.record.playbacks[0].result


def test_a_call_is_announced(begin: Begin, prompts: list[Prompt]) -> None:
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts))
    assert call.channel.timeline == ["answered", POSSIBLE, "connected"]
    assert call.channel.variables["DISCLOSURE_STATUS"] == "DISCLOSED"
    assert call.channel.variables["DISCLOSURE_COUNTRIES"] == "MA,TN"
    assert call.outcome is DisclosureOutcome.DISCLOSED


@pytest.mark.parametrize("script", [None, "disclose"])
@pytest.mark.parametrize("after", [0, 0.02, 1.0, 3.0])
def test_a_caller_who_leaves_is_no_error(
    begin: Begin, prompts: list[Prompt], after: float, script: str | None
) -> None:
    fault = Fault(hang_up_after=after)
    call = Call(begin, FakeChannel(NUMBER, script=script, sounds=prompts, fault=fault))
    assert call.channel.timeline[-1] == "hung up"
    assert call.channel.variables["DISCLOSURE_STATUS"] == "ABANDONED"
    assert call.outcome is DisclosureOutcome.ABANDONED
    assert call.driver.record is not None
    results = [playback.result for playback in call.driver.record.playbacks]
    assert results == ([PlaybackResult.CALLER_HUNG_UP] if after else []), "what was never sent"


@pytest.mark.parametrize("command", ["ANSWER", "STREAM FILE", "EXEC"])
def test_a_caller_may_leave_between_two_commands(
    begin: Begin, prompts: list[Prompt], command: str
) -> None:
    fault = Fault(hang_up_on=command)
    call = Call(begin, FakeChannel(NUMBER, script="disclose", sounds=prompts, fault=fault))
    told = DisclosureOutcome.DISCLOSED if command == "EXEC" else DisclosureOutcome.ABANDONED
    assert call.outcome is told
    assert call.channel.variables["DISCLOSURE_STATUS"] == told.value


def test_a_missing_file_is_told_from_a_hangup(begin: Begin, prompts: list[Prompt]) -> None:
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts, fault=Fault(missing=True)))
    assert call.result is PlaybackResult.FAILED
    assert call.channel.timeline == ["answered", "connected"]
    assert call.channel.variables["DISCLOSURE_STATUS"] == "NOT_DISCLOSED"


def test_only_the_sound_that_exists_is_played(begin: Begin, prompts: list[Prompt]) -> None:
    generic = [p for p in prompts if p.announcement.text == GENERIC]
    call = Call(begin, FakeChannel(NUMBER, sounds=generic))
    assert call.channel.heard == [GENERIC]
    assert call.outcome is DisclosureOutcome.NOT_DISCLOSED


def test_an_empty_file_is_not_taken_for_an_announcement(
    begin: Begin, prompts: list[Prompt]
) -> None:
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts, fault=Fault(empty=True)))
    assert call.result is PlaybackResult.FAILED


@pytest.mark.parametrize(
    ("elapsed", "result", "played"),
    [(4.0, 0, 3.7), (1.5, ord("5"), 1.5)],
    ids=["to its end", "cut after 1.5 s"],
)
def test_the_position_in_a_wideband_file_is_not_taken_for_that_of_the_sound(
    begin: Begin, elapsed: float, result: int, played: float
) -> None:
    driver = AgiDriver(begin, "agi", 0.0)
    driver.receive(AsteriskSide.environment({"dnid": NUMBER}), 0.0)
    driver.receive(AsteriskSide.reply(0), 0.0)
    driver.receive(AsteriskSide.reply(result, endpos=round(16000 * elapsed)), elapsed)
    driver.receive(AsteriskSide.reply(0), elapsed)
    assert driver.record is not None
    assert driver.record.playbacks[0].report.played == played


@pytest.mark.parametrize("key", "0123456789*#")
def test_no_key_cuts_the_announcement(begin: Begin, prompts: list[Prompt], key: str) -> None:
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts, fault=Fault(press=key)))
    assert call.channel.heard == [POSSIBLE]


def test_a_playback_that_was_cut_by_a_key_all_the_same_is_partial(begin: Begin) -> None:
    driver = AgiDriver(begin, "agi", 0.0)
    driver.receive(AsteriskSide.environment({"dnid": NUMBER}), 0.0)
    driver.receive(AsteriskSide.reply(0), 0.0)
    driver.receive(AsteriskSide.reply(ord("5"), endpos=8000), 1.0)
    driver.receive(AsteriskSide.reply(0), 1.0)
    assert driver.record is not None
    assert driver.record.playbacks[0].report.digit == "5"
    assert driver.record.outcome is DisclosureOutcome.PARTIAL


def test_a_slow_asterisk_is_waited_for(begin: Begin, prompts: list[Prompt]) -> None:
    fault = Fault(slow=REPLY_SECONDS - 0.5)
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts, fault=fault))
    assert call.outcome is DisclosureOutcome.DISCLOSED


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("ANSWER", DisclosureOutcome.NOT_DISCLOSED),
        ("STREAM FILE", DisclosureOutcome.NOT_DISCLOSED),
        ("EXEC", DisclosureOutcome.DISCLOSED),
    ],
)
@pytest.mark.parametrize("dies", [False, True])
def test_a_reply_that_never_comes_ends_the_session(
    begin: Begin, prompts: list[Prompt], command: str, outcome: DisclosureOutcome, dies: bool
) -> None:
    fault = Fault(die_on=command) if dies else Fault(silent_on=command)
    channel = FakeChannel(NUMBER, sounds=prompts, fault=fault)
    call = Call(begin, channel)
    assert call.driver.done
    assert call.outcome is outcome
    last = [line for line in channel.conversation if line.startswith("->")][-1]
    assert last.startswith(f"-> {command}"), "nothing is said to an Asterisk that does not answer"


@pytest.mark.parametrize("code", [510, 511, 520])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_error_reply_never_breaks_the_session(begin: Begin, code: int, at: int) -> None:
    driver = AgiDriver(begin, "agi", 0.0)
    out = driver.receive(AsteriskSide.environment({"dnid": NUMBER}), 0.0)
    for number in range(12):
        if driver.done:
            break
        error = number == at
        seconds = 10.0 if b"STREAM" in out else 0.0
        reply = AsteriskSide.error(code) if error else AsteriskSide.reply(0, endpos=80000)
        out = driver.receive(reply, number * 20.0 + seconds)
    assert driver.done
    assert driver.record is not None
    if code == 511:
        told = DisclosureOutcome.DISCLOSED if at == 2 else DisclosureOutcome.ABANDONED
    else:
        told = DisclosureOutcome.DISCLOSED if at == 2 else DisclosureOutcome.NOT_DISCLOSED
    assert driver.record.outcome is told
    assert driver.record.carried_out is (at != 2)


def test_asterisk_that_never_introduces_the_call_is_given_up(begin: Begin) -> None:
    driver = AgiDriver(begin, "agi", 100.0)
    assert driver.deadline == 100.0 + ENVIRONMENT_SECONDS
    driver.deadline_passed(driver.deadline)
    assert driver.done
    assert driver.record is None


def test_what_is_no_agi_ends_the_session_and_says_why(begin: Begin) -> None:
    driver = AgiDriver(begin, "agi", 0.0)
    assert driver.receive(b"GET / HTTP/1.1\r\n", 0.0) == b""
    assert driver.done
    assert driver.fault is not None
    assert driver.record is None


@pytest.fixture
def facts(directory: Directory) -> Callable[[FakeChannel], CallFacts]:
    def of(channel: FakeChannel) -> CallFacts:
        seen: list[CallFacts] = []

        def begin(call: CallFacts) -> Session:
            seen.append(call)
            moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
            return disclose(call, directory, disclosure_id="id", received_at=moment)

        channel.run(AgiDriver(begin, "agi", channel.now))
        return seen[0]

    return of


def test_the_call_is_known_by_its_environment(facts: Callable[[FakeChannel], CallFacts]) -> None:
    channel = FakeChannel(
        NUMBER, caller="+33612345678", language="fr", channel="PJSIP/maroc-telecom-0000002a"
    )
    assert facts(channel) == CallFacts(
        unique_id="1763800000.1",
        channel="PJSIP/maroc-telecom-0000002a",
        door="agi",
        dialled_number=NUMBER,
        caller_number="+33612345678",
        trunk="PJSIP/maroc-telecom",
        channel_language="fr",
    )


@pytest.mark.parametrize(
    "channel",
    [
        FakeChannel("s", script="disclose?stage=answered&did=%2B33184880001&queue=q+1&language=fr"),
        FakeChannel(
            "s",
            arguments=["stage=answered", " did = +33184880001 ", "queue=q 1", "language=fr", "x"],
        ),
        FakeChannel(
            "s",
            script="disclose?stage=possible&did=1",
            arguments=[
                "stage=answered",
                "did=+33184880001",
                "queue=q 1",
                "language=fr",
            ],
        ),
    ],
    ids=["query", "arguments", "arguments win"],
)
def test_the_dialplan_may_say_it_in_both_ways(
    channel: FakeChannel, facts: Callable[[FakeChannel], CallFacts]
) -> None:
    call = facts(channel)
    assert (call.stage, call.dialled_number) == (Stage.ANSWERED, "+33184880001")
    assert (call.queue, call.language) == ("q 1", "fr")


@pytest.mark.parametrize(
    ("arguments", "variables", "agent", "queue"),
    [
        ([], {"MEMBERINTERFACE": "PJSIP/201", "QUEUENAME": "support"}, "PJSIP/201", "support"),
        ([], {"DIALEDPEERNAME": "PJSIP/201-0000001a"}, "PJSIP/201-0000001a", None),
        (["agent=PJSIP/7"], {"MEMBERINTERFACE": "PJSIP/201"}, "PJSIP/7", None),
        (["queue=other"], {"QUEUENAME": "support"}, None, "other"),
        (["agent="], {"MEMBERINTERFACE": "PJSIP/201"}, None, None),
    ],
)
def test_the_agent_who_answered_is_known(
    facts: Callable[[FakeChannel], CallFacts],
    arguments: list[str],
    variables: dict[str, str],
    agent: str | None,
    queue: str | None,
) -> None:
    channel = FakeChannel(NUMBER, arguments=["stage=answered", *arguments], variables=variables)
    call = facts(channel)
    assert (call.agent, call.queue) == (agent, queue)


def test_what_the_dialplan_says_wrongly_is_passed_over(
    facts: Callable[[FakeChannel], CallFacts],
) -> None:
    call = facts(FakeChannel(NUMBER, arguments=["stage=later", "direction=up", "=", ""]))
    assert (call.stage, call.direction) == (Stage.POSSIBLE, Direction.INBOUND)


def test_what_the_dialplan_says_wrongly_is_noted(begin: Begin, prompts: list[Prompt]) -> None:
    said = ["stage=Answered", "qeue=support", "language="]
    call = Call(begin, FakeChannel(NUMBER, arguments=said, sounds=prompts))
    assert [note.partition(",")[0] for note in call.driver.notes] == [
        "the dialplan says stage=Answered",
        "the dialplan says qeue=",
    ]


def test_a_made_call_is_known_as_one(facts: Callable[[FakeChannel], CallFacts]) -> None:
    assert facts(FakeChannel(NUMBER, arguments=["direction=outbound"])).direction is (
        Direction.OUTBOUND
    )
