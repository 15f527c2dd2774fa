"""What is wrong with what was seen: what tests/integration/test_doctor.py cannot plant."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

import callcentre_disclosure.doctor as room
from callcentre_disclosure.asterisk.dialplan import dialplan as written
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import SoundFormat
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.config.sources import Source
from callcentre_disclosure.doctor import (
    ari,
    clock,
    dialplan,
    evidence,
    queues,
    reading,
    script,
    serving,
    sounds,
    switch,
)
from callcentre_disclosure.doctor.access import Obstacle, User
from callcentre_disclosure.doctor.ailment import Ailment, Judgement
from callcentre_disclosure.doctor.console import Switch, written_dialplan
from callcentre_disclosure.doctor.patient import Process
from callcentre_disclosure.evidence.sqlite import SqliteStore
from tests import command_line

ROOT = Path(__file__).parents[3]
SITES = (
    "languages: [fr]\nsites: {casablanca: {country: MA}}\nagents: {PJSIP/201: {site: casablanca}}\n"
)
SEVERAL = 'evidence: {url: "postgresql://ledger.example.com/evidence"}\n'
ARI = 'ari: {asterisks: {pbx: {url: "http://127.0.0.1:8088", password_file: password}}}\n'
ROUTE = 'routes: {one: {numbers: ["+33184880001"], sites: [casablanca], dial: [PJSIP/201]}}\n'
USER = User("asterisk", 54321, frozenset())


@pytest.fixture
def loaded(tmp_path: Path) -> Configuration:
    return configured(tmp_path, ARI + SEVERAL + ROUTE)


def configured(folder: Path, text: str) -> Configuration:
    (folder / "config.yaml").write_text(SITES + text)
    return load(folder / "config.yaml")


def names(judgement: Judgement) -> list[str]:
    return [found.name if isinstance(found, Ailment) else "unseen" for found in judgement]


def whole(configuration: Configuration, version: tuple[int, ...] = (22, 10, 1)) -> Switch:
    """An Asterisk with everything that a configuration needs."""
    text = written(configuration, version[0])
    return Switch(
        version,
        {"System name": "paris", "Configuration directory": "/etc/asterisk"},
        modules=frozenset((*switch._OF_ARI, *switch._OF_URLS)),
        applications=frozenset(switch.needed(text)),
        contexts={**written_dialplan(text), "inbound": {"1": ["1. Goto(disclosure-inbound,1,1)"]}},
    )


def test_a_whole_asterisk(loaded: Configuration) -> None:
    asterisk = whole(loaded)
    assert names(switch.judge(asterisk, loaded, written(loaded))) == []
    assert names(dialplan.judge(asterisk, loaded, dialplan.written(loaded, asterisk))) == []


def test_an_old_asterisk(loaded: Configuration) -> None:
    asterisk = whole(loaded, (13, 38))
    assert names(switch.judge(asterisk, loaded, written(loaded))) == ["asterisk-too-old"]


def test_several_asterisks_need_names_of_their_own(tmp_path: Path, loaded: Configuration) -> None:
    def found(configuration: Configuration, others: Collection[str] | None = ()) -> list[str]:
        nameless = replace(whole(configuration), settings={})
        return names(switch.judge(nameless, configuration, written(configuration), others))

    assert found(loaded) == [], "one machine alone, whatever its ledger is in"
    assert found(loaded, {"pbx2"}) == ["no-systemname"]
    assert found(loaded, None) == ["unseen"]
    two = 'ari: {asterisks: {a: {password_file: a}, b: {password_file: b}}, listen: "[::1]:8765"}\n'
    assert found(configured(tmp_path, two), None) == ["no-systemname"]
    named = switch.judge(whole(loaded), loaded, written(loaded), {"pbx2"})
    assert names(named) == []


def test_the_module_of_each_thing_that_is_missing_is_named(loaded: Configuration) -> None:
    asterisk = whole(loaded)
    lacking = replace(asterisk, applications=asterisk.applications - {"GOSUB", "RETURN", "SHARED"})
    found = [str(one) for one in switch.judge(lacking, loaded, written(loaded))]
    assert ["app_stack is not loaded" in one for one in found] == [True, False]
    assert "calls need GOSUB, RETURN" in found[0]
    assert "module load func_global.so" in found[1]


@pytest.mark.parametrize(
    ("version", "gives_up"),
    [((16, 28), False), ((18, 17), False), ((18, 18), True), ((20, 2), False), ((20, 3), True)],
)
def test_sounds_from_a_web_server_need_a_time_out(
    tmp_path: Path, version: tuple[int, ...], gives_up: bool
) -> None:
    configuration = configured(tmp_path, 'sounds: {url: "https://prompts.example.com/s"}\n')
    asterisk = whole(configuration, version)
    found = names(switch.judge(asterisk, configuration, written(configuration, version[0])))
    assert found == ([] if gives_up else ["media-cache-too-old"])
    assert names(sounds.judge_cache(configuration, tmp_path)) == ["media-cache-without-timeout"]
    file = tmp_path / "res_http_media_cache.conf"
    file.write_text("[general]\ntimeout_secs = 2\n")
    assert names(sounds.judge_cache(configuration, tmp_path)) == []


def test_the_dialplan_below_freepbx_is_compared_as_such(loaded: Configuration) -> None:
    contexts = written_dialplan(written(loaded, 20, "fagi.example.com:4574", freepbx=True))
    destination = {"1": ["1. Goto(disclosure-calls-inbound,one,1)"]}
    asterisk = replace(whole(loaded, (20, 5)), contexts={**contexts, "app-custom": destination})
    assert dialplan.server(asterisk) == "fagi.example.com:4574"
    assert names(dialplan.judge(asterisk, loaded, dialplan.written(loaded, asterisk))) == []


def test_the_remedy_writes_the_dialplan_that_this_asterisk_understands(tmp_path: Path) -> None:
    queue = "queues: {a: {sites: [casablanca]}}\nroutes: {one: {numbers: ['1'], queue: a}}\n"
    configuration = configured(tmp_path, queue)
    asterisk = replace(whole(configuration), version=(18, 10))  # written for 22, its default
    expected = dialplan.written(configuration, asterisk)
    (found,) = dialplan.judge(asterisk, configuration, expected)
    assert isinstance(found, Ailment)
    assert found.name == "dialplan-outdated"
    assert "`callcentre-disclosure dialplan --asterisk 18`" in found.remedy
    other = written(configuration, 18, "192.0.2.1:4574", freepbx=True)
    asterisk = replace(asterisk, contexts=written_dialplan(other))
    remedy = "`callcentre-disclosure dialplan --asterisk 18 --server 192.0.2.1:4574 --freepbx`"
    assert dialplan.command(asterisk) == remedy
    assert dialplan.written(configuration, asterisk) == other, "and that is what it writes"


def test_a_dialplan_of_ones_own_is_left_alone(loaded: Configuration) -> None:
    own = {"in": {"_X.": ["1. AGI(/opt/x/callcentre-disclosure-agi,queue=a)"]}}
    asterisk = replace(whole(loaded), contexts=own)
    assert names(dialplan.judge(asterisk, loaded, "")) == []
    assert dialplan.uses_script(asterisk) == "/opt/x/callcentre-disclosure-agi"
    assert dialplan.server(asterisk) is None
    own["in"]["h"] = ["1. AGI(agi://${SERVER}/disclose)"]
    assert dialplan.server(asterisk) is None, "which is not known here"


def test_a_realtime_queue() -> None:
    rows = (("Column Name", "Column Value"), ("name", "support"), ("setinterfacevar", "yes"))
    shown = "".join(f"{name:>30}  {value:<30}\n" for name, value in rows)
    assert queues.read_realtime(shown) == {"name": "support", "setinterfacevar": "yes"}
    assert queues.read_realtime("No rows found matching search criteria.\n") is None


def test_a_queue_whose_options_cannot_be_seen_is_not_judged() -> None:
    assert names(queues.judge({"a": queues.Queue(True, "a", None)})) == ["unseen"]


@pytest.mark.parametrize(
    ("beginning", "path"),
    [
        (b"#!/opt/venv/bin/python\n", "/opt/venv/bin/python"),
        (b"#! /usr/bin/env python3\n", "/usr/bin/env"),
        (b"#!/bin/sh\n'''exec' /very/long/python \"$0\" \"$@\"\n", "/very/long/python"),
        (b'#!/bin/sh\n\'\'\'exec\' "/with a/space/python" "$0" "$@"\n', "/with a/space/python"),
        (b"\x7fELF", None),
    ],
)
def test_what_a_script_is_run_by(beginning: bytes, path: str | None) -> None:
    assert script.interpreter_of(beginning) == (Path(path) if path else None)


def test_what_an_endpoint_allows_is_read() -> None:
    shown = " allow                              : (ulaw|alaw|h264|t140)\n allow_overlap  : true\n"
    assert sounds.read_codecs(shown) == ("ulaw", "alaw")
    listed = (
        " Endpoint:  <Endpoint/CID>   <State>\n   Identify:  <Identify/Endpoint>\n====\n\n"
        " Endpoint:  201    Not in use\n        Aor:  201\n\n"
        " Endpoint:  trunk/0800   Unavailable\n   Identify:  trunk-source/trunk\n"
    )
    assert list(sounds.read_trunks(listed)) == ["trunk"]


def test_what_can_be_made_of_a_format_is_read() -> None:
    shown = "\tslin:8000   To alaw:8000  : (slin@8000)->(alaw@8000)\n"
    shown += "\tslin:8000   To opus:48000 : No Translation Path  \n"
    assert sounds.read_targets(shown, "slin:8000") == {"alaw:8000"}


@pytest.mark.parametrize(
    ("codecs", "formats", "found"),
    [
        (("alaw", "ulaw"), [SoundFormat.WAV], []),
        (("g722", "alaw"), [SoundFormat.WAV], ["format-transcoded"]),
        (("g722", "alaw"), [SoundFormat.WAV, SoundFormat.G722], []),
        (("alaw",), [SoundFormat.GSM], ["format-transcoded"]),
        (("alaw", "g729"), [SoundFormat.WAV], ["format-without-path"]),
    ],
)
def test_formats_and_codecs(
    codecs: tuple[str, ...], formats: list[SoundFormat], found: list[str], loaded: Configuration
) -> None:
    asterisk = replace(whole(loaded), formats={one.value: "any" for one in SoundFormat})
    every = frozenset(("alaw:8000", "ulaw:8000", "g722:16000", "slin:8000"))
    paths = {sounds.CODECS[one][0]: every for one in formats}
    endpoint = sounds.Endpoint("trunk", codecs)
    assert names(sounds.judge_formats(formats, asterisk, [endpoint], paths)) == found


def test_an_asterisk_that_is_asked_at_the_port_of_something_else(tmp_path: Path) -> None:
    """The manager interface greets whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as manager:

        def greet() -> None:
            connection, _ = manager.accept()
            with connection:
                connection.sendall(b"Asterisk Call Manager/9.0.0\r\n")
                connection.recv(4096)

        url = f"http://127.0.0.1:{manager.getsockname()[1]}"
        configuration = configured(tmp_path, ARI.replace("http://127.0.0.1:8088", url))
        assert configuration.ari is not None
        (tmp_path / "password").touch(0o600)
        thread = threading.Thread(target=greet)
        thread.start()
        entry = configuration.ari.asterisks["pbx"]
        seen = ari.look("pbx", entry, configuration.ari, None)
        thread.join()
    assert seen is not None
    (found,) = ari.judge(seen, configuration)
    assert str(found).startswith(f"{url}: pbx does not answer: it speaks no HTTP")


