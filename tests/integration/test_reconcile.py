"""Calls on real Asterisks, some of them badly announced, and what is found of them in the records
that Asterisk writes by its own modules, in the forms that its sample configuration has."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Recording
from callcentre_disclosure.testing.sip import Phone
from tests import command_line
from tests.call_centre import AriHandler
from tests.integration import test_stasis as stasis
from tests.integration.office import (
    AMINA,
    ANSWERED_MA,
    DIALPLAN,
    LUC,
    POSSIBLE_MA,
    YASMINE,
    Heard,
    Office,
)
from tests.integration.test_roads import Building, at_work
from tests.postgresql import Server as Postgresql

#: What an administrator might have written without us.
LEAKS = """\
[inbound](+)
exten => 0801,1,Answer()
 same => n,Queue(rabat,r)
exten => 0802,1,Answer()
 same => n,Dial(Local/201@desks,20)
exten => 0803,1,Answer()
 same => n,Dial(PJSIP/201,20,g)
 same => n,Gosub(disclosure-tell,s,1(stage=possible,queue=rabat))
exten => 0804,1,Dial(PJSIP/301,20)
exten => 0805,1,Answer()
 same => n,Gosub(disclosure-tell,s,1(stage=possible,queue=rabat))
 same => n,Dial(PJSIP/consumer,20)
exten => 0806,1,Answer()
 same => n,Gosub(disclosure-tell,s,1(stage=possible,queue=support))
 same => n,Queue(support,r)
exten => *9,1,Answer()
 same => n,Bridge(${CHANNELS(PJSIP/caller)})
"""
CEL = """\
[general]
enable = yes
apps = agi,stasis
events = APP_START,CHAN_START,CHAN_END,ANSWER,BRIDGE_ENTER,BRIDGE_EXIT
"""
CDR = """\
[general]
enable = yes
[csv]
usegmtime = yes
loguniqueid = yes
loguserfield = yes
"""
TABLES = """
CREATE TABLE cel (
    id SERIAL PRIMARY KEY, eventtype VARCHAR(30) NOT NULL, eventtime TIMESTAMP NOT NULL,
    userdeftype VARCHAR(255), cid_name VARCHAR(80), cid_num VARCHAR(80), cid_ani VARCHAR(80),
    cid_rdnis VARCHAR(80), cid_dnid VARCHAR(80), exten VARCHAR(80), context VARCHAR(80),
    channame VARCHAR(80), appname VARCHAR(80), appdata VARCHAR(512), amaflags INT,
    accountcode VARCHAR(20), peeraccount VARCHAR(20), uniqueid VARCHAR(150),
    linkedid VARCHAR(150), userfield VARCHAR(255), peer VARCHAR(80), extra TEXT
);
CREATE TABLE cdr (
    calldate TIMESTAMP NOT NULL, clid VARCHAR(80), src VARCHAR(80), dst VARCHAR(80),
    dcontext VARCHAR(80), channel VARCHAR(80), dstchannel VARCHAR(80), lastapp VARCHAR(80),
    lastdata VARCHAR(80), duration INT, billsec INT, disposition VARCHAR(45), amaflags INT,
    accountcode VARCHAR(20), uniqueid VARCHAR(150), userfield VARCHAR(255)
);
"""
#: CDR counts whole seconds, and passes over what is less.
_LONG = 1.5
_MODULES = ("cdr_csv", "cdr_pgsql", "cdr_sqlite3_custom", "cel_pgsql", "cel_sqlite3_custom")


def samples(installation: Installation) -> dict[str, str]:
    """The mappings of Asterisk's sample configuration, put into force."""
    folder = installation.data / "conf/samples"
    lines = {
        name: [
            line.lstrip(";").partition(" ;")[0]
            for line in (folder / f"{name}.sample").read_text().splitlines()
        ]
        for name in (
            "cel_custom.conf",
            "cdr_custom.conf",
            "cel_sqlite3_custom.conf",
            "cdr_sqlite3_custom.conf",
        )
    }

    def first(name: str, *beginnings: str) -> str:
        return "\n".join(
            next(line for line in lines[name] if line.startswith(beginning))
            for beginning in beginnings
        )

    def table(name: str, kind: str) -> str:
        mapped = first(name, "columns", "values")
        return f"[master]\ntable => {kind}\n{mapped}\nbusy_timeout => 1000\n"

    return {
        "cel_custom.conf": "[mappings]\n" + first("cel_custom.conf", "Master.csv") + "\n",
        "cdr_custom.conf": "[mappings]\n" + first("cdr_custom.conf", "Master.csv") + "\n",
        "cel_sqlite3_custom.conf": table("cel_sqlite3_custom.conf", "cel"),
        "cdr_sqlite3_custom.conf": table("cdr_sqlite3_custom.conf", "cdr"),
    }


