"""What is particular to the FastAGI server: its workers are watched, drained and reloaded."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from callcentre_disclosure.testing import FakeChannel, Fault
from tests.call_centre import BIN, CallCentre, Server

POSSIBLE = "Votre appel pourra être traité au Maroc ou en Tunisie, merci de patienter."


def channel(centre: CallCentre, fault: Fault | None = None, seconds: float = 0.2) -> FakeChannel:
    prompts = centre.prompts()
    slow = [replace(p, sound=replace(p.sound, seconds=seconds)) for p in prompts]
    return FakeChannel("0184880001", script="disclose", sounds=slow, fault=fault)


@pytest.fixture
def two_workers(centre: CallCentre) -> Iterator[Server]:
    running = Server(centre, workers=2)
    yield running
    running.stop()


def test_a_killed_worker_lets_its_calls_go_and_is_replaced(
    centre: CallCentre, two_workers: Server
) -> None:
    before = two_workers.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    for _ in before:
        two_workers.wait_for("is replaced")
    served = channel(centre).call_server("127.0.0.1", two_workers.port)
    assert served.heard == [POSSIBLE]
    assert not set(before) & set(two_workers.workers())


def test_a_frozen_worker_holds_no_call(centre: CallCentre, server: Server) -> None:
    (worker,) = server.workers()
    os.kill(worker, signal.SIGSTOP)
    held = channel(centre)
    call = threading.Thread(target=held.call_server, args=("127.0.0.1", server.port))
    call.start()
    server.wait_for("does not answer and is killed")
    call.join(20)
    assert not call.is_alive()
    served = channel(centre).call_server("127.0.0.1", server.port)
    assert served.heard == [POSSIBLE]


def test_a_call_in_progress_ends_before_the_server_does(centre: CallCentre) -> None:
    server = Server(centre)
    playing = channel(centre, seconds=1.0)
    call = threading.Thread(target=playing.call_server, args=("127.0.0.1", server.port))
    call.start()
    while not playing.heard:
        call.join(0.01)
    server.stop()
    call.join(20)
    assert playing.timeline == ["answered", POSSIBLE, "connected"]
    assert playing.variables["DISCLOSURE_STATUS"] == "DISCLOSED"


def test_a_good_configuration_replaces_the_old_one_and_a_bad_one_does_not(
    centre: CallCentre, server: Server
) -> None:
    good = centre.path.read_text()
    centre.path.write_text("sites: {")
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("the configuration is not replaced")
    assert channel(centre_with(centre, good)).call_server("127.0.0.1", server.port).heard == [
        POSSIBLE
    ]
    centre.path.write_text(good.replace("00 01", "00 09"))
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("was read again")
    served = channel(centre).call_server("127.0.0.1", server.port)
    assert served.variables["DISCLOSURE_STATUS"] == "NOT_DISCLOSED"


def centre_with(centre: CallCentre, text: str) -> CallCentre:
    """The same folder with another text of the configuration, for the test's own eyes."""
    other = CallCentre(centre.folder)
    other.path.write_text(text)
    return other


def test_a_configuration_that_is_wrong_from_the_start_is_not_served(centre: CallCentre) -> None:
    centre.path.write_text("sites: {}\nlangages: [fr]\n")
    done = subprocess.run(
        [BIN / "callcentre-disclosure", "fastagi", "--listen=127.0.0.1:0"],
        env=centre.environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert "did you mean languages?" in done.stderr
