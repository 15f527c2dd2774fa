"""What passes through a relay, and when."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk import relay

OPENING = b"agi_channel: PJSIP/a-00000001\nagi_dnid: 0184880001\n\n"


def relayed(folder: Path, serve: Callable[[socket.socket, int, int], None]) -> bytes | None:
    """What ``hold`` returns where ``serve`` has the server's end, and both of Asterisk's."""
    listening = relay.listen(folder / "config.yaml", [str(folder)])
    incoming, asterisk_says = os.pipe()
    asterisk_hears, outgoing = os.pipe()

    def server() -> None:
        connection, _ = listening.accept()
        with connection:
            serve(connection, asterisk_says, asterisk_hears)

    thread = threading.Thread(target=server)
    thread.start()
    try:
        return relay.hold(str(folder / "config.yaml"), [str(folder)], incoming, outgoing)
    finally:
        thread.join(20)
        listening.close()
        for descriptor in (incoming, asterisk_says, asterisk_hears, outgoing):
            os.close(descriptor)


def received(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        data += connection.recv(1)
    return data


def test_a_hangup_is_told_where_a_line_ends_and_the_opening_is_over(tmp_path: Path) -> None:
    heard = []

    def serve(server: socket.socket, asterisk_says: int, _: int) -> None:
        os.write(asterisk_says, OPENING[:40])
        received(server, OPENING[:40])
        os.kill(os.getpid(), signal.SIGHUP)
        os.write(asterisk_says, OPENING[40:])
        heard.append(received(server, b"HANGUP\n"))
        server.sendall(relay.FAREWELL)

    before = signal.getsignal(signal.SIGHUP)
    assert relayed(tmp_path, serve) is None
    assert heard == [OPENING[40:] + b"HANGUP\n"]
    assert signal.getsignal(signal.SIGHUP) is before


def test_what_is_said_comes_through_up_to_the_farewell(tmp_path: Path) -> None:
    commands = []

    def serve(server: socket.socket, asterisk_says: int, asterisk_hears: int) -> None:
        os.write(asterisk_says, OPENING)
        received(server, b"\n\n")
        server.sendall(b"ANSWER\n" + relay.FAREWELL)
        commands.append(os.read(asterisk_hears, 100))

    assert relayed(tmp_path, serve) is None
    assert commands == [b"ANSWER\n"]


def test_a_lost_session_goes_on_when_asterisk_has_answered(tmp_path: Path) -> None:
    answers = [b"200 resu", b"lt=0\n"]

    def serve(server: socket.socket, asterisk_says: int, asterisk_hears: int) -> None:
        os.write(asterisk_says, OPENING)
        received(server, b"\n\n")
        server.sendall(b"ANSWER\n")
        assert os.read(asterisk_hears, 100) == b"ANSWER\n"
        server.close()
        for answer in answers:
            os.write(asterisk_says, answer)

    assert relayed(tmp_path, serve) == OPENING


@pytest.mark.parametrize("asterisk_hears_on", [True, False])
def test_a_server_that_still_speaks_when_asterisk_has_left_ends_the_session(
    tmp_path: Path, asterisk_hears_on: bool
) -> None:
    def serve(server: socket.socket, asterisk_says: int, asterisk_hears: int) -> None:
        os.write(asterisk_says, OPENING)
        received(server, b"\n\n")
        gone = os.open(os.devnull, os.O_RDWR)
        if asterisk_hears_on:
            os.dup2(gone, asterisk_says)  # closes it
            assert server.recv(1) == b""
        else:
            os.dup2(gone, asterisk_hears)
        os.close(gone)
        server.sendall(b"ANSWER\n")
        assert asterisk_hears_on or server.recv(1) == b""
        server.sendall(b"HANGUP\n" + relay.FAREWELL)

    assert relayed(tmp_path, serve) is None


def test_nothing_is_read_where_nobody_listens(tmp_path: Path) -> None:
    relay.listen(tmp_path / "config.yaml", [str(tmp_path)]).close()
    assert relay.hold(str(tmp_path / "config.yaml"), [str(tmp_path / "none"), str(tmp_path)]) == b""
