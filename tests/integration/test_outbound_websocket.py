"""Asterisks that connect to the ARI event handler (outbound WebSockets), and TLS either way."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from callcentre_disclosure.testing.installation import Installation
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import find_tone
from tests.integration.faults import AT_ONCE, UNTOLD_HZ, House, Staff, at_work, free_port
from tests.integration.four_calls import FourCalls, ended
from tests.integration.office import (
    AMINA,
    ANSWERED_MA,
    ANSWERED_TN,
    LUC,
    POSSIBLE,
    YASMINE,
    Heard,
)
from tests.integration.wire import Wire

outbound = pytest.mark.parametrize("asterisk_version", ["22"], indirect=True, ids=["asterisk22"])

#: Asterisks that stay connected, and one that connects for each call.
PARIS, LYON, NICE = "paris", "lyon", "nice"
#: How often one that is refused may try again.
PER_SECOND = 3


@dataclass(frozen=True)
class Client:
    """How an Asterisk connects to the handler."""

    name: str
    password: str
    uri: str
    more: str = ""

    def files(self, ari_password: str) -> dict[str, str]:
        """Its configuration."""
        per_call = self.uri.endswith("/call")
        return {
            "ari.conf": f"""\
[general]
enabled = yes
[rehearsal]
type = user
password = {ari_password}
[handler]
type = outbound_websocket
websocket_client_id = handler
apps = callcentre-disclosure
local_ari_user = rehearsal
""",
            "websocket_client.conf": f"""\
[handler]
type = websocket_client
connection_type = {"per_call_config" if per_call else "persistent"}
uri = {self.uri}
protocols = ari
username = {self.name}
password = {self.password}
{self.more}
""",
        }


def start(house: House, installation: Installation, client: Client) -> PrivateAsterisk:
    """An Asterisk that will connect to the handler."""
    password = secrets.token_hex(8)
    asterisk = house.asterisk(installation, client.name, files=client.files(password))
    asterisk.ari_password = password
    house.password_file(client.name, client.password)
    return asterisk


def section(port: int, *names: str, more: str = "", password: str = "") -> str:
    """What the configuration says of a handler that they connect to."""
    known = ", ".join(f"{name}: {{password_file: {password or name}-password}}" for name in names)
    return f"{{listen: '127.0.0.1:{port}', {more}asterisks: {{{known}}}}}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, installation: Installation) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    port = free_port(socket.SOCK_STREAM)
    house.ari = section(port, PARIS, LYON, NICE)
    house.connected = 2
    with ExitStack() as running:
        for name in (PARIS, LYON, NICE):
            wire = running.enter_context(Wire(port))
            house.wires.append(wire)
            path = "/ari/call" if name == NICE else "/ari"
            client = Client(name, secrets.token_hex(8), f"ws://127.0.0.1:{wire.port}{path}")
            running.enter_context(start(house, installation, client))
        yield house


@pytest.fixture
def staff(house: House) -> Iterator[Staff]:
    with at_work(house) as staff:
        yield staff


def come_to_their_end(staff: Staff, calls: Mapping[Heard, str]) -> None:
    """Every caller talks to Amina or Yasmine, and hangs up."""
    for heard, agent in calls.items():
        heard.listen(agent, 0.3)
    for heard, agent in calls.items():
        heard.call.hang_up()
        told = heard.sounds()
        assert list(told) == [POSSIBLE, ANSWERED_MA if agent == AMINA else ANSWERED_TN]
        assert heard.first_word(agent) >= max(match.end for match in told.values())
        assert heard.voices() == [agent]
        heard.agrees_with(*staff.records(heard))


@outbound
def test_all_at_once(staff: Staff) -> None:
    """Calls of two that stay connected, and two of one that connects for each."""
    calls = {
        staff.call_from("caller", AMINA, at=PARIS): AMINA,
        staff.call_from("second", YASMINE, at=LYON): YASMINE,
        staff.call_from("third", AMINA, at=NICE): AMINA,
        staff.call_from("last", YASMINE, at=NICE): YASMINE,
    }
    come_to_their_end(staff, calls)
    staff.evidence(8)


@outbound
def test_the_handler_is_killed_between_connections_for_calls(staff: Staff) -> None:
    """Each call's own connection comes back, and nothing of what was before it is left."""
    calls = FourCalls(staff, at=NICE)
    *_, wire = staff.house.wires
    before = len(wire.connections)
    staff.handler.kill_worker()
    calls.come_to_their_end()
    assert len(wire.connections) - before <= PER_SECOND * len(calls.agents)
    calls.hang_up()
    ended(calls.talks, calls.informed.call, calls.ringing.call)


