"""Every road that a call can take, on real Asterisks, by the dialplan that the product writes.

docs/roads.md lists them. What is said is judged by the recordings of the caller and the agents.
"""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk.dialplan import dialplan
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import find
from callcentre_disclosure.testing.sip import Phone
from tests.call_centre import BIN, Server
from tests.integration.office import (
    AMINA,
    ANSWERED_MA,
    ANSWERED_TN,
    DIALPLAN,
    INFORMING_HZ,
    LUC,
    POSSIBLE,
    POSSIBLE_MA,
    QUEUES,
    ROUTES,
    VOICES,
    YASMINE,
    Heard,
    Office,
    heard_tone,
    open_office,
)

#: Two telephones' clocks, and a packet that is on its way, in seconds.
A_PACKET = 0.05


class Building:
    """What stays from one test to the next: an Asterisk, a server, and the agents' ports.

    ``files`` and ``modules`` are more of Asterisk's configuration.
    """

    def __init__(
        self,
        folder: Path,
        installation: Installation,
        running: ExitStack,
        extensions: str = DIALPLAN,
        *options: str,
        files: Mapping[str, str] = {},
        modules: Sequence[str] = (),
    ) -> None:
        self.centre = open_office(folder)
        self.ports = {number: _free_port() for number in (*VOICES, "consumer")}
        self.server = Server(self.centre, 1, *options)
        running.callback(self.server.stop)
        written = dialplan(
            load(self.centre.path), installation.major, f"127.0.0.1:{self.server.port}"
        )
        self.asterisk = running.enter_context(
            PrivateAsterisk(
                installation,
                folder / "asterisk",
                extensions=extensions,
                files={"extensions_disclosure.conf": written, **files},
                modules=modules,
                queues=QUEUES,
                agents=self.ports,
                callers={"caller": "127.0.0.2", "muting": "127.0.0.3", "english": "127.0.0.4"},
                languages={"caller": "fr", "muting": "fr", "consumer": "fr"},
                pjsip_extra="".join(
                    f"[{agent}](+)\ncall_group = 1\npickup_group = 1\n" for agent in VOICES
                ),
                environment=self.centre.environment,
            )
        )
        script = self.asterisk.agi_bin / "callcentre-disclosure-agi"
        script.symlink_to(BIN / "callcentre-disclosure-agi")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def building(
    tmp_path_factory: pytest.TempPathFactory, installation: Installation
) -> Iterator[Building]:
    with ExitStack() as running:
        yield Building(tmp_path_factory.mktemp("office"), installation, running)


@contextmanager
def at_work(building: Building) -> Iterator[Office]:
    """The office for one test: agents who answer, a caller, and nothing left in the end."""
    with ExitStack() as phones:
        agents = {
            number: phones.enter_context(
                Phone(
                    number=number,
                    port=building.ports[number],
                    answer_after=0.3,
                    play=VOICES[number],
                )
            )
            for number in VOICES
        }
        caller = phones.enter_context(Phone("127.0.0.2", number="+33612345678"))
        office = Office(building.centre, building.asterisk, caller, agents)
        with office.empties():
            yield office
            for phone in (caller, *agents.values()):
                for call in phone.calls:
                    call.hang_up()


@pytest.fixture
def office(building: Building) -> Iterator[Office]:
    with at_work(building) as office:
        yield office


@pytest.fixture
def muting() -> Iterator[Phone]:
    """A caller by the trunk that mutes early media."""
    with Phone("127.0.0.3", number="+33612345679") as phone:
        yield phone


@pytest.fixture
def english() -> Iterator[Phone]:
    """A caller whose channel speaks English."""
    with Phone("127.0.0.4", number="+33612345681") as phone:
        yield phone


@pytest.fixture
def second_caller() -> Iterator[Phone]:
    with Phone("127.0.0.2", number="+33612345680") as phone:
        yield phone


@pytest.fixture
def consumer(building: Building) -> Iterator[Phone]:
    """Whom the call centre calls."""
    port = building.ports["consumer"]
    with Phone(number="consumer", port=port, answer_after=0.2) as phone:
        yield phone


