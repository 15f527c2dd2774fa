"""A fleet, by the files of docs/fleet: two Asterisks, three FastAGI machines, a web server of
sounds, a PostgreSQL and a name server, each on a machine of its own."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import ManifestEntry, write_manifest
from callcentre_disclosure.evidence.forwarding import waiting
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Recording, find
from callcentre_disclosure.testing.sip import Call, CallFailed, Phone
from callcentre_disclosure.testing.sounds import sentence
from tests.call_centre import BIN, CallCentre, Process
from tests.dialplans import announced_dial
from tests.postgresql import Server as Postgresql

from .machines import Machine, Network
from .programs import Programs

DOCS = Path(__file__).parents[2] / "docs" / "fleet"
ASTERISKS = {"pbx1": "10.77.0.11", "pbx2": "10.77.0.12"}
WORKERS = {"worker1": "10.77.0.21", "worker2": "10.77.0.22", "worker3": "10.77.0.23"}
SOUNDS, DATABASE, NAMES = "10.77.0.40", "10.77.0.50", "10.77.0.53"
PASSWORDS = {"disclosure": "change me", "inspector": "change me too"}
BY_HAPROXY = announced_dial("PJSIP/201", "127.0.0.1", "inbound")
BY_SRV = BY_HAPROXY.replace("agi://127.0.0.1/", "hagi://agi.example.net/")
PATIENCE = "60s"
"""How long HAProxy waits for a server that says nothing."""
AGENT_HZ = 1000
_PATIENCE = 40.0
_WORDS = 3
"""The length of a sentence: about 1.4 s."""
_numbers = count(33_600_000_000)


class FastAgi:
    """A FastAGI machine: the server, its configuration and the file in which records wait."""

    def __init__(self, machine: Machine, address: str, centre: CallCentre) -> None:
        self.machine, self.address, self.centre = machine, address, centre
        self.start()

    def start(self) -> None:
        command = fastagi(self.address)
        self._server = self.machine.do(lambda: Process(self.centre, *command))
        self._server.wait_for(" serves")

    def stop(self) -> None:
        """Calls in progress end, new ones are refused."""
        self._server.stop()

    def kill(self) -> None:
        """All of it, at once."""
        self._signal(signal.SIGKILL)
        self._server.process.wait()
        self._server.hang_up_the_log()

    def freeze(self) -> None:
        """Its system goes on and takes connections; nothing of it answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def waiting(self) -> int:
        """How many records wait to go to PostgreSQL."""
        return _waiting(self.centre)

    def off(self) -> None:
        """In whatever state it is."""
        if self._is_there:
            self.kill()

    def ensure_running(self) -> None:
        if self._is_there:
            self.thaw()
        else:
            self.start()

    @property
    def _is_there(self) -> bool:
        return self._server.process.poll() is None

    def _signal(self, number: int) -> None:
        os.killpg(self._server.process.pid, number)


@dataclass
class Placed:
    """A call that a consumer makes."""

    number: str
    call: Call
    pbx: Pbx

    def wait_for_sound(self) -> None:
        """Until the first of the announcement comes."""
        self.call.wait_for("audio", timeout=_PATIENCE)

    def is_told(self, reference: Path) -> None:
        """It is told all of it before the telephone of the agent rings, and comes to the agent."""
        leg = self.pbx.leg(self.number)
        leg.wait_for("answered", timeout=_PATIENCE)
        self.call.hang_up()
        leg.wait_for("ended", timeout=_PATIENCE)
        match = find(self.call.recording(), reference)
        assert match is not None, "it was not told"
        assert match.heard > 0.75 * match.length, match  # packets come late on a busy machine
        assert match.end <= leg.t0 - self.call.t0


