"""``doctor`` on real Asterisks: a healthy installation, and each ailment planted, found and healed.

One installation is used for all of them: a company with a queue, its sounds among Asterisk's own,
a FastAGI server and an ARI event handler. What an ailment adds to what was found before is what is
compared.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk.dialplan import dialplan
from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import sound_folders
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import read_manifest, write_manifest
from callcentre_disclosure.doctor.ailment import Ailment
from callcentre_disclosure.doctor.console import console, look
from callcentre_disclosure.doctor.evidence import look_at_others
from callcentre_disclosure.doctor.examination import Examined, examine
from callcentre_disclosure.doctor.switch import PROVIDERS
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.speech.install import install
from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from tests.call_centre import BIN, AriHandler, CallCentre, Server
from tests.postgresql import Server as Postgresql

CONFIGURATION = """\
languages: [fr]
sites: {{casablanca: {{country: MA}}}}
sounds: {{folder: built, installed: "{sounds}"}}
evidence: {{file: evidence/evidence.sqlite}}
queues: {{support: {{sites: [casablanca]}}}}
trunks: {{PJSIP/caller: {{sites: [casablanca]}}}}
agents: {{PJSIP/201: {{site: casablanca}}}}
routes:
  service: {{numbers: ["+33184880001"], queue: support}}
ari:
  asterisks:
    pbx: {{url: "http://127.0.0.1:{http}", user: rehearsal, password_file: password}}