def test_the_dialplan_is_read_without_a_warning(building: Building) -> None:
    log = building.asterisk.log_text().splitlines()
    said = [line for line in log if ("WARNING" in line or "ERROR" in line) and "pbx" in line]
    assert said == []


@pytest.mark.parametrize(("who", "country"), [(AMINA, "ma"), (YASMINE, "tn")])
def test_queue(office: Office, who: str, country: str) -> None:
    """The possible countries, then that of the member who answered."""
    office.only(who)
    heard = office.call("queue")
    heard.language = "*"
    leg = office.leg(who)
    heard.talk(leg)
    told = heard.sounds()
    assert list(told) == [POSSIBLE, f"fr/answered-{country}"]
    answered = told[f"fr/answered-{country}"]
    assert told[POSSIBLE].end <= heard.answered_by(leg) <= answered.start + A_PACKET
    assert heard.voices() == [who]
    assert heard.first_word(who) >= told[f"fr/answered-{country}"].end
    first, second = office.evidence(2)
    heard.agrees_with(first, second)
    assert second["profile"] == "fr-2018"
    assert heard_tone(leg, INFORMING_HZ)[0][0] < leg.wait_for("answered") + 0.5


def test_queue_in_another_language(office: Office, english: Phone) -> None:
    office.only(AMINA)
    heard = Heard(office, english.call(ROUTES["queue"].number, office.asterisk.sip_address))
    heard.language = "*"
    heard.talk(office.leg(AMINA))
    assert list(heard.sounds()) == ["en/possible-ma-tn", "en/answered-ma"]
    heard.agrees_with(*office.evidence(2))


@pytest.mark.parametrize("road", ["group", "turn"])
@pytest.mark.parametrize(("who", "answered"), [(AMINA, ANSWERED_MA), (YASMINE, ANSWERED_TN)])
def test_dial(office: Office, road: str, who: str, answered: str) -> None:
    """A ring group over two countries, and agents in turn; the agent hears a tone meanwhile."""
    office.only(who)
    heard = office.call(road)
    leg = office.leg(who)
    heard.talk(leg)
    told = heard.sounds()
    assert list(told) == [POSSIBLE, answered]
    assert told[POSSIBLE].end <= heard.answered_by(leg) <= told[answered].start + A_PACKET
    assert heard.voices() == [who]
    assert heard.first_word(who) >= told[answered].end
    heard.agrees_with(*office.evidence(2))
    assert heard_tone(leg, INFORMING_HZ), "the agent does not sit in dead air"


def test_told_before_dialling_only(office: Office) -> None:
    """A profile that asks for the possible countries alone."""
    heard = office.call("told-first")
    heard.talk(office.leg(AMINA))
    assert list(heard.sounds()) == [POSSIBLE_MA]
    heard.agrees_with(*office.evidence(1))


@pytest.mark.parametrize("road", ["early-queue", "early-group"])
def test_early_media(office: Office, road: str) -> None:
    """Both announcements are heard before the answer; 200 comes after the agent's, at the end of
    the second."""
    office.only(AMINA)
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.talk(leg)
    told = heard.sounds()
    assert list(told) == [POSSIBLE, ANSWERED_MA]
    answered = heard.call.wait_for("answered")
    # A telephone that was slow has noted the 183 late, and puts the packets where they belong.
    assert heard.call.wait_for("early-media") < told[POSSIBLE].end
    assert told[POSSIBLE].end <= heard.answered_by(leg) < told[ANSWERED_MA].end
    assert told[ANSWERED_MA].end <= answered + A_PACKET
    assert heard.first_word(AMINA) >= answered - A_PACKET
    records = office.evidence(2)
    heard.agrees_with(*records)
    assert [record["media"] for record in records] == ["early", "early"]


