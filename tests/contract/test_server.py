"""What is particular to the FastAGI server: its workers are watched, drained and reloaded."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk.guard import ACCEPTED_AT_ONCE
from callcentre_disclosure.asterisk.workers import HEARTBEAT_SECONDS, STALL_SECONDS
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


def reload(server: Server, said: str) -> None:
    """Have the configuration read again by the parent, its worker, and what is beside that."""
    server.process.send_signal(signal.SIGHUP)
    for _ in range(3):
        server.wait_for(said)


def test_a_good_configuration_replaces_the_old_one_and_a_bad_one_does_not(
    centre: CallCentre, server: Server
) -> None:
    told, untold = channel(centre), channel(centre)
    good = centre.path.read_text()
    centre.path.write_text("sites: {")
    reload(server, "the configuration is not replaced")
    assert told.call_server("127.0.0.1", server.port).heard == [POSSIBLE]
    centre.path.write_text(good.replace("00 01", "00 09"))
    reload(server, "was read again")
    untold.call_server("127.0.0.1", server.port)
    assert untold.variables["DISCLOSURE_STATUS"] == "NOT_DISCLOSED"


def test_a_worker_that_is_replaced_serves_the_newest_configuration(
    centre: CallCentre, server: Server
) -> None:
    untold = channel(centre)
    centre.path.write_text(centre.path.read_text().replace("00 01", "00 09"))
    reload(server, "was read again")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for(" serves")
    untold.call_server("127.0.0.1", server.port)
    assert untold.variables["DISCLOSURE_STATUS"] == "NOT_DISCLOSED"


def test_reloaded_evidence_goes_where_the_configuration_says(
    centre: CallCentre, server: Server
) -> None:
    announced = channel(centre)
    text = centre.path.read_text()
    centre.path.write_text(text.replace("evidence.sqlite", "moved.jsonl"))
    reload(server, "was read again")
    announced.call_server("127.0.0.1", server.port)
    assert centre.evidence() == []
    assert (centre.folder / "moved.jsonl").exists()


def refused(late: FakeChannel, port: int) -> bool:
    try:
        late.call_server("127.0.0.1", port)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_ends_refuses_new_calls(centre: CallCentre, how: signal.Signals) -> None:
    server = Server(centre)
    playing, late = channel(centre, seconds=1.5), channel(centre)
    call = threading.Thread(target=playing.call_server, args=("127.0.0.1", server.port))
    call.start()
    while not playing.heard:
        call.join(0.01)
    os.killpg(server.process.pid, how) if how is signal.SIGINT else server.process.send_signal(how)
    while not refused(late, server.port):
        pass
    assert call.is_alive(), "the call in progress goes on"
    call.join(20)
    server.has_ended()
    assert playing.timeline == ["answered", POSSIBLE, "connected"]


def test_a_machine_that_stood_still_kills_no_worker(centre: CallCentre, server: Server) -> None:
    (worker,) = server.workers()
    for pid in (server.process.pid, worker):
        os.kill(pid, signal.SIGSTOP)
    threading.Event().wait(STALL_SECONDS + 0.5)
    for pid in (server.process.pid, worker):
        os.kill(pid, signal.SIGCONT)
    assert channel(centre).call_server("127.0.0.1", server.port).heard == [POSSIBLE]
    assert server.workers() == [worker]


def test_workers_end_when_nobody_watches_them(centre: CallCentre) -> None:
    server = Server(centre)
    (worker,) = server.workers()
    server.process.kill()
    server.process.wait(20)
    alive = select.poll()
    alive.register(os.pidfd_open(worker), select.POLLIN)
    assert alive.poll(20_000), "it should have ended"
    server.hang_up_the_log()


def leave(strangers: list[socket.socket]) -> None:
    while strangers:
        strangers.pop().close()


@pytest.fixture
def strangers() -> Iterator[list[socket.socket]]:
    """Connections to be made; there are file descriptors for many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    made: list[socket.socket] = []
    yield made
    leave(made)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_2000_strangers_cost_no_caller_anything(
    centre: CallCentre, strangers: list[socket.socket]
) -> None:
    """More than the server holds at once: silent ones, and those who say a byte now and then."""
    server = Server(centre, 1, "--calls=500")
    (worker,) = server.workers()
    files = Path(f"/proc/{worker}/fd")
    before = len(list(files.iterdir()))
    attack_is_over = threading.Event()

    def attack() -> None:
        while not attack_is_over.is_set():
            for _ in range(100):
                one = socket.create_connection(("127.0.0.1", server.port))
                one.setblocking(False)
                strangers.append(one)
            for one in strangers[::2]:
                with suppress(OSError):
                    one.send(b"a")
            if len(strangers) >= 2000:
                attack_is_over.wait(0.25)

    attacking = threading.Thread(target=attack)
    attacking.start()
    while len(strangers) < 2000:
        attacking.join(0.01)
    callers = [channel(centre) for _ in range(50)]
    calls = [
        threading.Thread(target=caller.call_server, args=("127.0.0.1", server.port))
        for caller in callers
    ]
    for one in calls:
        one.start()
    for one in calls:
        one.join(20)
    attack_is_over.set()
    attacking.join()
    assert [caller.timeline for caller in callers] == [["answered", POSSIBLE, "connected"]] * 50
    assert server.workers() == [worker]
    assert len(list(files.iterdir())) <= before + 500 + ACCEPTED_AT_ONCE
    leave(strangers)
    server.stop()


def test_a_worker_without_file_descriptors_serves_again_when_it_has_some(
    centre: CallCentre, strangers: list[socket.socket]
) -> None:
    server = Server(centre)
    (worker,) = server.workers()
    files = Path(f"/proc/{worker}/fd")
    limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (len(list(files.iterdir())) + 4, limits[1]))
    strangers += [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    server.wait_for("out of system resource")
    resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
    assert channel(centre).call_server("127.0.0.1", server.port).heard == [POSSIBLE]
    assert server.workers() == [worker]
    leave(strangers)
    server.stop()


def test_systemd_hears_when_calls_are_served_and_that_they_still_are(
    centre: CallCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(centre.folder / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(centre.folder / "notify"))
        server = Server(centre, workers=2)
        states = {systemd.recv(100)}
        while b"READY=1" not in states:
            states.add(systemd.recv(100))
        assert states == {b"WATCHDOG=1", b"READY=1"}
        assert len(server.workers()) == 2
        os.kill(server.process.pid, signal.SIGSTOP)
        systemd.settimeout(0.1)
        with suppress(TimeoutError):
            while systemd.recv(100):
                pass
        systemd.settimeout(2 * HEARTBEAT_SECONDS)
        with pytest.raises(TimeoutError):
            systemd.recv(100)
        os.kill(server.process.pid, signal.SIGCONT)
        systemd.settimeout(20)
        assert systemd.recv(100) == b"WATCHDOG=1"
        server.stop()
        while systemd.recv(100) != b"STOPPING=1":
            pass


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