def test_certificates_with_which_the_handler_does_not_start(tmp_path: Path) -> None:
    keys = 'authority: ca.pem, certificate: own.pem, listen: "127.0.0.1:8765"'
    configuration = configured(tmp_path, ARI.replace("}}}", f"}}}}, {keys}}}"))
    assert configuration.ari is not None

    def found(user: User | None = None) -> list[str]:
        assert configuration.ari is not None
        unusable = ari.look_at_certificates(configuration.ari, user)
        return [str(one) for one in ari.judge_certificates(unusable)]

    assert ["No such file" in one for one in found()] == [True, True]
    for file in ("ca.pem", "own.pem"):
        (tmp_path / file).write_text("no certificate\n")
    assert all(one.endswith("[certificate-unusable]") for one in found())
    assert len(found()) == 2

    key, name = ed25519.Ed25519PrivateKey.generate(), x509.Name([])
    today = datetime.now(timezone.utc)
    certificate = x509.CertificateBuilder(
        name, name, key.public_key(), 1, today, today + timedelta(days=1)
    ).sign(key, None)
    (tmp_path / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    for secret, usable in ((NoEncryption(), True), (BestAvailableEncryption(b"x"), False)):
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
        (tmp_path / "own.pem").write_bytes(certificate.public_bytes(Encoding.PEM) + private)
        assert (found() == []) is usable
    tmp_path.chmod(0o700)
    assert ["cannot be entered" in one for one in found(USER)] == [True, True]


def test_a_server_that_began_before_the_configuration_changed() -> None:
    process = Process(1, "fastagi", USER, ("--listen=127.0.0.1:4573", "--workers", "2"), 1000.0)
    assert (process.option("workers"), process.option("metrics")) == ("2", None)
    old, new = Source("a", 999 * 10**9, 1), Source("b", 1001 * 10**9, 1)
    assert names(serving.judge_health(process, None, [old])) == []
    assert names(serving.judge_health(process, None, [old, new])) == ["configuration-newer"]
    health = serving.Health(problems=("1 of 2 workers do not serve",))
    assert names(serving.judge_health(process, health, [new])) == ["server-unwell"]
    assert serving.look_at_health(process) is None


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "127.0.0.1:457x", "[::1", "a..b"])
def test_an_address_that_is_none_is_told_as_it_stands_in_the_dialplan(address: str) -> None:
    door = serving.look(address)
    assert door.address.startswith(address)
    assert names(serving.judge(door)) == ["server-away"]