def test_early_media_by_a_trunk_that_mutes_it(office: Office, muting: Phone) -> None:
    """The call is answered for the announcement, and the evidence says so."""
    office.only(AMINA)
    heard = Heard(office, muting.call(ROUTES["early-group"].number, office.asterisk.sip_address))
    leg = office.leg(AMINA)
    heard.talk(leg)
    told = heard.sounds()
    assert list(told) == [POSSIBLE, ANSWERED_MA]
    assert heard.call.wait_for("answered") < told[POSSIBLE].start
    assert [record["media"] for record in office.evidence(2)] == ["answered", "answered"]


def test_not_said_twice_when_it_was_exact(office: Office) -> None:
    heard = office.call("exact")
    heard.talk(office.leg(AMINA))
    assert list(heard.sounds()) == [POSSIBLE_MA]
    first, second = office.evidence(2)
    heard.agrees_with(first, second)
    assert (second["outcome"], second["asked"]) == ("NOT_REQUIRED", False)


def test_nothing_is_asked_for(office: Office) -> None:
    office.only(AMINA)
    heard = office.call("none")
    heard.talk(office.leg(AMINA))
    assert heard.sounds() == {}


@pytest.mark.parametrize("road", ["queue", "group"])
def test_a_caller_who_hangs_up_releases_the_agent_at_once(office: Office, road: str) -> None:
    office.only(AMINA)
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.call.wait_until(heard.answered_by(leg) + 0.8)
    heard.call.hang_up()
    leg.wait_for("ended", timeout=1)
    assert list(heard.sounds()) == [POSSIBLE]
    assert heard.voices() == []
    _, second = office.evidence(2)
    assert second["outcome"] == "ABANDONED"


@pytest.mark.parametrize("road", ["queue", "group"])
def test_an_agent_who_hangs_up_in_the_announcement(office: Office, road: str) -> None:
    """The caller hears it to its end, and the next agent is called; nothing is said twice."""
    office.only(AMINA)
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.call.wait_until(heard.answered_by(leg) + 0.8)
    leg.hang_up()
    heard.talk(office.leg(AMINA))
    assert list(heard.sounds()) == [POSSIBLE, ANSWERED_MA]
    records = office.evidence(3)
    heard.agrees_with(*records)
    assert records[1]["disposition"] == "CONTINUE_IN_DIALPLAN"
    assert records[1]["cause"] == "the agent had hung up"
    assert (records[2]["disposition"], records[2]["asked"]) == ("BRIDGE", False)


def test_a_server_that_dies_while_the_agent_waits(office: Office, building: Building) -> None:
    """The next worker, or else the script, tells the caller from the first word."""
    office.only(AMINA)
    heard = office.call("queue")
    leg = office.leg(AMINA)
    heard.call.wait_until(heard.answered_by(leg) + 0.6)
    for worker in building.server.workers():
        os.kill(worker, signal.SIGKILL)
    heard.talk(leg)
    after = heard.answered_by(leg) + 0.6
    again = find(heard.call.recording(), heard.file(ANSWERED_MA), after=after)
    assert again is not None
    assert again.complete
    assert again.end <= heard.first_word(AMINA) + A_PACKET
    assert [record["outcome"] for record in office.evidence(2)] == ["DISCLOSED", "DISCLOSED"]
    building.server.wait_for(" serves")


@pytest.mark.parametrize(
    ("press", "chosen"),
    [
        pytest.param("1 in the announcement", True, id="in the announcement"),
        pytest.param("1 in the last word", True, id="in the last word of the offer"),
        pytest.param("1 after", True, id="after the offer"),
        pytest.param("11 after", True, id="twice"),
        pytest.param("2 after", False, id="a wrong key"),
        pytest.param("", False, id="no key"),
    ],
)
def test_choice_before_an_agent_is_sought(office: Office, press: str, chosen: bool) -> None:
    heard = office.call("choice-before")
    key, _, when = press.partition(" ")
    heard.call.wait_for("audio")
    office.only(AMINA, LUC)
    begun = heard.call.when("audio") or 0.0
    if when == "in the announcement":
        heard.call.wait_until(begun + 0.4)
    elif when == "in the last word":
        heard.call.wait_until(heard.begins("fr/choice-eu") + heard.seconds("fr/choice-eu") - 0.2)
    elif when:
        heard.call.wait_until(heard.begins("fr/choice-eu") + heard.seconds("fr/choice-eu") + 0.2)
    if key:
        heard.call.send_dtmf(key)
    who = LUC if chosen else AMINA
    heard.talk(office.leg(who))
    told = list(heard.sounds())
    assert told[0] == POSSIBLE, "no key cuts the announcement"
    assert heard.voices() == [who]
    records = office.evidence(2)
    assert (records[0]["disposition"] == "REDIRECT") is chosen
    assert records[0]["offer"]["digit"] == key[:1]
    assert (records[1]["waited_since_choice"] or 0) > 0 if chosen else True
    assert told[-1] == ("fr/answered-fr" if chosen else ANSWERED_MA)
    heard.agrees_with(*records)