def postgresql_section(url: str, table: str) -> str:
    to = conninfo_to_dict(url)
    return (
        f"[global]\nhostname={to['host']}\nport={to['port']}\ndbname={to['dbname']}\n"
        f"user={to['user']}\npassword=none\ntable={table}\n"
    )


@dataclass
class Watched:
    """The calls that were made, by what they were, and where Asterisk wrote about them."""

    config: Path
    places: dict[str, str]
    calls: dict[str, str] = field(default_factory=dict)

    def reconcile(self, *arguments: str) -> dict[str, set[str]]:
        """What was found wrong, by what the call was."""
        done = command_line.run(
            "evidence", "reconcile", f"--config={self.config}", "--json", *arguments
        )
        assert done.exit_code in (0, 1), done.output
        said = json.loads(done.stdout)
        assert done.exit_code == bool(said["findings"])
        self.compared = said["compared"]
        names = {call: name for name, call in self.calls.items()}
        found: dict[str, set[str]] = {}
        for finding in said["findings"]:
            name = names.get(finding["call"], "by the agent's channel")
            found.setdefault(name, set()).add(finding["leak"])
        return found


class House(Building):
    """An Asterisk that writes down everything in every form, and a server."""

    def __init__(
        self,
        folder: Path,
        installation: Installation,
        running: ExitStack,
        url: str,
        extensions: str = DIALPLAN + LEAKS,
    ) -> None:
        super().__init__(
            folder,
            installation,
            running,
            extensions,
            files={
                "cel.conf": CEL,
                "cdr.conf": CDR,
                "cel_pgsql.conf": postgresql_section(url, "cel"),
                "cdr_pgsql.conf": postgresql_section(url, "cdr"),
                **samples(installation),
            },
            modules=_MODULES,
        )
        self.cel = self.asterisk.log / "cel-custom/Master.csv"

    def call(self, make: Callable[[Office], None]) -> str:
        """Has a call made, and waits until Asterisk has written everything down; its linked id."""
        before = len(self._events())
        with at_work(self) as office:
            make(office)
        deadline = time.monotonic() + 20
        while True:
            events = self._events()[before:]
            kinds = [event[0] for event in events]
            if "CHAN_START" in kinds and kinds.count("CHAN_START") == kinds.count("CHAN_END"):
                return next(event[14] for event in events if event[0] == "CHAN_START")
            assert time.monotonic() < deadline, events
            time.sleep(0.02)

    def consumer(self) -> Phone:
        return Phone(number="consumer", port=self.ports["consumer"], answer_after=0.2, play=1400)

    def called(self, extension: str) -> Callable[[Office], None]:
        """An agent calls a consumer."""

        def make(office: Office) -> None:
            with self.consumer() as phone:
                call = office.agents[AMINA].call(extension, office.asterisk.sip_address)
                heard = Heard(office, phone.next_call())
                heard.talk(call, number=AMINA)

        return make

    def _events(self) -> list[list[str]]:
        if not self.cel.exists():
            return []
        with self.cel.open(newline="") as file:
            return list(csv.reader(file))


def talks(route: str, agent: str = AMINA) -> Callable[[Office], None]:
    """A caller of a route, and an agent who talk for a second."""

    def make(office: Office) -> None:
        office.only(agent)
        heard = office.call(route)
        heard.talk(office.leg(agent))

    return make


def dials(number: str, agent: str = AMINA) -> Callable[[Office], None]:
    """The same by a number that nobody thought of."""

    def make(office: Office) -> None:
        office.only(agent)
        heard = Heard(office, office.caller.call(number, office.asterisk.sip_address))
        leg = office.leg(agent)
        heard.listen(agent, _LONG)
        leg.hang_up()  # the caller is told now, at 0803
        heard.call.wait_for("ended", timeout=20)

    return make