def test_another_program_is_named_on_a_machine_without_ipv6(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(serving, "TABLES", (Path("/proc/net/tcp"), tmp_path / "tcp6"))
    with socket.create_server(("127.0.0.1", 0)) as web:

        def greet() -> None:
            connection, _ = web.accept()
            with connection:
                connection.sendall(b"220 somebody else\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        door = serving.look(f"127.0.0.1:{web.getsockname()[1]}")
        thread.join()
    (found,) = serving.judge(door)
    assert f"process {os.getpid()}" in str(found)


def test_an_upgraded_package_needs_a_restart() -> None:
    process = Process(1, "fastagi", USER, (), 1000.0)
    (found,) = serving.judge_health(process, serving.Health(changed=("/x/compiled.py",)), [])
    assert isinstance(found, Ailment)
    assert found.remedy == "restart it"


@pytest.mark.parametrize(
    ("let_in", "application", "found"),
    [
        (ari.Reply(200), ari.Reply(200), []),
        (ari.Reply(200, ahead=-60.0), ari.Reply(200), ["clocks-apart"]),
        (ari.Reply(403), None, ["ari-password"]),
        (ari.Reply(503), None, ["ari-away"]),
        (ari.Reply(200), ari.Reply(500), ["unseen"]),
    ],
)
def test_ari(
    loaded: Configuration, let_in: ari.Reply, application: ari.Reply | None, found: list[str]
) -> None:
    seen = ari.Asterisk("pbx", "http://x", "u", Path("p"), None, False, let_in, application)
    assert names(ari.judge(seen, loaded)) == found


@pytest.mark.parametrize(("mode", "found"), [(0o640, []), (0o644, ["secret-open"])])
def test_a_password_is_open_where_everybody_may_read_it(
    loaded: Configuration, mode: int, found: list[str]
) -> None:
    """As the handler has it (``test_a_secret_that_everybody_may_read``): 640 is root:asterisk."""
    assert loaded.ari is not None
    entry = loaded.ari.asterisks["pbx"]
    entry.password_file.write_text("secret")
    entry.password_file.chmod(mode)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        here = replace(entry, url=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        seen = ari.look("pbx", here, loaded.ari, None)
    assert seen is not None
    assert names(ari.judge(seen, loaded)) == [*found, "ari-away"]


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (clock.Clock(True, 0.1), []),
        (clock.Clock(False, 0.1), ["clock-unsynchronised"]),
        (clock.Clock(None, 0.1), ["unseen"]),
        (clock.Clock(True, 86400.0), ["clocks-apart"]),
        (clock.Clock(True, None, "refused"), ["database-away"]),
    ],
)
def test_clocks(loaded: Configuration, seen: clock.Clock, found: list[str]) -> None:
    assert names(clock.judge(seen, loaded)) == found


@pytest.mark.parametrize(
    ("ledger", "found"),
    [
        (evidence.Ledger(free=10**12, waiting=0), []),
        (evidence.Ledger(free=10**6), ["disk-nearly-full"]),
        (evidence.Ledger(begun=True, waiting=20_000), ["records-waiting"]),
        (evidence.Ledger(begun=True), ["unseen"]),
        (evidence.Ledger(obstacle=Obstacle(Path("/x"), "closed")), ["ledger-not-writable"]),
        (evidence.Ledger(key_obstacle=Obstacle(Path("/key"))), ["key-missing"]),
        (evidence.Ledger(key_obstacle=Obstacle(Path("/key"), "closed")), ["key-unreadable"]),
    ],
)
def test_the_ledger(loaded: Configuration, ledger: evidence.Ledger, found: list[str]) -> None:
    assert names(evidence.judge(ledger, loaded)) == found


def test_a_ledger_that_has_lost_its_key_or_is_closed(tmp_path: Path) -> None:
    loaded = configured(tmp_path, "evidence: {file: ledger/evidence.sqlite}\n")
    assert names(evidence.judge(evidence.look(loaded, (USER,)), loaded)) == ["ledger-not-writable"]
    (tmp_path / "ledger").mkdir()
    root = User("root", 0, frozenset())
    assert names(evidence.judge(evidence.look(loaded, (root,)), loaded)) == []
    SqliteStore(loaded.evidence.file).try_out()
    assert names(evidence.judge(evidence.look(loaded, (root,)), loaded)) == ["key-missing"]


def test_records_that_wait_are_counted(loaded: Configuration, tmp_path: Path) -> None:
    entry = replace(loaded.evidence, file=tmp_path / "waiting.sqlite")
    SqliteStore(entry.file).try_out()
    seen = evidence.look(replace(loaded, evidence=entry), ())
    assert (seen.begun, seen.waiting) == (True, 0)


def test_cel_that_nobody_writes() -> None:
    events = frozenset(("ALL",))
    cel = evidence.Cel(True, frozenset(("agi",)), events)
    assert names(evidence.judge_cel(cel, Path(), ari=False)) == ["cel-off"]
    written = replace(cel, writers=frozenset(("CEL Custom CSV Logging",)))
    assert names(evidence.judge_cel(written, Path(), ari=False)) == []
    assert names(evidence.judge_cel(written, Path(), ari=True)) == ["cel-incomplete"]


def test_where_the_script_keeps_what_it_compiles(tmp_path: Path) -> None:
    root = User("root", 0, frozenset())
    assert reading.look_at_cache([str(tmp_path / "cache")], root) == []
    closed = reading.look_at_cache([str(tmp_path / "cache")], USER)
    assert names(reading.judge([], closed)) == ["cache-not-writable"]


def test_every_finding_is_in_the_handbook() -> None:
    code = "".join(file.read_text() for file in Path(room.__path__[0]).glob("*.py"))
    known = set(re.findall(r'(?:Ailment|_summed)\(\s*"([a-z-]+)"', code))
    page = (ROOT / "docs/administrators.md").read_text(encoding="utf-8")
    table = page.partition("### Findings\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`(?=[^|]*\|.*\|)", table)) >= known
    assert len(known) > 30


