"""Calls that are held by the ARI event handler, on real Asterisks: what callers and agents heard.

Asterisk 16 is asked over HTTP, 22 over its WebSocket. What is the same as on the roads of the
dialplan is the same test (test_roads); what only this door has is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.sip import Phone
from tests.call_centre import AriHandler
from tests.dialplans import held, held_calls_made, held_transfers
from tests.integration import test_roads as roads
from tests.integration.office import (
    AMINA,
    ANSWERED_MA,
    ANSWERED_TN,
    POSSIBLE,
    POSSIBLE_MA,
    YASMINE,
    Heard,
    Office,
)
from tests.integration.office import DIALPLAN as OFFICE

#: Before the lines of the office, whose own roads take what the handler leaves to them.
DIALPLAN = (
    held("_01848800XX", "inbound")
    + held_transfers("_[234]01", "inbound")
    + held_calls_made("002", "PJSIP/consumer", "exact", "inbound")
    + OFFICE
)


def ari_section(asterisk: PrivateAsterisk, folder: Path) -> str:
    """The part of a configuration that names an Asterisk."""
    (folder / "ari-password").write_text(asterisk.ari_password)
    (folder / "ari-password").chmod(0o600)
    url = f"http://127.0.0.1:{asterisk.http_port}"
    return (
        f"ari: {{asterisks: {{pbx: {{url: '{url}', user: {asterisk.ari_user}, "
        "password_file: ari-password}}}\n"
    )


class Building(roads.Building):
    """The same house, with a handler in it."""

    def __init__(
        self, folder: Path, installation: Installation, running: ExitStack, *options: str
    ) -> None:
        super().__init__(folder, installation, running, DIALPLAN)
        with self.centre.path.open("a") as configuration:
            configuration.write(ari_section(self.asterisk, folder))
        self.handler = AriHandler(self.centre, 1, *options)
        running.callback(self.handler.stop)


@pytest.fixture(scope="module")
def building(
    tmp_path_factory: pytest.TempPathFactory, installation: Installation
) -> Iterator[Building]:
    with ExitStack() as running:
        yield Building(tmp_path_factory.mktemp("office"), installation, running)


@pytest.fixture
def office(building: Building) -> Iterator[Office]:
    with roads.at_work(building) as office:
        yield office
    assert "disclosure-" not in building.asterisk.command("bridge show all")


@pytest.mark.parametrize(
    ("road", "who", "answered"),
    [("group", AMINA, ANSWERED_MA), ("turn", YASMINE, ANSWERED_TN)],
)
def test_dial(office: Office, road: str, who: str, answered: str) -> None:
    roads.test_dial(office, road, who, answered)


def test_told_before_dialling_only(office: Office) -> None:
    office.only_asked = True
    roads.test_told_before_dialling_only(office)


def test_early_media(office: Office) -> None:
    roads.test_early_media(office, "early-group")


def test_early_media_by_a_trunk_that_mutes_it(office: Office) -> None:
    with Phone("127.0.0.3", number="+33612345679") as muting:
        roads.test_early_media_by_a_trunk_that_mutes_it(office, muting)


def test_a_caller_who_hangs_up_releases_the_agent_at_once(office: Office) -> None:
    roads.test_a_caller_who_hangs_up_releases_the_agent_at_once(office, "group")


def test_an_agent_who_hangs_up_in_the_announcement(office: Office) -> None:
    roads.test_an_agent_who_hangs_up_in_the_announcement(office, "group")


@pytest.mark.parametrize(
    ("road", "before"),
    [
        ("choice-dial", [POSSIBLE_MA, "fr/choice-eu"]),
        ("us", [ANSWERED_MA, "fr/choice-domestic"]),
    ],
)
def test_choice_after_an_agent_has_answered(office: Office, road: str, before: list[str]) -> None:
    """The queue of who chose is Asterisk's."""
    office.only_asked = True
    roads.test_choice_after_an_agent_has_answered(office, road, before)


def test_who_is_not_answered_goes_on_in_the_dialplan(office: Office) -> None:
    roads.test_who_is_not_answered_goes_where_the_administrator_says(office)