@pytest.mark.parametrize(
    ("road", "before"),
    [
        ("choice-after", [POSSIBLE_MA, "fr/choice-eu"]),
        ("choice-dial", [POSSIBLE_MA, "fr/choice-eu"]),
        ("us", [ANSWERED_MA, "fr/choice-domestic"]),
    ],
)
def test_choice_after_an_agent_has_answered(office: Office, road: str, before: list[str]) -> None:
    """The agent who had answered is released, and is never heard."""
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.call.wait_until(heard.begins(before[1]) + heard.seconds(before[1]) + 0.2)
    heard.call.send_dtmf("1")
    leg.wait_for("ended", timeout=1)
    heard.talk(office.leg(LUC))
    told = list(heard.sounds())
    assert told == [*before, *(["fr/answered-fr"] if road != "us" else [])]
    assert heard.voices() == [LUC]
    *_, offered, last = office.evidence(3 if road != "us" else 2)
    assert offered["disposition"] == "REDIRECT"
    assert 0 < last["waited_since_choice"] < 10


def test_who_chose_stays_there_when_that_agent_leaves(office: Office) -> None:
    heard = office.call("choice-before")
    heard.call.wait_until(heard.begins("fr/choice-eu") + 0.2)
    heard.call.send_dtmf("1")
    leg = office.leg(LUC)
    heard.call.wait_until(heard.answered_by(leg) + 0.6)
    leg.hang_up()
    heard.talk(office.leg(LUC))
    assert list(heard.sounds()) == [POSSIBLE, "fr/answered-fr"]
    assert heard.voices() == [LUC]


def test_who_is_not_answered_goes_where_the_administrator_says(office: Office) -> None:
    office.only(LUC)
    heard = office.call("told-first")
    heard.talk(office.leg(LUC))
    assert list(heard.sounds()) == [POSSIBLE_MA]


def test_who_chose_goes_before_those_who_wait(office: Office, second_caller: Phone) -> None:
    office.only(AMINA)
    waiting = second_caller.call(ROUTES["eu-only"].number, office.asterisk.sip_address)
    waiting.wait_for("answered")
    heard = office.call("choice-before")
    heard.call.wait_until(heard.begins("fr/choice-eu") + 0.2)
    heard.call.send_dtmf("1")
    office.evidence(1)
    office.only(LUC)
    heard.talk(office.leg(LUC))
    assert waiting.when("ended") is None
    waiting.hang_up()


@pytest.mark.parametrize("road", ["queue", "group"])
def test_call_pickup(office: Office, road: str) -> None:
    """The country is that of the colleague who picked up, not of the agent who was called."""
    for phone in office.agents.values():
        phone.answer_after = None
    heard = office.call(road)
    office.leg(AMINA).wait_for("ringing")
    if road == "group":  # a telephone that is about to refuse might be what is picked up
        office.leg(YASMINE).wait_for("ringing")
    picking = office.agents[LUC].call("*8", office.asterisk.sip_address)
    picking.wait_for("answered")
    heard.talk(picking, number=LUC)
    assert list(heard.sounds()) == [POSSIBLE, "fr/answered-fr"]
    assert heard.voices() == [LUC]
    assert office.evidence(2)[1]["countries"] == ["FR"]


