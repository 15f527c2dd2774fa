"""An Asterisk that answers at once, for as many sessions of FastAGI at a time as one likes."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass, field

from callcentre_disclosure.asterisk.agi import SAMPLES_PER_SECOND, AsteriskSide

#: What Asterisk 22 says of a call.
OPENING = AsteriskSide.environment(
    {
        "network": "yes",
        "network_script": "disclose",
        "request": "agi://127.0.0.1/disclose",
        "channel": "PJSIP/trunk-0000002a",
        "language": "fr",
        "type": "PJSIP",
        "uniqueid": "1763820000.42",
        "version": "22.10.1",
        "callerid": "+33612345678",
        "calleridname": "unknown",
        "callingpres": "0",
        "callingani2": "0",
        "callington": "0",
        "callingtns": "0",
        "dnid": "+33100000007",
        "rdnis": "unknown",
        "context": "from-trunk",
        "extension": "+33100000007",
        "priority": "2",
        "enhanced": "0.0",
        "accountcode": "",
        "threadid": "140123456789",
    }
)


def reply(command: bytes, seconds: float = 0.0) -> bytes:
    """What Asterisk says when it has carried out a command, or played a sound of some seconds."""
    if command.startswith(b"GET FULL VARIABLE"):
        return b"200 result=1 (Ring|1763820000.42|||||||)\n"
    return b"200 result=0 endpos=%d\n" % (seconds * SAMPLES_PER_SECOND)


@dataclass
class Sessions:
    """What became of some sessions. ``seconds`` is how long each took, from the connection to its
    end, ``broken`` how many ended without a sound."""

    seconds: list[float] = field(default_factory=list)
    broken: int = 0


@dataclass
class _Session:
    connection: socket.socket
    began: float
    played: bool = False


def hold(port: int, count: int, at_once: int) -> Sessions:
    """So many sessions, one after the other on each of ``at_once`` lines."""
    done = Sessions()
    ready = selectors.DefaultSelector()
    left = count

    def begin() -> None:
        nonlocal left
        left -= 1
        began = time.perf_counter()
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(OPENING)
        ready.register(connection, selectors.EVENT_READ, _Session(connection, began))

    for _ in range(min(at_once, count)):
        begin()
    while ready.get_map():
        for key, _ in ready.select():
            session: _Session = key.data
            try:
                said = session.connection.recv(65536)
            except ConnectionError:
                said = b""
            if said:
                session.played |= said.startswith(b"STREAM FILE")
                session.connection.sendall(reply(said))
                continue
            done.seconds.append(time.perf_counter() - session.began)
            done.broken += not session.played
            ready.unregister(session.connection)
            session.connection.close()
            if left:
                begin()
    return done


class Announcements:
    """So many sounds of some seconds that play at once; they have all begun when this is made."""

    def __init__(self, port: int, count: int, seconds: float) -> None:
        self._seconds = seconds
        self._lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        for line in self._lines:
            line.sendall(OPENING)
        self._ends = []
        for line in self._lines:
            while not (said := line.recv(65536)).startswith(b"STREAM FILE"):
                line.sendall(reply(said))
            self._ends.append(time.monotonic() + seconds)

    def end(self) -> None:
        """Return when all have ended, and their calls were let go of."""
        ready = selectors.DefaultSelector()
        for line in self._lines:
            ready.register(line, selectors.EVENT_READ)
        playing = deque(zip(self._ends, self._lines, strict=True))
        while ready.get_map():
            while playing and playing[0][0] <= time.monotonic():
                playing.popleft()[1].sendall(reply(b"STREAM FILE", self._seconds))
            left = playing[0][0] - time.monotonic() if playing else None
            for key, _ in ready.select(left):
                calling = key.fileobj
                assert isinstance(calling, socket.socket)
                if said := calling.recv(65536):
                    calling.sendall(reply(said))
                else:
                    ready.unregister(calling)
                    calling.close()