"""
EXTENSIONS = """\
#include extensions_disclosure.conf
[inbound]
include => disclosure-inbound
exten => 9,1,Stasis(callcentre-disclosure)
"""
QUEUES = "[general]\n[base](!)\nsetinterfacevar = yes\n[support](base)\nmember => PJSIP/201\n"
CEL = "[general]\nenable = yes\napps = agi,stasis\nevents = ALL\n"
#: Whose rights are looked at: root may read everything.
NOBODY = "nobody" if os.geteuid() == 0 else None
#: What is wrong with the machine that runs this test, perhaps.
OF_THIS_MACHINE = {"clock-unsynchronised", "disk-nearly-full"}

Plant = Callable[["Clinic"], AbstractContextManager[None]]


@dataclass
class Clinic:
    """An installation, and what the doctor says of it."""

    centre: CallCentre
    asterisk: PrivateAsterisk
    server: Server
    handler: AriHandler

    @property
    def etc(self) -> Path:
        return self.asterisk.directory / "etc"

    @property
    def command(self) -> tuple[str, ...]:
        return (*self.asterisk.installation.command, "-C", str(self.etc / "asterisk.conf"))

    def examined(self, user: str | None = None) -> list[Examined]:
        return examine(self.centre.path, self.command, user)

    def ailments(self, user: str | None = None) -> set[Ailment]:
        return {
            ailment
            for one in self.examined(user)
            for ailment in one.ailments
            if ailment.name not in OF_THIS_MACHINE
        }

    def write_dialplan(self, address: str = "") -> None:
        text = dialplan(
            load(self.centre.path),
            self.asterisk.installation.major,
            address or f"127.0.0.1:{self.server.port}",
        )
        (self.etc / "extensions_disclosure.conf").write_text(text)
        self.asterisk.command("dialplan reload")

    def installed(self) -> Path:
        """The file of one of the sounds, where Asterisk plays it."""
        return next((self.asterisk.sounds / "fr").glob("possible-ma-*.ulaw"))

    @contextmanager
    def text(self, file: Path, text: str, *, reload: str = "") -> Iterator[None]:
        """A file says something else, and Asterisk has read it."""
        before = file.read_bytes()
        try:
            file.write_text(text)
            self.asterisk.command(reload or "core show version")
            yield
        finally:
            file.write_bytes(before)
            self.asterisk.command(reload or "core show version")

    @contextmanager
    def unloaded(self, module: str) -> Iterator[None]:
        said = self.asterisk.command(f"module unload {module}.so")
        assert "Unable" not in said, said
        try:
            yield
        finally:
            self.asterisk.command(f"module load {module}.so")


@pytest.fixture(scope="module")
def clinic(installation: Installation) -> Iterator[Clinic]:
    with ExitStack() as open_, pytest.MonkeyPatch.context() as patch:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)  # or a user other than ours would be kept from everything
        centre = CallCentre(folder)
        for name, value in centre.environment.items():
            patch.setenv(name, value)
        asterisk = open_.enter_context(
            PrivateAsterisk(
                installation,
                folder / "asterisk",
                extensions=EXTENSIONS,
                queues=QUEUES,
                agents={"201": 5099},
                files={"extensions_disclosure.conf": "", "cel.conf": CEL},
            )
        )
        for made in ("cache", "evidence", "built"):
            (folder / made).mkdir()
        (folder / "password").touch(0o600)
        (folder / "password").write_text(asterisk.ari_password)
        centre.path.write_text(
            CONFIGURATION.format(sounds=asterisk.sounds, http=asterisk.http_port)
        )
        configuration = load(centre.path)
        sources = sound_folders(configuration)[:-1]
        installed = install(needed(configuration), sources, asterisk.sounds, centre.path)
        assert not installed.findings
        (asterisk.agi_bin / "callcentre-disclosure-agi").symlink_to(
            BIN / "callcentre-disclosure-agi"
        )
        server = Server(centre, 1, f"--metrics=127.0.0.1:{free_port()}")
        open_.callback(server.stop)
        handler = AriHandler(centre, 1, f"--metrics=127.0.0.1:{free_port()}")
        open_.callback(handler.stop)
        clinic = Clinic(centre, asterisk, server, handler)
        clinic.write_dialplan()
        yield clinic


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_a_healthy_installation_has_no_finding(clinic: Clinic) -> None:
    ailing = [one for one in clinic.examined() if one.ailments or one.unseen]
    assert {
        str(a) for one in ailing for a in one.ailments if a.name not in OF_THIS_MACHINE
    } == set()
    assert not [one.unseen for one in ailing if one.part != "clock"]


def test_the_modules_that_it_names_are_those_of_asterisk(clinic: Clinic) -> None:
    seen = look(console(clinic.command))
    assert seen is not None
    assert set(PROVIDERS.values()) <= seen.modules
    assert set(PROVIDERS) <= seen.applications | seen.functions
    for name, module in PROVIDERS.items():
        built = (clinic.asterisk.installation.modules / f"{module}.so").read_bytes()
        assert name.lower().encode() in built.lower(), f"{name} is not in {module}"


@pytest.mark.parametrize("asterisk_version", ["22"], ids=["asterisk22"], scope="session")
def test_the_command_says_so_in_words_and_in_json(clinic: Clinic) -> None:
    asterisk = f"--asterisk={' '.join(clinic.command)}"
    with queue_without_variable(clinic):
        for arguments in ([], ["--json"]):
            done = subprocess.run(
                [BIN / "callcentre-disclosure", "doctor", asterisk, *arguments],
                env=clinic.centre.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, done.stderr) == (1, "")
            if arguments:
                names = [finding["name"] for finding in json.loads(done.stdout)["findings"]]
                assert "queue-without-setinterfacevar" in names
            else:
                assert f"{clinic.etc}/queues.conf [support]: does not say who" in done.stdout
                assert "set setinterfacevar=yes there" in done.stdout
                assert "no findings: configuration, asterisk, dialplan, script," in done.stdout


# -- the ailments --------------------------------------------------------------------------------


@contextmanager
def of_mode(place: Path, mode: int) -> Iterator[None]:
    before = stat.S_IMODE(place.stat().st_mode)
    place.chmod(mode)
    try:
        yield
    finally:
        place.chmod(before)


@contextmanager
def lost(file: Path) -> Iterator[None]:
    file.rename(file.with_suffix(".gone"))
    try:
        yield
    finally:
        file.with_suffix(".gone").rename(file)


def closed_sound(clinic: Clinic) -> AbstractContextManager[None]:
    return of_mode(clinic.installed(), 0o600 if NOBODY else 0)


def closed_folder(clinic: Clinic) -> AbstractContextManager[None]:
    return of_mode(clinic.asterisk.sounds / "fr", 0o700 if NOBODY else 0o600)


def lost_sound(clinic: Clinic) -> AbstractContextManager[None]:
    return lost(clinic.installed())


@contextmanager
def cut_sound(clinic: Clinic) -> Iterator[None]:
    file = clinic.installed()
    before = file.read_bytes()
    file.write_bytes(before[: len(before) // 2])
    try:
        yield
    finally:
        file.write_bytes(before)


@contextmanager
def built_again(clinic: Clinic) -> Iterator[None]:
    """Another engine has made the sounds anew, and nobody has installed them."""
    sounds = read_manifest(clinic.asterisk.sounds)
    name = next(name for name in sounds if name.startswith("fr/possible-ma"))
    entry = sounds[name]
    other = type(entry)(entry.text, {"ulaw": "1" * 64}, entry.seconds, entry.level, "another")
    built = clinic.centre.folder / "built"
    write_manifest(built, {name: other})
    try:
        yield
    finally:
        for file in built.iterdir():
            file.unlink()


def without(module: str) -> Plant:
    return lambda clinic: clinic.unloaded(module)


def speaks_only(codec: str) -> Plant:
    def plant(clinic: Clinic) -> AbstractContextManager[None]:
        file = clinic.etc / "pjsip.conf"
        text = file.read_text().replace("!all,ulaw,alaw", f"!all,{codec}")
        return clinic.text(file, text, reload="module reload res_pjsip.so")

    return plant


def queue_without_variable(clinic: Clinic) -> AbstractContextManager[None]:
    text = QUEUES.replace("setinterfacevar = yes", "")
    return clinic.text(clinic.etc / "queues.conf", text, reload="queue reload all")


def renamed_queue(clinic: Clinic) -> AbstractContextManager[None]:
    text = QUEUES.replace("[support]", "[sales]")
    return clinic.text(clinic.etc / "queues.conf", text, reload="queue reload all")


def script(text: str | None, mode: int = 0o755) -> Plant:
    @contextmanager
    def plant(clinic: Clinic) -> Iterator[None]:
        link = clinic.asterisk.agi_bin / "callcentre-disclosure-agi"
        link.unlink()
        if text is not None:
            link.write_text(text)
            link.chmod(mode)
        try:
            yield
        finally:
            link.unlink(missing_ok=True)
            link.symlink_to(BIN / link.name)

    return plant


@contextmanager
def asks_elsewhere(clinic: Clinic, address: str) -> Iterator[None]:
    clinic.write_dialplan(address)
    try:
        yield
    finally:
        clinic.write_dialplan()


def nobody_listens(clinic: Clinic) -> AbstractContextManager[None]:
    return asks_elsewhere(clinic, f"127.0.0.1:{free_port()}")


@contextmanager
def a_web_server_listens(clinic: Clinic) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.02,))
        thread.start()
        try:
            with asks_elsewhere(clinic, f"127.0.0.1:{web.server_address[1]}"):
                yield
        finally:
            web.shutdown()
            thread.join()


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def for_others_only(clinic: Clinic) -> Iterator[None]:
    closed = Server(clinic.centre, 1, "--allow=192.0.2.0/24", f"--metrics=127.0.0.1:{free_port()}")
    try:
        with asks_elsewhere(clinic, f"127.0.0.1:{closed.port}"):
            yield
    finally:
        closed.stop()


@contextmanager
def somebody_listens_and_says_nothing(clinic: Clinic) -> Iterator[None]:
    mute = socket.create_server(("127.0.0.1", 0))
    with mute, asks_elsewhere(clinic, f"127.0.0.1:{mute.getsockname()[1]}"):
        yield


def wrong_password(clinic: Clinic) -> AbstractContextManager[None]:
    return clinic.text(clinic.centre.folder / "password", "guessed")


def lost_password(clinic: Clinic) -> AbstractContextManager[None]:
    return lost(clinic.centre.folder / "password")


def password_for_all(clinic: Clinic) -> AbstractContextManager[None]:
    return of_mode(clinic.centre.folder / "password", 0o644)


def ari_disabled(clinic: Clinic) -> AbstractContextManager[None]:
    file = clinic.etc / "ari.conf"
    text = file.read_text().replace("enabled = yes", "enabled = no")
    return clinic.text(file, text, reload="module reload res_ari.so")


def ari_for_looking(clinic: Clinic) -> AbstractContextManager[None]:
    file = clinic.etc / "ari.conf"
    text = file.read_text().replace("type = user", "type = user\nread_only = yes")
    return clinic.text(file, text, reload="module reload res_ari.so")


def http_disabled(clinic: Clinic) -> AbstractContextManager[None]:
    file = clinic.etc / "http.conf"
    text = file.read_text().replace("enabled = yes", "enabled = no")
    return clinic.text(file, text, reload="module reload http")


def other_application(clinic: Clinic) -> AbstractContextManager[None]:
    """The configuration was given another application than the handler has registered."""
    text = clinic.centre.path.read_text() + "  application: other\n"
    return changed_configuration(clinic, text)


@contextmanager
def changed_configuration(clinic: Clinic, text: str) -> Iterator[None]:
    """A configuration that nobody has read yet; in the end the servers know the old one as new."""
    file = clinic.centre.path
    before = file.read_text()
    try:
        file.write_text(text)
        yield
    finally:
        file.write_text(before)
        read_again(clinic)


def read_again(clinic: Clinic) -> None:
    for server in (clinic.server, clinic.handler):
        server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while any(one.name == "configuration-newer" for one in clinic.ailments()):
        assert time.monotonic() < deadline, "the servers did not read it again"
        time.sleep(0.05)


def touched(clinic: Clinic) -> AbstractContextManager[None]:
    return changed_configuration(clinic, clinic.centre.path.read_text() + "# A remark\n")


def another_number(clinic: Clinic) -> AbstractContextManager[None]:
    text = clinic.centre.path.read_text()
    return changed_configuration(clinic, text.replace('001"]', '001", "+33184880002"]'))


def company_name(clinic: Clinic) -> AbstractContextManager[None]:
    """What callers are to be told is not built yet."""
    text = clinic.centre.path.read_text()
    return changed_configuration(
        clinic, text.replace("queue: support}", "queue: support, company: Alpha}")
    )


def broken(clinic: Clinic) -> AbstractContextManager[None]:
    text = clinic.centre.path.read_text()
    return changed_configuration(clinic, text.replace("country: MA", "country: XX"))


def closed_configuration(clinic: Clinic) -> AbstractContextManager[None]:
    return of_mode(clinic.centre.path, 0o600)


def no_dialplan(clinic: Clinic) -> AbstractContextManager[None]:
    file = clinic.etc / "extensions.conf"
    return clinic.text(file, "[inbound]\nexten => 1,1,Answer()\n", reload="dialplan reload")


def not_included(clinic: Clinic) -> AbstractContextManager[None]:
    file = clinic.etc / "extensions.conf"
    text = EXTENSIONS.replace("include => disclosure-inbound\n", "")
    return clinic.text(file, text, reload="dialplan reload")


def key_for_all(clinic: Clinic) -> AbstractContextManager[None]:
    return of_mode(clinic.centre.folder / "evidence/evidence.key", 0o644)


def cel(text: str) -> Plant:
    return lambda clinic: clinic.text(clinic.etc / "cel.conf", text, reload="module reload cel")


OF_ASTERISK: list[tuple[Plant, set[str]]] = [
    (without("format_pcm"), {"format-not-loaded"}),
    (without("app_softhangup"), {"module-not-loaded"}),
    (without("func_global"), {"module-not-loaded"}),
    (without("res_ari_playbacks"), {"module-not-loaded"}),
    (speaks_only("g722"), {"format-transcoded"}),
    (speaks_only("g729"), {"format-without-path"}),
    (queue_without_variable, {"queue-without-setinterfacevar"}),
    (renamed_queue, {"queue-missing"}),
    (wrong_password, {"ari-password"}),
    (ari_disabled, {"ari-off"}),
    (ari_for_looking, {"ari-read-only"}),
    (http_disabled, {"ari-away"}),
    (other_application, {"ari-application-missing", "configuration-newer"}),
    (another_number, {"dialplan-outdated", "configuration-newer"}),
    (no_dialplan, {"dialplan-missing"}),
    (not_included, {"dialplan-not-included"}),
    (cel("[general]\nenable = no\n"), {"cel-off"}),
    (cel(CEL.replace("agi,stasis", "all")), {"cel-incomplete"}),
]
BESIDE_IT: list[tuple[Plant, set[str]]] = [
    (lost_sound, {"sound-missing"}),
    (cut_sound, {"sound-outdated"}),
    (built_again, {"sound-not-installed", "configuration-newer"}),
    (company_name, {"sound-missing", "configuration-newer"}),
    (script(None), {"script-missing"}),
    (script("#!/bin/sh\n", 0o644), {"script-not-executable"}),
    (script("#!/gone/bin/python\n"), {"script-without-interpreter"}),
    (nobody_listens, {"server-away"}),
    (a_web_server_listens, {"port-taken"}),
    (for_others_only, {"server-refuses"}),
    (somebody_listens_and_says_nothing, {"server-silent"}),
    (lost_password, {"ari-password-unreadable"}),
    (password_for_all, {"secret-open"}),
    (key_for_all, {"secret-open"}),
    (touched, {"configuration-newer"}),
    (broken, {"configuration-invalid"}),
]


def ids(plants: list[tuple[Plant, set[str]]]) -> list[str]:
    return [min(names) for _, names in plants]


@pytest.mark.parametrize(("plant", "names"), OF_ASTERISK, ids=ids(OF_ASTERISK))
def test_what_is_planted_in_asterisk_is_found(
    clinic: Clinic, plant: Plant, names: set[str]
) -> None:
    with plant(clinic):
        assert {ailment.name for ailment in clinic.ailments()} == names


@pytest.mark.parametrize("asterisk_version", ["22"], ids=["asterisk22"], scope="session")
@pytest.mark.parametrize(("plant", "names"), BESIDE_IT, ids=ids(BESIDE_IT))
def test_what_is_planted_beside_it_is_found(clinic: Clinic, plant: Plant, names: set[str]) -> None:
    with plant(clinic):
        assert {ailment.name for ailment in clinic.ailments()} == names


@pytest.mark.parametrize(
    ("plant", "name", "where"),
    [
        (closed_sound, "sound-unreadable", lambda clinic: clinic.installed()),
        (closed_folder, "sound-unreadable", lambda clinic: clinic.asterisk.sounds / "fr"),
        (closed_configuration, "configuration-unreadable", lambda clinic: clinic.centre.path),
    ],
)
def test_what_the_user_that_runs_asterisk_may_not_read(
    clinic: Clinic, plant: Plant, name: str, where: Callable[[Clinic], Path]
) -> None:
    place = str(where(clinic))
    before = clinic.ailments(NOBODY)
    with plant(clinic):
        found = clinic.ailments(NOBODY) - before
        assert {(ailment.name, ailment.where) for ailment in found} >= {(name, place)}


def test_nothing_is_changed_and_no_call_is_recorded(clinic: Clinic) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        files = (clinic.centre.path, *clinic.etc.iterdir(), *clinic.asterisk.sounds.rglob("*"))
        return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in files}

    before = state()
    clinic.examined()
    assert state() == before
    assert clinic.centre.evidence() == []


def test_all_is_healed(clinic: Clinic) -> None:
    assert clinic.ailments() == set()


def test_a_database_that_is_away(
    postgresql: Postgresql, postgresql_url: str, tmp_path: Path
) -> None:
    configuration = tmp_path / "config.yaml"
    configuration.write_text(
        "languages: [fr]\nsites: {casablanca: {country: MA}}\n"
        f'evidence: {{file: evidence.sqlite, url: "{postgresql_url}"}}\n'
    )

    def found() -> set[str]:
        parts = examine(configuration, ("no-such-asterisk",))
        (clock,) = (one for one in parts if one.part == "clock")
        return {ailment.name for ailment in clock.ailments} - OF_THIS_MACHINE

    assert found() == set()
    postgresql.stop()
    assert found() == {"database-away"}


def test_whose_records_are_in_the_database(postgresql_url: str, tmp_path: Path) -> None:
    """A machine that has it for itself needs no name for its Asterisk."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "languages: [fr]\nsites: {casablanca: {country: MA}}\n"
        f'evidence: {{file: evidence.sqlite, url: "{postgresql_url}"}}\n'
    )
    configuration = load(path)
    assert look_at_others(configuration) == frozenset(), "nobody has written there yet"
    with closing(PostgresqlStore(postgresql_url)) as store:
        for machine in (os.uname().nodename, "pbx-2.example.com"):
            assert look_at_others(configuration) == frozenset()
            store.change(
                "INSERT INTO heads VALUES (?, 1, 'last', 'key', 'seal')", (f"{machine}-8dbf8a4f",)
            )
    assert look_at_others(configuration) == frozenset(("pbx-2.example.com",))