@pytest.mark.parametrize(
    ("road", "said", "outcome", "connected"),
    [
        ("all", ["fr/possible-ma-tn-fr"], "PARTIAL", True),
        ("refuse", ["fr/refused"], "NOT_DISCLOSED", False),
        ("refuse-early", ["fr/refused"], "NOT_DISCLOSED", False),
    ],
)
def test_no_site_resolved(
    office: Office, road: str, said: list[str], outcome: str, connected: bool
) -> None:
    office.only_asked = True
    roads.test_no_site_resolved(office, road, said, outcome, connected)


def test_the_deadline_is_over(office: Office) -> None:
    roads.test_the_deadline_is_over(office, "late-refuse")


def test_what_an_agent_says_meanwhile_is_never_heard(office: Office) -> None:
    roads.test_what_an_agent_says_meanwhile_is_never_heard(office, "group")


def test_a_queue_is_asterisks(office: Office) -> None:
    """The handler announces, and the hook of the queue goes on."""
    office.only(AMINA)
    heard = office.call("queue")
    heard.talk(office.leg(AMINA))
    assert list(heard.sounds()) == [POSSIBLE, ANSWERED_MA]
    records = office.evidence(3)
    heard.agrees_with(*records)
    assert [record["door"] for record in records] == ["ari", "fastagi", "fastagi"]


def test_call_pickup(office: Office) -> None:
    roads.test_call_pickup(office, "group")


@pytest.mark.parametrize("road", ["group", "group-once"])
def test_blind_transfer(office: Office, road: str) -> None:
    roads.test_blind_transfer(office, road)


@pytest.mark.parametrize("colleague", ["answers", "rings"])
def test_attended_transfer(office: Office, colleague: str) -> None:
    roads.test_attended_transfer(office, "group", colleague)


def test_a_consultation_that_ends_changes_nothing(office: Office) -> None:
    roads.test_a_consultation_that_ends_changes_nothing(office, "group")


@pytest.fixture
def consumer(building: Building) -> Iterator[Phone]:
    port = building.ports["consumer"]
    with Phone(number="consumer", port=port, answer_after=0.2) as phone:
        yield phone


def test_a_consumer_is_called(office: Office, consumer: Phone) -> None:
    """A call file: the consumer answers, hears the countries, and then the agent."""
    office.only(AMINA)
    office.spool(
        "group",
        "Application: Stasis\n"
        "Data: callcentre-disclosure,direction=outbound,route=group,dial=route,did=+33698765432\n",
    )
    heard = Heard(office, consumer.next_call())
    leg = office.leg(AMINA)
    heard.talk(leg)
    told = heard.sounds()
    assert list(told) == ["fr/outbound-possible-ma-tn", "fr/outbound-answered-ma"]
    assert heard.first_word(AMINA) >= told["fr/outbound-answered-ma"].end
    records = office.evidence(2)
    heard.agrees_with(*records)
    assert {record["direction"] for record in records} == {"outbound"}
    assert records[0]["dialled_number"] == "**********32"


def test_an_agent_calls_a_consumer(office: Office, consumer: Phone) -> None:
    roads.test_an_agent_calls_a_consumer(office, consumer, "002")


def test_an_agent_who_gives_up_releases_the_consumer_at_once(
    office: Office, consumer: Phone
) -> None:
    roads.test_an_agent_who_gives_up_releases_the_consumer_at_once(office, consumer, "002")


@pytest.mark.parametrize("telephone", ["reads", "takes none"])
def test_text(office: Office, telephone: str) -> None:
    """The sentence comes as a message at the same moment, next to the call."""
    if telephone == "takes none":
        office.caller.allow = "INVITE, ACK, CANCEL, BYE"
    office.only_asked = True
    heard = office.call("text-group")
    heard.talk(office.leg(AMINA))
    told = heard.sounds()
    assert list(told) == [POSSIBLE_MA]
    (record,) = office.evidence(1)
    (playback,) = record["playbacks"]
    assert playback["text_sent"] is (telephone != "takes none")
    messages = office.caller.messages
    assert [message.text for message in messages] == [playback["text"]] * (telephone == "reads")
    for message in messages:
        assert abs(message.at - heard.call.t0 - told[POSSIBLE_MA].start) < 0.5
