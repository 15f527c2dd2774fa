"""What is particular to an AGI script whose session a server holds: it needs none."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from callcentre_disclosure.testing import FakeChannel
from tests.call_centre import BIN, CallCentre, Server

SCRIPT = [str(BIN / "callcentre-disclosure-agi")]
POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."


def channel(centre: CallCentre, seconds: float = 0.2) -> FakeChannel:
    slow = [replace(p, sound=replace(p.sound, seconds=seconds)) for p in centre.prompts()]
    return FakeChannel("0184880001", sounds=slow)


def processes(server: Server) -> list[int]:
    """All of a server, the one that watches first."""
    return [server.process.pid, *server.workers(), *server.beside()]


@contextmanager
def calling(call: FakeChannel, centre: CallCentre) -> Iterator[None]:
    """A call whose sound plays while something else happens; at the end it is over."""
    held = threading.Thread(target=call.call_script, args=(SCRIPT, centre.environment))
    held.start()
    while not call.heard:
        held.join(0.01)
    yield
    held.join(20)
    assert not held.is_alive()


def place(centre: CallCentre) -> Path:
    """Where the server listens for scripts."""
    (found,) = (centre.folder / "cache").glob("*.agi")
    return found


def test_the_server_holds_the_session(centre: CallCentre, server: Server) -> None:
    told = channel(centre)
    centre.path.write_text("sites: {")  # of which a script that is alone could tell nobody
    told.call_script(SCRIPT, centre.environment)
    assert told.timeline == ["answered", POSSIBLE, "connected"]
    (record,) = centre.evidence()
    assert (record["door"], record["asterisk"]) == ("agi", os.uname().nodename)


def test_a_call_whose_server_is_killed_is_told_again(centre: CallCentre) -> None:
    server, told = Server(centre), channel(centre, seconds=0.8)
    with calling(told, centre):
        for pid in processes(server):
            os.kill(pid, signal.SIGKILL)
    server.process.wait(20)
    server.hang_up_the_log()
    assert told.timeline == ["answered", POSSIBLE, POSSIBLE, "connected"]
    (record,) = centre.evidence()
    assert record["outcome"] == told.variables["DISCLOSURE_STATUS"] == "DISCLOSED"


def test_a_server_that_is_frozen_holds_no_call(centre: CallCentre, server: Server) -> None:
    told = channel(centre)
    frozen = processes(server)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        told.call_script(SCRIPT, centre.environment)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert told.timeline == ["answered", POSSIBLE, "connected"]
    assert "DISCLOSED" in [record["outcome"] for record in centre.evidence()]


def test_a_server_that_ends_takes_no_new_sessions(centre: CallCentre) -> None:
    server, held, late = Server(centre), channel(centre, seconds=2.0), channel(centre)
    with calling(held, centre):
        server.process.send_signal(signal.SIGTERM)
        while _listens(place(centre)):
            pass
        late.call_script(SCRIPT, centre.environment)
    server.has_ended()
    assert held.timeline == late.timeline == ["answered", POSSIBLE, "connected"]
    assert len(centre.evidence()) == 2


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.mark.parametrize("ends", [0, 1], ids=["the first ends", "the second ends"])
def test_of_two_servers_the_one_that_stays_is_found(centre: CallCentre, ends: int) -> None:
    good = centre.path.read_text()
    servers = [Server(centre), Server(centre)]
    try:
        servers.pop(ends).stop()
        told = channel(centre)
        centre.path.write_text("sites: {")
        assert told.call_script(SCRIPT, centre.environment).heard == [POSSIBLE]
    finally:
        for server in servers:
            server.stop()
    centre.path.write_text(good)
    Server(centre).stop()
    assert len(list((centre.folder / "cache").glob("*.agi"))) == 2, "a place is taken again"


def test_without_a_place_for_its_socket_a_server_serves_all_the_same(centre: CallCentre) -> None:
    (centre.folder / "cache").touch()
    server = Server(centre)
    told = channel(centre)
    assert told.call_script(SCRIPT, centre.environment).heard == [POSSIBLE]
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket to somebody else")
def test_somebody_elses_socket_is_not_trusted(centre: CallCentre, server: Server) -> None:
    told = channel(centre)
    os.chown(place(centre), 4321, -1)
    centre.path.write_text(centre.path.read_text().replace("00 01", "00 09"))
    told.call_script(SCRIPT, centre.environment)
    assert told.variables["DISCLOSURE_STATUS"] == "NOT_DISCLOSED", "by itself it reads the file"