class Pbx:
    """An Asterisk with HAProxy before it, a consumer's telephone and an agent's."""

    def __init__(
        self,
        name: str,
        machine: Machine,
        centre: CallCentre,
        installation: Installation,
        programs: Programs,
        running: ExitStack,
    ) -> None:
        self.name, self.machine, self.centre = name, machine, centre
        self._programs = programs
        self._admin = machine.folder / "haproxy.sock"
        self._haproxy: subprocess.Popen[bytes] | None = None
        self.balance()
        self.caller = machine.do(lambda: Phone("127.0.0.2", number="consumer"))
        running.callback(self.caller.close)
        self.agent = machine.do(lambda: Phone(number="201", answer_after=0.1, play=AGENT_HZ))
        running.callback(self.agent.close)
        self._upkeep = machine.do(lambda: Process(centre, "evidence", "upkeep"))
        running.callback(self._upkeep.stop)
        self.asterisk = PrivateAsterisk(
            installation,
            machine.folder / "asterisk",
            extensions=BY_HAPROXY,
            agents={"201": self.agent.port},
            languages={"caller": "fr"},
            environment=centre.environment,
            files={"res_http_media_cache.conf": docs("res_http_media_cache.conf")},
            system_name=name,
        )
        running.callback(lambda: machine.do(lambda: self.asterisk.__exit__(None, None, None)))
        machine.do(self.asterisk.__enter__)
        script = self.asterisk.agi_bin / "callcentre-disclosure-agi"
        script.symlink_to(BIN / "callcentre-disclosure-agi")

    def balance(self, patience: str = PATIENCE) -> None:
        """Start HAProxy; with another patience for a server that says nothing."""
        file = self.machine.folder / "haproxy.cfg"
        text = docs("haproxy.cfg").replace("/dev/log local0", "stderr format raw local0")
        text = text.replace("/run/haproxy/admin.sock", str(self._admin))
        assert f"timeout server {PATIENCE}\n" in text
        file.write_text(text.replace(f"timeout server {PATIENCE}", f"timeout server {patience}"))
        self.patience = patience
        if self._haproxy:
            self._haproxy.kill()
            self._haproxy.wait()
        self._haproxy = self.machine.start(*self._programs("haproxy"), "-db", "-f", str(file))

    def seen(self) -> dict[str, str]:
        """How HAProxy finds each worker: ``UP``, ``DOWN``, …; nothing where it is not up yet."""
        with socket.socket(socket.AF_UNIX) as admin:
            try:
                admin.connect(str(self._admin))
            except OSError:
                return {}
            admin.sendall(b"show stat\n")
            with admin.makefile() as lines:
                rows = list(csv.DictReader(lines))
        return {row["svname"]: row["status"] for row in rows if row["svname"] in WORKERS}

    def place(self) -> Placed:
        """A consumer calls."""
        number = f"+{next(_numbers)}"
        server = self.asterisk.sip_address
        return Placed(number, self.caller.call("100", server, caller_id=number), self)

    def leg(self, number: str) -> Call:
        """The call that comes to the agent for this consumer."""

        def there() -> Call | None:
            return next((c for c in self.agent.calls if c.caller_id == number), None)

        with self.agent.changed:
            self.agent.changed.wait_for(there, _PATIENCE)
        if not (leg := there()):
            raise CallFailed(f"nobody rang within {_PATIENCE} s", where=self.name)
        return leg

    def restart(self) -> None:
        """Asterisk, after a crash."""
        self.machine.do(self.asterisk.restart)