def test_without_an_asterisk_it_says_what_it_could_not_look_at(tmp_path: Path) -> None:
    configured(tmp_path, "")
    path = tmp_path / "config.yaml"
    done = command_line.run("doctor", "--config", path, "--asterisk", tmp_path / "none")
    assert (
        "not looked at: Asterisk, its dialplan, script and queues: it does not answer"
        in done.stdout
    )
    assert "no dialplan here names one" in done.stdout
    assert "server-away" not in done.stdout, "nobody has asked for one here"
    assert "no findings: " in done.stdout
    assert "dialplan" not in done.stdout.partition("no findings: ")[2]
    nothing = command_line.run("doctor", "--config", tmp_path / "none.yaml")
    assert nothing.exit_code == 2
    nobody = command_line.run("doctor", "--config", path, "--asterisk-user", "no-such-user-here")
    assert nobody.exit_code == 2
    quoted = command_line.run("doctor", "--config", path, "--asterisk", "asterisk -C 'etc")
    assert quoted.exit_code == 2
    assert "quote it as in a shell" in quoted.stderr


def test_without_the_extra_that_reads_sounds(loaded: Configuration) -> None:
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from pathlib import Path\n"
        "from callcentre_disclosure.config.loader import load\n"
        "from callcentre_disclosure.doctor import sounds\n"
        f"(said,) = sounds.look_at_content(load(Path({loaded.sources[0].path!r})))\n"
        "sys.stdout.write(said.why)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "what the sounds say: numpy is not installed (the extra `speech`)", done