@pytest.mark.parametrize("telephone", ["reads", "refuses", "takes none"])
def test_text(office: Office, telephone: str) -> None:
    """The sentence comes as a message at the same moment; who cannot read is none the worse."""
    if telephone == "refuses":
        office.caller.refuse_messages = 405
    elif telephone == "takes none":
        office.caller.allow = "INVITE, ACK, CANCEL, BYE"
    heard = office.call("text")
    heard.talk(office.leg(AMINA))
    told = heard.sounds()
    assert list(told) == [POSSIBLE_MA]
    (record,) = office.evidence(1)
    (playback,) = record["playbacks"]
    assert playback["text_sent"] is (telephone != "takes none")
    if telephone == "reads":
        (message,) = heard.call.messages
        assert message.text == playback["text"]
        assert abs(message.at - told[POSSIBLE_MA].start) < 0.5


@pytest.mark.parametrize("road", ["desks", "names"])
def test_agents_by_local_channel_and_by_name(office: Office, road: str) -> None:
    heard = office.call(road)
    leg = office.leg(AMINA if road == "desks" else YASMINE)
    heard.talk(leg)
    told = list(heard.sounds())
    assert told == ([POSSIBLE_MA] if road == "desks" else [POSSIBLE, ANSWERED_TN])
    record = office.evidence(2)[1]
    assert record["basis"] == "AGENT"
    assert record["countries"] == (["MA"] if road == "desks" else ["TN"])


@pytest.mark.parametrize(
    ("road", "said", "outcome", "connected"),
    [
        ("generic", ["fr/generic"], "NOT_DISCLOSED", True),
        ("all", ["fr/possible-ma-tn-fr"], "PARTIAL", True),
        ("silent", [], "NOT_DISCLOSED", True),
        ("refuse", ["fr/refused"], "NOT_DISCLOSED", False),
        ("refuse-early", ["fr/refused"], "NOT_DISCLOSED", False),
    ],
)
def test_no_site_resolved(
    office: Office, road: str, said: list[str], outcome: str, connected: bool
) -> None:
    heard = office.call(road)
    if connected:
        heard.talk(office.leg(AMINA))
    else:
        heard.call.wait_for("ended")
        assert heard.call.ending is not None
        assert heard.call.ending.status == (403 if road == "refuse-early" else 200)
        assert heard.call.ending.cause == 21
        assert office.agents[AMINA].calls == []
    assert list(heard.sounds()) == said
    (record,) = office.evidence(1)
    heard.agrees_with(record)
    assert (record["outcome"], record["cause"]) == (outcome, "no site resolved")


def test_refused_in_the_queue(office: Office) -> None:
    """The sound of who answered is missing: a sentence, then the end for the caller and agent."""
    office.only(AMINA)
    with office.without(ANSWERED_MA):
        heard = office.call("refuse-queue")
        leg = office.leg(AMINA)
        heard.call.wait_for("ended", timeout=20)
        leg.wait_for("ended", timeout=1)
    assert list(heard.sounds()) == [POSSIBLE, "fr/refused"]
    assert heard.voices() == []
    assert heard.call.ending is not None
    assert heard.call.ending.cause == 21
    records = office.evidence(2)
    heard.agrees_with(*records)
    assert records[1]["disposition"] == "HANG_UP"


@pytest.mark.parametrize("road", ["late", "late-refuse"])
def test_the_deadline_is_over(office: Office, road: str) -> None:
    """It is told all the same, and counts for less; a route that refuses then refuses."""
    heard = office.call(road)
    if road == "late":
        heard.talk(office.leg(AMINA))
    else:
        heard.call.wait_for("ended")
    said = [POSSIBLE] if road == "late" else [POSSIBLE, "fr/refused"]
    assert list(heard.sounds()) == said
    (record,) = office.evidence(1)
    heard.agrees_with(record)
    assert record["outcome"] == "PARTIAL"
    assert record["cause"].endswith("after the start of the call, prompt asks for 1 s")


