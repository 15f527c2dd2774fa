"""A session over AGI against the fake channel, in the fake's own time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcentre_disclosure.asterisk import agi_driver
from callcentre_disclosure.asterisk.agi import AsteriskSide
from callcentre_disclosure.asterisk.agi_driver import (
    ENVIRONMENT_SECONDS,
    MAX_SESSION_BYTES,
    REPLY_SECONDS,
    AgiDriver,
)
from callcentre_disclosure.disclosure.announcement import Prompt, company_announcement
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, Told
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import (
    DisclosureOutcome,
    Disposition,
    PlaybackResult,
)
from callcentre_disclosure.disclosure.profile import Choice, Profile, Region
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.route import FailurePolicy, Media
from callcentre_disclosure.disclosure.session import disclose
from callcentre_disclosure.testing import Fault
from callcentre_disclosure.testing.fake_channel import FakeChannel
from tests.conftest import FRENCH, sentences, small_call_centre, sound_of
from tests.unit.disclosure.journeys import treated, without

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


class Asterisk:
    """Asterisk's side, reply by reply: success but for the commands that begin with the words of
    an exception. Of several replies to the same the last counts from then on. Each sound takes
    ``elapsed`` seconds."""

    def __init__(self, exceptions: Mapping[str, Sequence[bytes]], elapsed: float = 80.0) -> None:
        self.lines: list[str] = []
        self._exceptions = {beginning: list(replies) for beginning, replies in exceptions.items()}
        self._elapsed = elapsed

    def hold(self, driver: AgiDriver, arguments: Sequence[str] = ()) -> LedgerRecord:
        side, now = AsteriskSide(), 0.0
        channel = {"dnid": NUMBER, "channel": "PJSIP/trunk-00000001"}
        out = driver.receive(side.environment(channel, arguments), now)
        while not driver.done:
            ((*words,),) = side.receive(out)
            line = " ".join(words)
            self.lines.append(line)
            now += self._elapsed if line.startswith("STREAM FILE") else 0.0
            out = driver.receive(self._reply(line), now)
        assert driver.record is not None
        return driver.record

    def _reply(self, line: str) -> bytes:
        for beginning, replies in self._exceptions.items():
            if line.startswith(beginning):
                return replies.pop(0) if len(replies) > 1 else replies[0]
        if line.startswith("STREAM FILE"):
            return AsteriskSide.reply(0, endpos=640000)
        if line.startswith("GET FULL VARIABLE ${CHANNEL(state)}"):
            return AsteriskSide.reply(1, "Ring||||||||")
        if line.startswith("GET FULL VARIABLE ${PJSIP_HEADER"):
            return AsteriskSide.reply(1, "INVITE, MESSAGE")
        if line.startswith("GET FULL VARIABLE"):
            return AsteriskSide.reply(1, "1")
        return AsteriskSide.reply(-1 if line.startswith("EXEC Hangup") else 0)


def at_16_khz(result: int, seconds: float) -> bytes:
    return AsteriskSide.reply(result, endpos=round(16000 * seconds))


@pytest.mark.parametrize(
    ("replies", "elapsed", "played"),
    [
        ([at_16_khz(0, 4.0)], 4.0, 3.7),
        ([at_16_khz(53, 1.5), AsteriskSide.error(511)], 1.5, 1.5),
        ([at_16_khz(53, 1.5), at_16_khz(53, 3.0)], 1.5, 3.0),
    ],
    ids=["to its end", "cut after 1.5 s", "cut twice"],
)
def test_the_position_in_a_wideband_file_is_not_taken_for_that_of_the_sound(
    begin: Begin, replies: list[bytes], elapsed: float, played: float
) -> None:
    asterisk = Asterisk({"STREAM FILE": replies}, elapsed)
    record = asterisk.hold(AgiDriver(begin, "agi", 0.0))
    assert record.playbacks[0].report.played == played


@pytest.mark.parametrize("key", "0123456789*#")
def test_no_key_cuts_the_announcement(begin: Begin, prompts: list[Prompt], key: str) -> None:
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts, fault=Fault(press=key)))
    assert call.channel.heard == [POSSIBLE]


def test_a_playback_that_was_cut_by_a_key_all_the_same_is_partial(begin: Begin) -> None:
    cut = AsteriskSide.reply(ord("5"), endpos=8000)
    record = Asterisk({"STREAM FILE": [cut]}, 1.0).hold(AgiDriver(begin, "agi", 0.0))
    assert record.playbacks[0].report.digit == "5"
    assert record.outcome is DisclosureOutcome.PARTIAL


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
@pytest.mark.parametrize(
    ("command", "told", "carried_out"),
    [
        ("GET FULL VARIABLE", DisclosureOutcome.DISCLOSED, True),
        ("ANSWER", None, True),
        ("STREAM FILE", None, True),
        ("EXEC MSet", DisclosureOutcome.DISCLOSED, False),
    ],
)
def test_an_error_reply_never_breaks_the_session(
    begin: Begin, code: int, command: str, told: DisclosureOutcome | None, carried_out: bool
) -> None:
    asterisk = Asterisk({command: [AsteriskSide.error(code)]})
    record = asterisk.hold(AgiDriver(begin, "agi", 0.0))
    gone = DisclosureOutcome.ABANDONED if code == 511 else DisclosureOutcome.NOT_DISCLOSED
    assert record.outcome is (told or gone)
    assert record.carried_out is carried_out


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
        linked_id="1763800000.1",
        dialled_number=NUMBER,
        caller_number="+33612345678",
        trunk="PJSIP/maroc-telecom",
        channel_language="fr",
        started_at=datetime(2025, 11, 22, 8, 26, 40, tzinfo=timezone.utc),
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


MEMBER = {"MEMBERINTERFACE": "PJSIP/201", "MEMBERNAME": "Amina", "QUEUENAME": "support"}
PICKED_UP = {"SHARED(DISCLOSURE_AGENT)": "PJSIP/301-0000002b"}
LOCAL = {"MEMBERINTERFACE": "Local/201@agents/n", "MEMBERNAME": "Amina"}


@pytest.mark.parametrize(
    ("arguments", "variables", "agent", "member", "queue"),
    [
        pytest.param([], MEMBER, "PJSIP/201", "Amina", "support", id="member"),
        pytest.param(
            [], {"DIALEDPEERNAME": "PJSIP/2-0000001a"}, "PJSIP/2-0000001a", None, None, id="dialled"
        ),
        pytest.param(["agent=PJSIP/7"], MEMBER, "PJSIP/7", None, "support", id="dialplan"),
        pytest.param(["queue=other"], MEMBER, "PJSIP/201", "Amina", "other", id="its queue"),
        pytest.param(["agent="], MEMBER, None, None, "support", id="nobody, says the dialplan"),
        pytest.param(
            [],
            {**MEMBER, "SHARED(DISCLOSURE_AGENT)": "PJSIP/201-0000002b"},
            "PJSIP/201-0000002b",
            "Amina",
            "support",
            id="the member's channel",
        ),
        pytest.param(
            [], {**MEMBER, **PICKED_UP}, "PJSIP/301-0000002b", None, "support", id="picked up"
        ),
        pytest.param(
            ["agent=PJSIP/7"], {**MEMBER, **PICKED_UP}, "PJSIP/7", None, "support", id="insists"
        ),
        pytest.param([], LOCAL, "Local/201@agents/n", "Amina", None, id="local member"),
        pytest.param(
            [],
            {**LOCAL, "SHARED(DISCLOSURE_AGENT)": "Local/201@agents-0000002b;1"},
            "Local/201@agents-0000002b;1",
            "Amina",
            None,
            id="the local member's channel",
        ),
        pytest.param(
            [],
            {"MEMBERINTERFACE": "PJSIP/201", "MEMBERNAME": "A|B|C"},
            "PJSIP/201",
            "A|B|C",
            None,
            id="a name with bars",
        ),
    ],
)
def test_the_agent_who_answered_is_known(
    facts: Callable[[FakeChannel], CallFacts],
    arguments: list[str],
    variables: dict[str, str],
    agent: str | None,
    member: str | None,
    queue: str | None,
) -> None:
    channel = FakeChannel(NUMBER, arguments=["stage=answered", *arguments], variables=variables)
    call = facts(channel)
    assert (call.agent, call.member, call.queue) == (agent, member, queue)


def test_before_an_agent_has_answered_nobody_is_the_agent(
    facts: Callable[[FakeChannel], CallFacts],
) -> None:
    """What is left of a queue before this one."""
    call = facts(FakeChannel(NUMBER, variables={**MEMBER, **PICKED_UP}))
    assert (call.agent, call.member, call.queue) == (None, None, None)


AT_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("variables", "told", "chosen_at"),
    [
        ({}, None, None),
        ({"DISCLOSURE_TOLD": "possible MA TN"}, Told(Stage.POSSIBLE, ("MA", "TN")), None),
        ({"DISCLOSURE_TOLD": "answered"}, Told(Stage.ANSWERED), None),
        ({"DISCLOSURE_TOLD": "possible generic"}, Told(Stage.POSSIBLE, generic=True), None),
        ({"DISCLOSURE_TOLD": "possible MA,TN"}, None, None),
        ({"DISCLOSURE_TOLD": "yes"}, None, None),
        ({"DISCLOSURE_CHOSEN_AT": "1795435200.000"}, None, AT_NOON),
        *(({"DISCLOSURE_CHOSEN_AT": wrong}, None, None) for wrong in ("", "noon", "nan", "1e99")),
    ],
)
def test_what_the_call_remembers(
    facts: Callable[[FakeChannel], CallFacts],
    variables: dict[str, str],
    told: Told | None,
    chosen_at: datetime | None,
) -> None:
    call = facts(FakeChannel(NUMBER, variables=variables))
    assert (call.told, call.chosen_at) == (told, chosen_at)


@pytest.mark.parametrize(
    ("unique_id", "arguments", "started_at"),
    [
        ("1795435200.17", [], AT_NOON),
        ("pbx-paris-1795435200.17", [], AT_NOON),
        ("pbx.paris.example-1795435200.17", [], AT_NOON),
        ("1795435200.17", ["direction=outbound"], None),
        ("call-17", [], None),
        ("", [], None),
    ],
)
def test_a_call_began_when_its_channel_was_made(
    facts: Callable[[FakeChannel], CallFacts],
    unique_id: str,
    arguments: list[str],
    started_at: datetime | None,
) -> None:
    call = facts(FakeChannel(NUMBER, unique_id=unique_id, arguments=arguments))
    assert call.started_at == started_at


def test_what_else_the_dialplan_may_say(facts: Callable[[FakeChannel], CallFacts]) -> None:
    said = ["profile=it-24bis", "route=service", "text=yes", "site=tunis"]
    call = facts(FakeChannel(NUMBER, arguments=said, variables={"CHANNEL(state)": "Up"}))
    assert (call.profile, call.route, call.text) == ("it-24bis", "service", True)
    assert (call.site, call.is_up) == ("tunis", True)


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


PATH = "/sounds/fr/possible-ma-tn-"
OFFER = "Pour parler à un conseiller situé dans l'Union européenne, tapez 1."
SORRY = "Nous ne pouvons pas vous mettre en relation."
CHOICE = "disclosure-choice,eu"


def beginner(centre: Directory) -> Begin:
    return lambda call: disclose(call, centre, disclosure_id="id-1", received_at=AT_NOON)


@pytest.fixture
def rich(directory: Directory) -> Begin:
    """Everything at once: early media, texts, and an agent elsewhere."""
    route = {"profile": "choice", "choice": "eu", "media": Media.EARLY, "text": True}
    return beginner(treated(directory, **route))


@pytest.fixture
def refusing(directory: Directory) -> Begin:
    """Nobody is connected who is not told, and nobody is told."""
    return beginner(without(treated(directory, on_failure=FailurePolicy.REFUSE), "/possible-"))


def commands(channel: FakeChannel) -> list[str]:
    return [line.removeprefix("-> ") for line in channel.conversation if line.startswith("->")]


def test_a_rich_call_on_the_wire(rich: Begin, prompts: list[Prompt]) -> None:
    fault = Fault(press="1", press_after=6.0, press_in="tapez")
    call = Call(rich, FakeChannel(NUMBER, sounds=prompts, extensions=[CHOICE], fault=fault))
    said = commands(call.channel)
    offer = next(p.sound.path for p in prompts if p.announcement.text == OFFER)
    allowed = "GET FULL VARIABLE ${PJSIP_HEADER(read,Allow)}"
    assert said[1:10] == [
        "GET FULL VARIABLE ${DIALPLAN_EXISTS(disclosure-choice,eu,1)}",
        "EXEC Progress ",
        allowed,
        f"SEND TEXT {POSSIBLE}",
        f"STREAM FILE {next(p.sound.path for p in prompts if p.announcement.text == POSSIBLE)} 1",
        "EXEC Progress ",
        allowed,
        f"SEND TEXT {OFFER}",
        f"STREAM FILE {offer} 0123456789*#",
    ]
    assert said[10] == "WAIT FOR DIGIT 3000"
    assert said[11].startswith("EXEC MSet __DISCLOSURE_TOLD=")
    assert said[12:] == ["EXEC ChannelRedirect PJSIP/trunk-00000001,disclosure-choice,eu,1"]
    assert call.channel.timeline == [
        "early media",
        POSSIBLE,
        OFFER,
        "redirected to disclosure-choice,eu,1",
    ]
    assert call.channel.read == [POSSIBLE, OFFER]
    assert call.channel.variables["DISCLOSURE_CHOSEN_AT"] == f"{AT_NOON.timestamp() + 9.7:.3f}"


def test_a_caller_may_take_long_to_choose(directory: Directory, prompts: list[Prompt]) -> None:
    patient = Profile("choice", choice=Choice(Region.EU, seconds=30.0))
    centre = treated(directory, profile="choice", choice="eu")
    begin = beginner(replace(centre, profiles={"choice": patient}))
    fault = Fault(press="1", press_in="tapez", press_after=29.0)
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts, extensions=[CHOICE], fault=fault))
    assert call.channel.timeline[-1].startswith("redirected")


def test_a_key_that_counts_does_not_cut(rich: Begin, prompts: list[Prompt]) -> None:
    fault = Fault(press="1", press_after=1.5, press_in="pourra")
    call = Call(rich, FakeChannel(NUMBER, sounds=prompts, extensions=[CHOICE], fault=fault))
    first, rest = (line for line in commands(call.channel) if line.startswith("STREAM FILE"))
    assert (first[-2:], rest) == (" 1", f"{first[:-2]}  12000")
    assert call.channel.heard == [POSSIBLE]
    assert call.driver.record is not None
    report = call.driver.record.playbacks[0].report
    assert (report.digit, report.played) == ("1", 3.7)
    assert report.elapsed == pytest.approx(3.7)
    assert call.channel.timeline[-1].startswith("redirected")


@pytest.mark.parametrize(
    ("rest", "played", "outcome"),
    [
        (AsteriskSide.error(511), 1.0, DisclosureOutcome.ABANDONED),
        (AsteriskSide.reply(-1, endpos=0), 1.0, DisclosureOutcome.NOT_DISCLOSED),
        (b"", 1.0, DisclosureOutcome.NOT_DISCLOSED),
    ],
    ids=["hangup", "refused", "end of the stream"],
)
def test_what_was_played_before_a_key_is_not_forgotten(
    rich: Begin, rest: bytes, played: float, outcome: DisclosureOutcome
) -> None:
    replies = [AsteriskSide.reply(ord("1"), endpos=8000), rest]
    record = Asterisk({"STREAM FILE": replies}, 1.0).hold(AgiDriver(rich, "agi", 0.0))
    assert (record.playbacks[0].report.played, record.outcome) == (played, outcome)
    assert record.announced == ("MA", "TN")


def test_a_refused_call_is_hung_up_with_its_cause(refusing: Begin, prompts: list[Prompt]) -> None:
    call = Call(refusing, FakeChannel(NUMBER, script="disclose", sounds=prompts))
    assert commands(call.channel)[-1] == "EXEC Hangup 21"
    assert call.channel.timeline == ["answered", SORRY, "hung up with cause 21"]
    assert call.driver.record is not None
    assert call.driver.record.carried_out


STAGES = {
    "GET FULL VARIABLE ${CHANNEL(state)}": "first",
    "GET FULL VARIABLE ${DIALPLAN": "first",
    "GET FULL VARIABLE ${PJSIP_HEADER": "first",
    "EXEC Progress": "first",
    "SEND TEXT": "first",
    "STREAM FILE": "first",
    "WAIT FOR DIGIT": "told",
    "EXEC ChannelRedirect": "told",
    "EXEC Hangup": "refused",
}


@pytest.mark.parametrize("how", ["dies", "is silent", "hangs up"])
@pytest.mark.parametrize(("command", "when"), STAGES.items(), ids=STAGES)
def test_whatever_happens_at_a_command_the_evidence_says_what_happened(
    rich: Begin, refusing: Begin, prompts: list[Prompt], command: str, when: str, how: str
) -> None:
    begin = refusing if when == "refused" else rich
    key = {"press": "1", "press_in": "tapez"} if command.endswith("Redirect") else {}
    what = {"dies": "die_on", "is silent": "silent_on", "hangs up": "hang_up_on"}[how]
    fault = Fault(**{what: command}, **key)  # type: ignore[arg-type]
    channel = FakeChannel(NUMBER, sounds=prompts, extensions=[CHOICE], fault=fault)
    call = Call(begin, channel)
    record = call.driver.record
    assert record is not None
    left = DisclosureOutcome.ABANDONED if how == "hangs up" else DisclosureOutcome.NOT_DISCLOSED
    assert (
        record.outcome
        is {
            "first": left,
            "told": DisclosureOutcome.DISCLOSED,
            "refused": DisclosureOutcome.NOT_DISCLOSED,
        }[when]
    )
    if how == "hangs up":
        assert channel.variables["DISCLOSURE_STATUS"] == record.outcome.value
        assert channel.timeline[-1] == "hung up"
    else:
        assert commands(channel)[-1].startswith(command)
        assert not record.carried_out


@pytest.mark.parametrize(
    ("company", "sent"),
    [
        ("A" * 1900, 2),
        ("A" * 2050, 1),
        ("É" * 1020, 1),
        ('"' * 1020, 1),
        ("Alpha\nand\r\nBeta", 2),
    ],
    ids=["just fits", "too long", "too many bytes", "too many quotes", "lines"],
)
def test_a_text_that_no_command_can_hold_is_only_said(
    directory: Directory, company: str, sent: int
) -> None:
    named = company_announcement(FRENCH, Direction.INBOUND, company)
    assert isinstance(directory.sounds, dict)
    sounds = {**directory.sounds, named.sound_name: sound_of(named)}
    begin = beginner(replace(treated(directory, company=company, text=True), sounds=sounds))
    asterisk = Asterisk({}, elapsed=120.0)
    record = asterisk.hold(AgiDriver(begin, "agi", 0.0))
    texts = [line for line in asterisk.lines if line.startswith("SEND TEXT")]
    assert len(texts) == sum(p.text_sent is True for p in record.playbacks) == sent
    assert record.outcome is DisclosureOutcome.DISCLOSED


def test_only_a_sip_telephone_is_sent_a_text(rich: Begin, prompts: list[Prompt]) -> None:
    channel = FakeChannel(NUMBER, channel="DAHDI/i1/0612345678-1", sounds=prompts)
    call = Call(rich, channel)
    assert call.outcome is DisclosureOutcome.DISCLOSED
    assert channel.read == []
    assert not [line for line in commands(channel) if "PJSIP_HEADER" in line]


def test_who_chose_and_left_is_not_said_to_have_gone_there(
    rich: Begin, prompts: list[Prompt]
) -> None:
    fault = Fault(press="1", press_in="tapez", hang_up_on="EXEC MSet")
    call = Call(rich, FakeChannel(NUMBER, sounds=prompts, extensions=[CHOICE], fault=fault))
    assert commands(call.channel)[-1].startswith("EXEC MSet")
    assert call.driver.record is not None
    assert call.driver.record.disposition is Disposition.REDIRECT
    assert not call.driver.record.carried_out


def test_an_asterisk_that_dies_while_it_is_asked_why(begin: Begin, prompts: list[Prompt]) -> None:
    fault = Fault(missing=True, die_on="CHANNEL STATUS")
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts, fault=fault))
    assert call.result is PlaybackResult.INDETERMINATE


@pytest.mark.parametrize(
    ("command", "reply", "carried_out"),
    [
        ("EXEC ChannelRedirect", AsteriskSide.reply(-1), False),
        ("EXEC ChannelRedirect", AsteriskSide.reply(-2), False),
        ("EXEC ChannelRedirect", AsteriskSide.error(510), False),
        ("EXEC Hangup", AsteriskSide.reply(-1), True),
        ("EXEC Hangup", AsteriskSide.reply(-2), False),
        ("EXEC Hangup", AsteriskSide.error(520), False),
        ("EXEC Hangup", AsteriskSide.error(511), True),
    ],
    ids=["malformed", "no such application", "510", "hung up", "-2", "520", "gone already"],
)
def test_an_end_that_asterisk_refuses_was_not_carried_out(
    rich: Begin, refusing: Begin, command: str, reply: bytes, carried_out: bool
) -> None:
    digit = [AsteriskSide.reply(ord("1"))]
    asterisk = Asterisk({command: [reply], "WAIT FOR DIGIT": digit})
    begin = refusing if command == "EXEC Hangup" else rich
    assert asterisk.hold(AgiDriver(begin, "agi", 0.0)).carried_out is carried_out


@pytest.mark.parametrize(
    ("command", "reply", "outcome", "text_sent"),
    [
        ("EXEC Progress", AsteriskSide.reply(-2), DisclosureOutcome.NOT_DISCLOSED, []),
        ("SEND TEXT", AsteriskSide.reply(-1), DisclosureOutcome.DISCLOSED, [False, False]),
        ("SEND TEXT", AsteriskSide.error(510), DisclosureOutcome.DISCLOSED, [False, False]),
        ("WAIT FOR DIGIT", AsteriskSide.reply(-1), DisclosureOutcome.DISCLOSED, [True, True]),
        ("WAIT FOR DIGIT", AsteriskSide.error(520), DisclosureOutcome.DISCLOSED, [True, True]),
        ("GET FULL VARIABLE", AsteriskSide.reply(0), DisclosureOutcome.DISCLOSED, [False]),
        (
            "GET FULL VARIABLE ${PJSIP",
            AsteriskSide.reply(1, "INVITE, BYE"),
            DisclosureOutcome.DISCLOSED,
            [False, False],
        ),
    ],
)
def test_a_command_that_fails_claims_nothing(
    rich: Begin, command: str, reply: bytes, outcome: DisclosureOutcome, text_sent: list[bool]
) -> None:
    record = Asterisk({command: [reply]}).hold(AgiDriver(rich, "agi", 0.0))
    assert record.outcome is outcome
    assert [playback.text_sent for playback in record.playbacks] == text_sent


@pytest.mark.parametrize(
    ("replies", "digit"),
    [
        ({"WAIT FOR DIGIT": [AsteriskSide.reply(ord("1"))]}, "1"),
        ({"WAIT FOR DIGIT": [AsteriskSide.reply(ord("#"))]}, "#"),
        ({"WAIT FOR DIGIT": [AsteriskSide.reply(0)]}, ""),
        ({"STREAM FILE /sounds/fr/choice": [AsteriskSide.reply(ord("*"), endpos=8000)]}, "*"),
    ],
    ids=["after the offer", "wrong", "none", "during the offer"],
)
def test_which_key_was_pressed(rich: Begin, replies: dict[str, list[bytes]], digit: str) -> None:
    asterisk = Asterisk(replies)
    record = asterisk.hold(AgiDriver(rich, "agi", 0.0))
    assert record.offer is not None
    assert record.offer.digit == digit
    waits = [line for line in asterisk.lines if line.startswith("WAIT")]
    assert bool(waits) is (digit != "*"), "a key during the offer ends it"


@pytest.mark.parametrize(
    ("value", "disposition"),
    [
        ("10", Disposition.BRIDGE),
        ("11", Disposition.CONTINUE_IN_DIALPLAN),
        ("0", Disposition.CONTINUE_IN_DIALPLAN),
        ("1", Disposition.BRIDGE),
        ("", Disposition.BRIDGE),
    ],
    ids=["there", "hung up in a queue's hook", "gone", "no func_import", "no func_channel"],
)
def test_an_agent_who_has_left_is_not_connected(
    begin: Begin, value: str, disposition: Disposition
) -> None:
    asterisk = Asterisk({"GET FULL VARIABLE ${CHANNEL_EXISTS": [AsteriskSide.reply(1, value)]})
    said = ["stage=answered", "agent=PJSIP/201-0000001a"]
    record = asterisk.hold(AgiDriver(begin, "agi", 0.0), said)
    assert record.disposition is disposition
    assert asterisk.lines[-2] == (
        "GET FULL VARIABLE ${CHANNEL_EXISTS(PJSIP/201-0000001a)}"
        "${IMPORT(PJSIP/201-0000001a,CHANNEL(checkhangup))}"
    )


class ByteByByte:
    """Hands a driver one byte after the other."""

    def __init__(self, driver: AgiDriver) -> None:
        self.done = False
        self.deadline = driver.deadline
        self.hang_up_seen = driver.hang_up_seen
        self.deadline_passed = driver.deadline_passed
        self._driver = driver

    def receive(self, data: bytes, now: float) -> bytes:
        each = (data[n : n + 1] for n in range(len(data))) if data else (b"",)
        out = b"".join([self._driver.receive(one, now) for one in each])
        self.done, self.deadline = self._driver.done, self._driver.deadline
        return out


SENTENCE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
COMMANDS = st.sampled_from(
    ["GET", "ANSWER", "EXEC P", "SEND", "STREAM", "WAIT", "EXEC M", "EXEC C", "EXEC H", "CHANNEL"]
)
TROUBLE = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"hang_up_after": st.floats(0, 6)}),
    *(st.fixed_dictionaries({name: COMMANDS}) for name in ("hang_up_on", "silent_on", "die_on")),
    *(st.just({name: True}) for name in ("missing", "empty", "agent_leaves")),
    st.fixed_dictionaries({"slow": st.floats(0, 6)}),
)
KEYS = st.fixed_dictionaries(
    {
        "press": st.sampled_from(["1", "5", "#"]),
        "press_in": st.sampled_from(["", "tapez", "pourra"]),
        "press_after": st.floats(0, 9),
    }
)


def fault_of(trouble: dict[str, Any], keys: dict[str, Any]) -> Fault:
    return Fault(**trouble, **keys)


FAULTS = st.builds(fault_of, TROUBLE, st.just({}) | KEYS)


@settings(max_examples=150, deadline=None)
@given(
    sentence=SENTENCE,
    route=st.fixed_dictionaries(
        {
            "profile": st.sampled_from([None, "choice", "choice", "choice", "none", "prompt"]),
            "media": st.sampled_from(Media),
            "on_failure": st.sampled_from(FailurePolicy),
            "text": st.booleans(),
            "choice": st.just("eu"),
        }
    ),
    arguments=st.sampled_from(
        [[], [], ["stage=answered", "agent=PJSIP/201-0000001a"], ["direction=outbound"]]
    ),
    told=st.sampled_from(
        ["", "", "", "possible", "possible MA TN", "answered MA", "possible generic"]
    ),
    extensions=st.sampled_from([(CHOICE,), (CHOICE,), ()]),
    fault=FAULTS,
    socket=st.booleans(),
)
def test_whatever_a_call_is_like_its_evidence_claims_no_more_than_happened(
    sentence: str,
    route: dict[str, Any],
    arguments: list[str],
    told: str,
    extensions: Collection[str],
    fault: Fault,
    socket: bool,
) -> None:
    centre = treated(small_call_centre(), company=sentence, **route)
    named = company_announcement(FRENCH, Direction.INBOUND, sentence)
    assert isinstance(centre.sounds, dict)
    centre = replace(centre, sounds={**centre.sounds, named.sound_name: sound_of(named)})
    spoken = [named, *sentences(FRENCH)]
    channel = FakeChannel(
        NUMBER,
        caller=NUMBER,
        script="disclose" if socket else None,
        arguments=arguments,
        variables={"DISCLOSURE_TOLD": told},
        extensions=extensions,
        sounds=[Prompt(one, sound_of(one)) for one in spoken],
        fault=fault,
    )
    driver = AgiDriver(beginner(centre), "agi", channel.now)
    channel.run(ByteByByte(driver))

    record = driver.record
    assert driver.done
    assert record is not None
    whole = [
        playback.prompt.announcement.text
        for playback in record.playbacks
        if playback.result is PlaybackResult.COMPLETE
    ]
    assert whole == channel.heard[: len(whole)], "what is said to be played was"
    mentioned = [playback.prompt.announcement.text for playback in record.playbacks]
    assert channel.heard == mentioned[: len(channel.heard)], "what was played is mentioned"
    texts = [p.prompt.announcement.text for p in record.playbacks if p.text_sent]
    assert [" ".join(text.split()) for text in texts] == channel.read[: len(texts)]
    if record.outcome is DisclosureOutcome.DISCLOSED:
        assert any("Maroc" in text for text in whole)
    redirected_nobody = fault.hang_up_on == "EXEC C"  # which Asterisk does not say
    if record.carried_out and not redirected_nobody:
        last = channel.timeline[-1]
        assert last.startswith("redirected") is (record.disposition is Disposition.REDIRECT)
        refused = record.disposition is Disposition.HANG_UP
        refused &= record.outcome is not DisclosureOutcome.ABANDONED
        assert refused <= last.startswith("hung up")


def test_a_session_ends_however_promptly_asterisk_answers(
    begin: Begin, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agi_driver, "SESSION_SECONDS", 2.0)
    call = Call(begin, FakeChannel(NUMBER, sounds=prompts))
    assert call.result is PlaybackResult.TIMED_OUT


@pytest.mark.parametrize("line", [b"agi_x: y\n", b"\n", b"agi_x: " + b"y" * 1000 + b"\n"])
def test_what_is_read_of_a_session_has_an_end(begin: Begin, line: bytes) -> None:
    driver = AgiDriver(begin, "fastagi", 0.0)
    sent = 0
    while not driver.done:
        driver.receive(line, 0.0)
        sent += len(line)
    assert sent <= MAX_SESSION_BYTES + len(line)
    assert driver.fault