class Fleet:
    """All of it, up and running until ``running`` ends."""

    def __init__(self, folder: Path, installation: Installation, running: ExitStack) -> None:
        self.programs = Programs()
        self.network = Network(self.programs, folder)
        running.callback(self.network.close)
        self._folder = folder
        self._etc = folder / "etc"
        self._etc.mkdir()
        (self._etc / "pgpass").write_text(
            "".join(f"*:*:*:{role}:{word}\n" for role, word in PASSWORDS.items())
        )
        (self._etc / "pgpass").chmod(0o600)
        self.keys = KeyRing.open(self._etc / "evidence.key", make=True)
        self._inspectors = self.network.machine("inspector", "10.77.0.60")
        self.inspector = self._centre(self._inspectors, "inspector")
        self._postgresqls = self.network.machine("database", DATABASE)
        self.postgresql = self._database(running)
        self.sounds = self.network.machine("sounds", SOUNDS)
        self._build_sounds()
        self.serve_sounds()
        self._name_server()
        self.workers: dict[str, FastAgi] = {}
        for name, address in WORKERS.items():
            machine = self.network.machine(name, address)
            worker = self.workers[name] = FastAgi(machine, address, self._centre(machine))
            running.callback(worker.off)
        self.asterisks: dict[str, Pbx] = {}
        for name, address in ASTERISKS.items():
            machine = self.network.machine(name, address)
            machine.mount(f"nameserver {NAMES}\noptions timeout:1\n", "/etc/resolv.conf")
            machine.mount(f"127.0.0.1 localhost\n{address} {name}\n", "/etc/hosts")
            centre = self._centre(machine)
            self.asterisks[name] = Pbx(name, machine, centre, installation, self.programs, running)
        for pbx in self.asterisks.values():
            self.prefill(pbx)

    # -- calls -----------------------------------------------------------------------------------

    def place(self, each: int) -> list[Placed]:
        """So many calls at each Asterisk."""
        return [pbx.place() for _ in range(each) for pbx in self.asterisks.values()]

    def are_told(self, calls: list[Placed]) -> None:
        for call in calls:
            call.is_told(self.reference)

    # -- evidence --------------------------------------------------------------------------------

    def drained(self) -> None:
        """Wait until nothing waits in any file to go to PostgreSQL."""
        wait_until(lambda: not self.waiting(), "the files are empty")

    def records(self, calls: list[Placed]) -> list[list[dict[str, Any]]]:
        """What PostgreSQL has of each call: what was written, with ``writer``."""
        found = []
        with psycopg.connect(self._superuser("evidence")) as database:
            for call in calls:
                known = self.keys.pseudonyms(call.number, None)[0]
                rows = database.execute(
                    "SELECT writer, document::json FROM entries WHERE consumer = %s ORDER BY at",
                    (known,),
                )
                found.append([{**document, "writer": writer} for writer, document in rows])
        return found

    def ids(self) -> list[str]:
        """Of all the records that are there."""
        with psycopg.connect(self._superuser("evidence")) as database:
            rows = database.execute("SELECT id FROM entries WHERE id IS NOT NULL")
            return [id_ for (id_,) in rows]

    def evidence(self, *arguments: str) -> str:
        """What ``evidence`` prints on the machine of whoever answers an authority."""
        command = [str(BIN / "callcentre-disclosure"), "evidence", *arguments]
        environment = self.inspector.environment
        done = self._inspectors.do(
            lambda: subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def waiting(self) -> int:
        """How many records wait to go there."""
        asterisks = sum(_waiting(pbx.centre) for pbx in self.asterisks.values())
        return asterisks + sum(worker.waiting() for worker in self.workers.values())

    # -- parts -----------------------------------------------------------------------------------

    def serve_sounds(self) -> None:
        """Start the web server."""
        file = self.sounds.folder / "nginx.conf"
        log = "daemon off; master_process off; pid nginx.pid; error_log stderr;"
        text = docs("nginx.conf").replace("/var/www/disclosure", str(self._folder / "www"))
        text = text.replace("http {", f"http {{ access_log {self.sounds.folder}/access.log;")
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            text = text.replace("http {", f"http {{ {kind}_temp_path {self.sounds.folder}/{kind};")
        file.write_text(text)
        prefix = f"{self.sounds.folder}/"
        self.nginx = self.sounds.start(
            *self.programs("nginx"), "-p", prefix, "-c", str(file), "-g", log
        )

    def mend(self) -> None:
        """Whatever is away comes back, and is found to be there."""
        for worker in self.workers.values():
            self.network.plug_in(worker.machine)
            worker.ensure_running()
        if not self.postgresql.running:
            self.start_postgresql()
        if self.nginx.poll() is not None:
            self.serve_sounds()
        for pbx in self.asterisks.values():
            if pbx.patience != PATIENCE:
                pbx.balance()
        wait_until(self.all_there, "HAProxy has found the workers")

    def all_there(self) -> bool:
        """Whether HAProxy finds every worker, on both sides."""
        return all(set(pbx.seen().values()) == {"UP"} for pbx in self.asterisks.values())

    def all_have_another(self, name: str) -> bool:
        """Whether HAProxy finds a worker besides this one, on both sides."""
        there = [pbx.seen() for pbx in self.asterisks.values()]
        return all("UP" in {seen[other] for other in WORKERS if other != name} for seen in there)

    def start_postgresql(self) -> None:
        self._postgresqls.do(self.postgresql.start)

    def prefill(self, pbx: Pbx) -> None:
        """Have an Asterisk fetch every sound that a call may need."""
        for file in (self._folder / "www").glob("fr/*"):
            url = f"http://{SOUNDS}/{file.relative_to(self._folder / 'www')}"
            pbx.asterisk.command(f"media cache refresh {url}")

    def _centre(self, machine: Machine, role: str = "disclosure") -> CallCentre:
        text = docs("config.yaml").replace("disclosure@", f"{role}@")
        text = text.replace("/etc/callcentre-disclosure", str(self._etc))
        text = text.replace("/var/lib/callcentre-disclosure/sounds", str(self._folder / "built"))
        text = text.replace("/var/lib/callcentre-disclosure", str(machine.folder))
        centre = CallCentre(machine.folder)
        centre.path.write_text(text)
        return centre

    def _database(self, running: ExitStack) -> Postgresql:
        """As roles.sql and pg_hba.conf say, at the port that everybody knows."""
        machine = self._postgresqls
        settings = {"listen_addresses": "*", "port": "5432"}
        server = Postgresql(settings=settings)
        machine.do(server.__enter__)
        running.callback(lambda: machine.do(lambda: server.__exit__(None, None, None)))
        self.postgresql = server
        with (server.folder / "data/pg_hba.conf").open("a") as hba:
            hba.write(docs("pg_hba.conf"))
        before, connect, after = docs("roles.sql").partition("\\connect evidence\n")
        assert connect
        for database, text in (("postgres", before), ("evidence", after)):
            with psycopg.connect(self._superuser(database), autocommit=True) as connection:
                for statement in "\n".join(
                    line for line in text.splitlines() if not line.startswith("--")
                ).split(";"):
                    if statement.strip():
                        connection.execute(statement.encode())
                connection.execute("SELECT pg_reload_conf()")
        return server

    def _superuser(self, database: str) -> str:
        folder = self.postgresql.folder
        return f"postgresql:///{database}?host={folder}&port=5432&user=tester"

    def _build_sounds(self) -> None:
        folder, entries = self._folder / "built", {}
        (folder / "fr").mkdir(parents=True)
        for wanted in needed(load(self.inspector.path)):
            name = wanted.sound_name
            sound = Recording(sentence(" ".join(f"{name}{word}" for word in range(_WORDS))))
            sound.save(folder / f"{name}.wav")
            digest = hashlib.sha256((folder / f"{name}.wav").read_bytes()).hexdigest()
            entries[name] = ManifestEntry(
                wanted.text, {"wav": digest}, sound.duration, -22.0, "stand-in"
            )
        write_manifest(folder, entries)
        www = str(self._folder / "www")
        command = [str(BIN / "callcentre-disclosure"), "prompts", "install", "--http", www]
        subprocess.run(
            command, env=self.inspector.environment, check=True, stdout=subprocess.DEVNULL
        )
        (self.reference,) = (folder / "fr").glob("possible-ma-tn-????????.wav")

    def _name_server(self) -> None:
        machine = self.network.machine("names", NAMES)
        file = machine.folder / "dnsmasq.conf"
        shutil.copy(DOCS / "dnsmasq.conf", file)
        alone = ("--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=", "--pid-file=")
        machine.start(*self.programs("dnsmasq"), f"--conf-file={file}", *alone)


def fastagi(address: str) -> list[str]:
    """The command that runs on a FastAGI machine."""
    allowed = [word for asterisk in ASTERISKS.values() for word in ("--allow", asterisk)]
    return ["fastagi", "--listen", f"{address}:4573", *allowed, "--metrics", f"{address}:9473"]


def docs(name: str) -> str:
    """A file of docs/fleet."""
    return (DOCS / name).read_text(encoding="utf-8")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


def _waiting(centre: CallCentre) -> int:
    file = centre.folder / "evidence.sqlite"
    if not file.exists():
        return 0
    with closing(SqliteStore(file)) as spool:
        return waiting(spool)