@contextmanager
def without_script(folder: Path, installation: Installation, server: str) -> Iterator[Office]:
    """An office of one agent that has only this server."""
    with ExitStack() as running:
        centre = open_office(folder)
        agent = running.enter_context(Phone(number=AMINA, answer_after=0.3, play=VOICES[AMINA]))
        caller = running.enter_context(Phone("127.0.0.2", number="+33612345678"))
        written = dialplan(load(centre.path), installation.major, server)
        asterisk = running.enter_context(
            PrivateAsterisk(
                installation,
                folder / "asterisk",
                extensions=DIALPLAN,
                files={"extensions_disclosure.conf": written},
                queues=QUEUES,
                agents={AMINA: agent.port},
                languages={"caller": "fr"},
            )
        )
        office = Office(centre, asterisk, caller, {AMINA: agent})
        with office.empties():
            yield office


def test_server_and_script_are_away(tmp_path: Path, installation: Installation) -> None:
    """The dialplan itself does what on_failure says, and says so in Asterisk's log."""
    with without_script(tmp_path, installation, "127.0.0.1:1") as office:
        for road, said in (
            ("generic", ["fr/generic"]),
            ("all", ["fr/possible-ma-tn-fr"]),
            ("silent", []),
            ("refuse", ["fr/refused"]),
        ):
            heard = office.call(road)
            if road == "refuse":
                heard.call.wait_for("ended")
                assert heard.call.ending is not None
                assert heard.call.ending.cause == 21
            else:
                heard.talk(office.leg(AMINA))
            assert list(heard.sounds()) == said
        office.evidence(0)
        log = office.asterisk.log_text().splitlines()
        errors = [line for line in log if "ERROR" in line and "Executing" not in line]
        assert len([line for line in errors if "callcentre-disclosure is away" in line]) == 4


class DyingServer:
    """A FastAGI server that ends before it has done all that it should."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    def does(self, *commands: str) -> None:
        """It takes the next call, does as much, and is gone. ``AGENT_`` is the channel of the
        queue's member."""
        connection, _ = self._listening.accept()
        with connection, connection.makefile("rb") as said:
            while said.readline().strip():
                pass
            agent = ""
            for command in ("GET FULL VARIABLE ${SHARED(DISCLOSURE_AGENT)}", *commands):
                connection.sendall(f"{command.replace('AGENT_', agent)}\n".encode())
                told = said.readline().decode()
                assert told.startswith("200 result="), told
                agent = agent or told.partition("(")[2].rpartition(")")[0]