def transferred(to: str, route: str = "queue") -> Callable[[Office], None]:
    def make(office: Office) -> None:
        office.only(AMINA)
        heard = office.call(route)
        leg = office.leg(AMINA)
        heard.listen(AMINA)
        office.only(YASMINE)
        leg.transfer(to)
        heard.talk(office.leg(YASMINE))
        leg.wait_for("ended")

    return make


def handed_over(route: str) -> Callable[[Office], None]:
    """After a consultation."""

    def make(office: Office) -> None:
        office.only(AMINA)
        heard = office.call(route)
        leg = office.leg(AMINA)
        heard.listen(AMINA)
        office.only(YASMINE)
        leg.hold()
        consultation = office.agents[AMINA].call(YASMINE, office.asterisk.sip_address)
        asked = office.leg(YASMINE)
        consultation.wait_for("answered")
        leg.transfer(consultation)
        heard.listen_after_announcement(YASMINE, "fr/answered-tn")
        heard.talk(asked)

    return make


def picked_up(office: Office) -> None:
    """By a colleague in another country than the agent who was called."""
    for phone in office.agents.values():
        phone.answer_after = None
    office.only(AMINA)
    heard = office.call("queue")
    office.leg(AMINA).wait_for("ringing")
    picking = office.agents[LUC].call("*8", office.asterisk.sip_address)
    picking.wait_for("answered")
    heard.talk(picking, number=LUC)


def hung_up(route: str) -> Callable[[Office], None]:
    """While the agent waits."""

    def make(office: Office) -> None:
        office.only(AMINA)
        heard = office.call(route)
        leg = office.leg(AMINA)
        heard.call.wait_until(heard.answered_by(leg) + 0.8)
        heard.call.hang_up()
        leg.wait_for("ended", timeout=2)

    return make


def among_agents(office: Office) -> None:
    office.only(YASMINE)
    call = office.agents[AMINA].call(YASMINE, office.asterisk.sip_address)
    leg = office.leg(YASMINE)
    call.wait_until(leg.wait_for("answered") + 1.2)
    call.hang_up()
    leg.wait_for("ended", timeout=2)


def missing(sound: str, route: str) -> Callable[[Office], None]:
    def make(office: Office) -> None:
        with office.without(sound):
            talks(route)(office)

    return make