@outbound
def test_the_connection_is_cut(staff: Staff) -> None:
    """Asterisk keeps what happened meanwhile, and whoever called."""
    calls = FourCalls(staff)
    staff.wire.cut()
    calls.rings.answer()
    new = staff.call_from("next", AMINA)
    calls.talking.call.wait_until(calls.talking.now() + 1)
    staff.wire.mend()
    new.listen(AMINA)
    calls.come_to_their_end()
    calls.hang_up()
    new.call.hang_up()
    ended(calls.talks, calls.informed.call, calls.ringing.call)
    assert [len(staff.agents[agent].calls) for agent in (AMINA, YASMINE, LUC)] == [3, 1, 1]


@outbound
def test_calls_while_the_handler_is_away(staff: Staff) -> None:
    """An Asterisk that stays connected has them wait, one that connects for each does not."""
    staff.handler.kill()
    waits = staff.call_from("caller", AMINA, at=PARIS)
    leaves = staff.call_from("second", AMINA, at=PARIS)
    passes = staff.call_from("third", AMINA, at=NICE)
    passes.call.wait_for("ended")
    assert find_tone(passes.call.recording(), UNTOLD_HZ)
    leaves.call.hang_up()
    staff.handler = staff.house.handler()
    come_to_their_end(staff, {waits: AMINA})
    staff.evidence(3)
    assert [record["outcome"] for record in staff.records(leaves)] == ["ABANDONED"]


@outbound
def test_who_is_not_let_in_tries_now_and_then(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the handler has ended, and where it refuses: another password, an unknown user."""
    paris, lyon, nice = staff.house.wires
    staff.handler.ends_within(AT_ONCE)
    assert 1 <= paris.per_second(2.0) <= PER_SECOND
    staff.house.password_file("another", "another")
    another = section(paris.to, PARIS, NICE, password="another")
    monkeypatch.setattr(staff.house, "ari", another)
    monkeypatch.setattr(staff.house, "connected", 0)
    staff.handler = staff.house.handler()
    before = [len(wire.connections) for wire in (paris, lyon, nice)]
    heard = staff.call_from("caller", AMINA, at=NICE)
    heard.call.wait_for("ended")
    assert find_tone(heard.call.recording(), UNTOLD_HZ)
    for wire, connections in zip((paris, lyon, nice), before, strict=True):
        assert 1 <= len(wire.connections) - connections <= PER_SECOND * heard.now()


@outbound
def test_connections_for_calls_are_cut_for_long(staff: Staff) -> None:
    """Asterisk gives up within seconds, and leaves the callers to the dialplan. Their agents are
    released as soon as there is a connection again, be it for another call."""
    calls = FourCalls(staff, at=NICE)
    *_, wire = staff.house.wires
    wire.cut()
    ended(*(heard.call for heard in calls.agents), within=8)
    wire.mend()
    come_to_their_end(staff, {staff.call_from("next", AMINA, at=NICE): AMINA})
    ended(calls.rings, calls.waits, calls.talks)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this machine, with its key; signed by itself."""
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    certificate, names = file.with_suffix(".crt"), "subjectAltName=DNS:localhost,IP:127.0.0.1"
    # fmt: off
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", names, "-keyout", file, "-out", certificate],
        check=True, capture_output=True,
    )
    # fmt: on
    file.write_text(file.read_text() + certificate.read_text())
    return file


@outbound
def test_outbound_over_tls(tmp_path: Path, installation: Installation, certificate: Path) -> None:
    house = House(tmp_path)
    port = free_port(socket.SOCK_STREAM)
    house.ari = section(port, PARIS, more=f"certificate: {certificate}, ")
    client = Client(
        PARIS,
        "secret",
        f"wss://localhost:{port}/ari",
        f"tls_enabled = yes\nca_list_file = {certificate.with_suffix('.crt')}\n",
    )
    with start(house, installation, client), at_work(house) as staff:
        come_to_their_end(staff, {staff.call_from("caller", AMINA): AMINA})


def test_https(tmp_path: Path, installation: Installation, certificate: Path) -> None:
    """The handler connects to Asterisk's own server over TLS."""
    house = House(tmp_path)
    plain, tls = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM)
    http = f"""\
[general]
enabled = yes
bindaddr = 127.0.0.1
bindport = {plain}
tlsenable = yes
tlsbindaddr = 127.0.0.1:{tls}
tlscertfile = {certificate}
"""
    with house.asterisk(installation, PARIS, files={"http.conf": http}) as asterisk:
        asterisk.http_port = plain
        house.ari = (
            f"{{authority: {certificate.with_suffix('.crt')}, "
            f"asterisks: {{{PARIS}: {{url: 'https://127.0.0.1:{tls}', user: {asterisk.ari_user}, "
            f"password_file: {house.password_file(PARIS, asterisk.ari_password)}}}}}}}"
        )
        with at_work(house) as staff:
            come_to_their_end(staff, {staff.call_from("caller", AMINA): AMINA})