@pytest.fixture
def dying(tmp_path: Path, installation: Installation) -> Iterator[tuple[Office, DyingServer]]:
    """An office behind such a server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        server = f"127.0.0.1:{listening.getsockname()[1]}"
        with without_script(tmp_path, installation, server) as office:
            yield office, DyingServer(listening)


def test_a_server_that_dies_before_it_hangs_up(dying: tuple[Office, DyingServer]) -> None:
    """It has said that nobody is to be connected, and so nobody is."""
    office, server = dying
    heard = office.call("refuse")
    server.does("EXEC MSet DISCLOSURE_DISPOSITION=HANG_UP")
    heard.call.wait_for("ended")
    assert heard.call.ending is not None
    assert heard.call.ending.cause == 21
    assert office.agents[AMINA].calls == []


def test_a_server_that_dies_before_it_connects(dying: tuple[Office, DyingServer]) -> None:
    """The agent of a queue waits for a caller who was told, and who is connected."""
    office, server = dying
    heard = office.call("exact")
    server.does("EXEC MSet DISCLOSURE_DISPOSITION=CONTINUE_IN_DIALPLAN")
    server.does(
        "EXEC ChannelRedirect AGENT_,disclosure-answered,s,2",
        "EXEC MSet DISCLOSURE_DISPOSITION=BRIDGE",
    )
    heard.talk(office.leg(AMINA))


@pytest.mark.parametrize("road", ["queue", "group"])
def test_what_an_agent_says_meanwhile_is_never_heard(office: Office, road: str) -> None:
    office.only(AMINA)
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.call.wait_until(heard.answered_by(leg) + 0.8)
    leg.play(None)
    heard.call.wait_until(heard.answered_by(leg) + 3.0)
    leg.play(VOICES[AMINA])
    heard.talk(leg)
    assert heard.first_word(AMINA) >= heard.answered_by(leg) + 2.9
    arrived = [at for at in heard.call.arrivals() if at > heard.answered_by(leg)]
    per_second = Counter(map(int, arrived))
    assert max(per_second.values()) < 60, "50 packets a second, and no burst of what was said"


def test_a_consumer_is_called(office: Office, consumer: Phone) -> None:
    """A call file: the consumer answers, hears the countries, and then the agent."""
    office.only(AMINA)
    office.originate("queue", "+33698765432")
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


@pytest.mark.parametrize("extension", ["001"])
def test_an_agent_calls_a_consumer(office: Office, consumer: Phone, extension: str) -> None:
    """The consumer is told where the agent sits before the two are connected."""
    call = office.agents[AMINA].call(extension, office.asterisk.sip_address)
    heard = Heard(office, consumer.next_call())
    heard.call.answer()
    heard.talk(call, number=AMINA)
    told = heard.sounds()
    assert list(told) == ["fr/outbound-answered-ma"]
    assert heard.first_word(AMINA) >= told["fr/outbound-answered-ma"].end
    (record,) = office.evidence(1)
    heard.agrees_with(record)
    assert record["agent_channel"].startswith("PJSIP/201-")


@pytest.mark.parametrize("extension", ["001"])
def test_an_agent_who_gives_up_releases_the_consumer_at_once(
    office: Office, consumer: Phone, extension: str
) -> None:
    call = office.agents[AMINA].call(extension, office.asterisk.sip_address)
    heard = Heard(office, consumer.next_call())
    heard.call.wait_for("audio")
    call.hang_up()
    heard.call.wait_for("ended", timeout=1)
    assert heard.voices() == []


FREEPBX = """\
[inbound]
exten => _X.,1,Goto(disclosure-calls-inbound,queue,1)

; How FreePBX calls a queue, and a member of it (functions.inc of its module queues)
[ext-queues]
exten => 600,1,Set(QGOSUB=${IF($[${LEN(${VQ_GOSUB})}>0]?${VQ_GOSUB}:${QGOSUB})})
 same => n,Set(VQ_GOSUB=)
 same => n,Set(QAGI=${IF($[${LEN(${VQ_AGI})}>0]?${VQ_AGI}:${QAGI})})
 same => n,Set(VQ_AGI=)
 same => n,Queue(600,t,,,60,${QAGI},MACRO${QGOSUB},,)
 same => n,Hangup()
[from-queue]
exten => _XXX,1,Dial(PJSIP/${EXTEN},20)