def cut(sound: str, route: str) -> Callable[[Office], None]:
    """Half of the sound is gone from the disk."""

    def make(office: Office) -> None:
        (file,) = (office.centre.folder / "sounds").glob(f"{sound}-????????.wav")
        whole = file.read_bytes()
        recording = Recording.load(file)
        Recording(recording.samples[: len(recording.samples) // 2]).save(file)
        try:
            talks(route)(office)
        finally:
            file.write_bytes(whole)

    return make


def taken(office: Office) -> None:
    """An agent takes the caller out of the announcement."""
    office.only()
    heard = office.call("queue")
    heard.begins("fr/possible-ma-tn")
    call = office.agents[AMINA].call("*9", office.asterisk.sip_address)
    heard.listen(AMINA, _LONG)
    heard.call.hang_up()
    call.hang_up()


def unrecorded(house: House) -> Callable[[Office], None]:
    """The server has told the channel what was announced, and is killed before that is on the disk:
    between the two lies a millisecond, which somebody who writes to the ledger makes longer."""

    def make(office: Office) -> None:
        office.only(AMINA)
        file = house.centre.folder / "evidence.sqlite"
        with closing(sqlite3.connect(file, isolation_level=None)) as ledger:
            ledger.execute("BEGIN IMMEDIATE")
            heard = office.call("told-first")
            deadline = time.monotonic() + 20
            while "__DISCLOSURE_ID=" not in _variables(office.asterisk):
                assert time.monotonic() < deadline, "nothing was told"
            for worker in house.server.workers():
                os.kill(worker, signal.SIGKILL)
            ledger.execute("ROLLBACK")
        heard.talk(office.leg(AMINA))
        house.server.wait_for(" serves")

    return make


def _variables(asterisk: PrivateAsterisk) -> str:
    """Those of the caller's channel."""
    channels = asterisk.command("core show channels concise").splitlines()
    names = [line.partition("!")[0] for line in channels if line.startswith("PJSIP/caller")]
    return "".join(asterisk.command(f"core show channel {name}") for name in names)


def forgotten(path: Path, condition: str, *values: str) -> None:
    """Somebody removes records from the evidence."""
    with closing(sqlite3.connect(path)) as ledger, ledger:
        gone = ledger.execute(f"DELETE FROM entries WHERE {condition}", values)
        assert gone.rowcount > 0


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory,
    installation: Installation,
    postgresql_server: Postgresql,
) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    postgresql_server.ensure_running()
    with postgresql_server.database() as url:
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(TABLES)
        with ExitStack() as running:
            house = House(folder, installation, running, url)
            log = house.asterisk.log
            found = Watched(
                house.centre.path,
                {
                    "cel csv": f"--cel={house.cel}",
                    "cel sqlite": f"--cel={log / 'master.db'}",
                    "cel postgresql": f"--cel={url}",
                    "cdr csv": f"--cdr={log / 'cdr-csv/Master.csv'}",
                    "cdr custom": f"--cdr={log / 'cdr-custom/Master.csv'}",
                    "cdr sqlite": f"--cdr={log / 'master.db'}",
                    "cdr postgresql": f"--cdr={url}",
                    "queue_log": f"--queue-log={log / 'queue_log'}",
                },
            )
            found.calls = {name: house.call(make) for name, make in _made(house).items()}
            # Where the machine stood still meanwhile, all of it is made again.
            became = {record["call"]: record["outcome"] for record in house.centre.evidence()}
            assert became[found.calls["taken"]] != "DISCLOSED", "the agent came too late"
            assert became[found.calls["hung up"]] == "ABANDONED", "the caller hung up too late"
            assert found.calls["unrecorded"] not in became, "the server was killed too late"
        forgotten(folder / "evidence.sqlite", "call = ?", found.calls["removed"])
        forgotten(
            folder / "evidence.sqlite",
            "call = ? AND stage = 'answered'",
            found.calls["half removed"],
        )
        yield found


def _made(house: House) -> dict[str, Callable[[Office], None]]:
    def originated(office: Office) -> None:
        """A consumer is called, and then an agent."""
        office.only(AMINA)
        with house.consumer() as phone:
            office.originate("queue", "+33698765432")
            heard = Heard(office, phone.next_call())
            heard.talk(office.leg(AMINA))

    def outside(office: Office) -> None:
        """Somebody whom the configuration does not know answers."""
        with house.consumer() as phone:
            call = office.caller.call("0805", office.asterisk.sip_address)
            leg = phone.next_call(20)
            leg.wait_for("answered")
            heard = Heard(office, call)
            heard.listen(YASMINE, _LONG)
            call.hang_up()
            leg.wait_for("ended", timeout=2)

    return {
        "queue": talks("queue"),
        "group": talks("group"),
        "exact": talks("exact"),
        "desks": talks("desks"),
        "names": talks("names", YASMINE),
        "none": talks("none"),
        "transferred": transferred(YASMINE),
        "handed over": handed_over("queue"),
        "picked up": picked_up,
        "called": house.called("001"),
        "originated": originated,
        "hung up": hung_up("queue"),
        "among agents": among_agents,
        "without a hook": dials("0801"),
        "by a local channel": dials("0802"),
        "missing": missing(ANSWERED_MA, "group"),
        "cut": cut(POSSIBLE_MA, "told-first"),
        "taken": taken,
        "afterwards": dials("0803"),
        "abroad": transferred("0804"),
        "outside": outside,
        "possible only": dials("0806"),
        "unrecorded": unrecorded(house),
        "removed": talks("queue"),
        "half removed": talks("queue"),
    }


#: What is wrong with each of the calls; nothing is with the others.
FOUND = {
    "without a hook": {"never-announced"},
    "by a local channel": {"never-announced"},
    "missing": {"not-told"},
    "cut": {"not-told"},
    "taken": {"not-told"},
    "afterwards": {"connected-early"},
    "abroad": {"other-country"},
    "outside": {"unknown-agent"},
    "possible only": {"not-exact"},
    "unrecorded": {"record-missing"},
    "removed": {"record-missing"},
    "half removed": {"record-missing"},
}
#: CDR does not know when Asterisk came to us, nor what was before the connection.
FOUND_BY_CDR = {
    **FOUND,
    "unrecorded": {"never-announced"},
    "removed": {"never-announced"},
    "half removed": {"not-exact"},
    # It is the agent's, and without linked ids nothing tells that it is the caller's, too.
    "by the agent's channel": {"never-announced"},
}
del FOUND_BY_CDR["afterwards"], FOUND_BY_CDR["taken"]
#: Whom the agent's telephone rang for, not who picked the call up.
PICKED_UP = {"picked up": {"other-country"}}
#: Nothing tells these sources which route was taken, and that it asks for nothing.
UNKNOWN_ROUTE = {"none": {"never-announced"}}


@pytest.mark.parametrize("source", ["cel csv", "cel sqlite", "cel postgresql"])
def test_each_leak_is_named_and_no_other_call(watched: Watched, source: str) -> None:
    assert watched.reconcile(watched.places[source]) == FOUND
    counts = watched.compared["cel"]
    assert counts["calls"] == counts["told"] + counts["exempt"] + counts["leaks"]
    assert (counts["leaks"], counts["internal"], counts["unreached"]) == (len(FOUND), 1, 1)
    assert counts["exempt"] == 1  # none
    assert counts["unmatched"] == 0


@pytest.mark.parametrize("source", ["cdr csv", "cdr custom", "cdr sqlite", "cdr postgresql"])
def test_by_call_detail_records(watched: Watched, source: str) -> None:
    by_route = UNKNOWN_ROUTE if source == "cdr sqlite" else {}
    assert watched.reconcile(watched.places[source], "--utc") == {
        **FOUND_BY_CDR,
        **PICKED_UP,
        **by_route,
    }


def test_by_the_log_of_the_queues(watched: Watched) -> None:
    assert watched.reconcile(watched.places["queue_log"]) == {
        **UNKNOWN_ROUTE,
        **PICKED_UP,
        "without a hook": {"never-announced"},
        "possible only": {"not-exact"},
        "removed": {"never-announced"},
        "half removed": {"not-exact"},
    }


@pytest.mark.parametrize("source", ["cel csv", "cel postgresql", "cdr postgresql"])
def test_of_a_part_of_the_time(watched: Watched, source: str) -> None:
    place = watched.places[source]
    assert watched.reconcile(place, "--from=2001-01-01", "--to=2001-01-02") == {}
    assert watched.reconcile(place, "--from=2001-01-01") == watched.reconcile(place)


def test_what_several_sources_find_is_said_once(watched: Watched) -> None:
    places = watched.places
    found = watched.reconcile(places["cel csv"], places["cdr csv"], places["queue_log"], "--utc")
    assert found == FOUND


def test_calls_that_are_held_in_stasis(
    tmp_path: Path, installation: Installation, postgresql_url: str
) -> None:
    """The event handler connects by bridges of its own."""
    with psycopg.connect(postgresql_url, autocommit=True) as database:
        database.execute(TABLES)
    with ExitStack() as running:
        house = House(tmp_path, installation, running, postgresql_url, stasis.DIALPLAN + LEAKS)
        with house.centre.path.open("a") as configuration:
            configuration.write(stasis.ari_section(house.asterisk, tmp_path))
        handler = AriHandler(house.centre)
        running.callback(handler.stop)
        held = Watched(house.centre.path, {})
        made = {
            "group": talks("group"),
            "transferred": transferred(YASMINE, "group"),
            "handed over": handed_over("group"),
            "called": house.called("002"),
            "hung up": hung_up("group"),
            "missing": missing(ANSWERED_MA, "group"),
            "without a hook": dials("0801"),
            "removed": talks("group"),
        }
        held.calls = {name: house.call(make) for name, make in made.items()}
    forgotten(tmp_path / "evidence.sqlite", "call = ?", held.calls["removed"])
    assert held.reconcile(f"--cel={house.cel}") == {
        "missing": {"not-told"},
        "without a hook": {"never-announced"},
        "removed": {"record-missing"},
    }
    assert held.compared["cel"]["unreached"] == 1