"""
FREEPBX_CONFIGURATION = """\
languages: [fr]
sounds: {folder: sounds}
evidence: {file: evidence.sqlite}
sites: {casablanca: {country: MA}, tunis: {country: TN}}
agents: {"Local/201@from-queue/n": {site: casablanca}}
queues: {"600": {sites: [casablanca, tunis]}}
routes: {queue: {numbers: ["0184880001"], queue: "600"}}
"""


def test_freepbx(tmp_path: Path, installation: Installation) -> None:
    """The dialplan for extensions_custom.conf, below queues as FreePBX calls them."""
    with ExitStack() as running:
        centre = open_office(tmp_path, FREEPBX_CONFIGURATION)
        server = Server(centre)
        running.callback(server.stop)
        agent = running.enter_context(Phone(number=AMINA, answer_after=0.3, play=VOICES[AMINA]))
        caller = running.enter_context(Phone("127.0.0.2", number="+33612345678"))
        address = f"127.0.0.1:{server.port}"
        written = dialplan(load(centre.path), installation.major, address, freepbx=True)
        macro = "," if installation.major < 21 else ""
        asterisk = running.enter_context(
            PrivateAsterisk(
                installation,
                tmp_path / "asterisk",
                extensions=FREEPBX.replace("MACRO", macro) + written,
                queues="[600]\nsetinterfacevar=yes\nmember => Local/201@from-queue/n\n",
                agents={AMINA: agent.port},
                languages={"caller": "fr"},
            )
        )
        office = Office(centre, asterisk, caller, {AMINA: agent})
        with office.empties():
            heard = office.call("queue")
            heard.talk(office.leg(AMINA))
            assert list(heard.sounds()) == [POSSIBLE, ANSWERED_MA]
            heard.agrees_with(*office.evidence(2))


@pytest.mark.parametrize("road", ["queue", "group", "once"])
def test_blind_transfer(office: Office, road: str) -> None:
    """To an agent in another country: told again, unless the profile wants it once a call."""
    office.only(AMINA)
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.listen(AMINA)
    office.only(YASMINE)
    leg.transfer(YASMINE)
    heard.talk(office.leg(YASMINE))
    leg.wait_for("ended")
    told = heard.sounds()
    again = [ANSWERED_TN] if "once" not in road else []
    assert list(told) == [POSSIBLE, ANSWERED_MA, *again]
    assert heard.voices() == [AMINA, YASMINE]
    if again:
        assert heard.first_word(YASMINE) >= told[ANSWERED_TN].end
    records = office.evidence(3)
    heard.agrees_with(*records)
    assert records[2]["told_before"] == "answered MA"
    assert records[2]["outcome"] == ("DISCLOSED" if again else "NOT_REQUIRED")


@pytest.mark.parametrize("road", ["queue", "group"])
@pytest.mark.parametrize("colleague", ["answers", "rings"])
def test_attended_transfer(office: Office, road: str, colleague: str) -> None:
    """The agent consults a colleague in another country, and hands the caller over."""
    office.only(AMINA)
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.listen(AMINA)
    office.only(YASMINE)
    office.agents[YASMINE].answer_after = 0.3 if colleague == "answers" else 2.0
    leg.hold()
    consultation = office.agents[AMINA].call(YASMINE, office.asterisk.sip_address)
    asked = office.leg(YASMINE)
    consultation.wait_for("answered" if colleague == "answers" else "ringing")
    leg.transfer(consultation)
    asked.wait_for("answered")
    heard.listen_after_announcement(YASMINE, ANSWERED_TN)
    heard.talk(asked)
    told = heard.sounds()
    assert list(told) == [POSSIBLE, ANSWERED_MA, ANSWERED_TN]
    records = office.evidence(3)
    heard.agrees_with(*records)
    assert records[2]["countries"] == ["TN"]
    assert heard.heard_before(YASMINE, told[ANSWERED_TN].start) < 0.1


@pytest.mark.parametrize("road", ["queue"])
def test_a_consultation_that_ends_changes_nothing(office: Office, road: str) -> None:
    office.only(AMINA)
    heard = office.call(road)
    leg = office.leg(AMINA)
    heard.listen(AMINA)
    office.only(YASMINE)
    leg.hold()
    consultation = office.agents[AMINA].call(YASMINE, office.asterisk.sip_address)
    consultation.wait_for("answered")
    office.leg(YASMINE).wait_for("answered")
    consultation.hang_up()
    leg.resume()
    heard.call.wait_until(heard.now() + 1.0)
    heard.call.hang_up()
    leg.wait_for("ended", timeout=2)
    assert list(heard.sounds()) == [POSSIBLE, ANSWERED_MA]
    assert heard.voices() == [AMINA]
    office.evidence(2)


def test_overflow_to_another_site(office: Office) -> None:
    """From queue to queue: only a country that is new is told."""
    call = office.caller.call("0777", office.asterisk.sip_address)
    heard = Heard(office, call)
    heard.talk(office.leg(LUC))
    assert list(heard.sounds()) == [POSSIBLE, "fr/domestic-fr"]
    records = office.evidence(3)
    heard.agrees_with(*records)
    assert [record["outcome"] for record in records] == ["DISCLOSED", "NOT_REQUIRED", "DISCLOSED"]
