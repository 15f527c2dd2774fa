"""The AGI script's short way: a server of the same configuration on this machine holds its session.

Nearly all that a script costs is the start of Python and what it imports. So this imports next to
nothing, connects to a Unix socket where the server listens, and passes on what Asterisk and the
server say, with a line ``HANGUP`` for the SIGHUP that only a process gets.

A script depends on no server for all that. A server ends a session by ``FAREWELL``; where it is
gone without that, or silent for too long, the script goes on by itself: from the beginning, with
the opening that Asterisk gave, once the command is done that Asterisk is at. What the caller was
told to the end by then is on the channel (DISCLOSURE_TOLD).

Whoever may write to the folder of compiled configurations decides what callers hear. The socket is
in that folder, and trusted no more than that.
"""

# ruff: noqa: PTH100, PTH101, PTH103, PTH104, PTH108, PTH116, PTH118
# Of `signal` and `socket` a script needs what is in C; the rest would cost every call 8 ms.
import _signal  # type: ignore[import-not-found]
import _socket
import os
from select import POLLIN, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from socket import socket

#: The last byte of a session that a server has held to its end. AGI has no such byte.
FAREWELL = b"\0"
#: How long a server may take to say what comes next, in seconds: longer than a worker may stand
#: still before it is killed (``workers.STALL_SECONDS``), so that this is for a whole server.
PATIENCE_SECONDS = 6.0
#: How long a command may still take that Asterisk is at when the server is lost, in seconds: as
#: long as a session (``agi_driver.SESSION_SECONDS``), for who speaks sooner cuts off the sound.
COMMAND_SECONDS = 900.0

_PRIME = 2**61 - 1


def hold(
    config: str, folders: "Sequence[str]", incoming: int = 0, outgoing: int = 1
) -> bytes | None:
    """Have a server of this configuration hold the session on two file descriptors.

    None where it has, to the end; else what has been read of the session so far.
    """
    server = _connected(config, folders)
    if server is None:
        return b""
    hung_up, wake = os.pipe()
    os.set_blocking(wake, False)
    _signal.set_wakeup_fd(wake)
    earlier = _signal.signal(_signal.SIGHUP, lambda *_: None)
    try:
        relay = _Relay(server, incoming, outgoing)
        if relay.run(hung_up):
            return None
        server.close()  # it must not speak any more
        relay.wait_for_asterisk()
        return relay.opening
    finally:
        server.close()
        _signal.set_wakeup_fd(-1)
        _signal.signal(_signal.SIGHUP, earlier)
        os.close(wake)
        os.close(hung_up)


def listen(config: "str | os.PathLike[str]", folders: "Sequence[str]") -> "socket":
    """The socket of a server of this configuration, in the first folder that can be written: open
    to whoever may enter that. Raises ``OSError``.

    Each server of a configuration has a place of its own, the first where no other listens.
    """
    import socket

    problem = OSError("no folder for its socket")
    for folder in folders:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        number = 0
        while connection := _connected_to(_place(config, folder, number)):
            connection.close()
            number += 1
        place = _place(config, folder, number)
        begun = f"{place[:-3]}new"  # nobody is to find it before it listens
        try:
            os.makedirs(folder, exist_ok=True)
            if os.path.exists(begun):  # noqa: PTH110
                os.unlink(begun)
            listening.bind(begun)
            os.chmod(begun, 0o666)  # noqa: S103  # FastAGI on loopback asks nobody either
            listening.listen(1024)
            os.rename(begun, place)
        except OSError as found:
            listening.close()
            problem = found
        else:
            return listening
    raise problem


def _place(config: "str | os.PathLike[str]", folder: str, number: int) -> str:
    """Where the socket is of one of a configuration's servers. `hashlib` would cost every call
    5 ms."""
    name = int.from_bytes(os.fsencode(os.path.abspath(config)), "big") % _PRIME
    return os.path.join(folder, f"{name:x}-{number}.agi")


def _connected(config: str, folders: "Sequence[str]") -> _socket.socket | None:
    for folder in folders:
        number = 0
        while True:
            place = _place(config, folder, number)
            try:
                trusted = os.stat(place).st_uid in (0, os.geteuid(), os.stat(folder).st_uid)
            except OSError:  # there is no other
                break
            if trusted and (connection := _connected_to(place)):
                return connection
            number += 1
    return None


def _connected_to(place: str) -> _socket.socket | None:
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.settimeout(PATIENCE_SECONDS)
    try:
        connection.connect(place)
    except OSError:  # nobody listens there
        connection.close()
        return None
    return connection


class _Relay:
    """A session that is passed on. ``opening`` is how Asterisk began it."""

    def __init__(self, server: _socket.socket, incoming: int, outgoing: int) -> None:
        self.opening = b""
        self._server = server
        self._incoming = incoming
        self._outgoing = outgoing
        self._is_open = False
        self._rest = b""  # of a line that Asterisk has begun
        self._is_busy = False  # with a command
        self._has_left = False

    def run(self, hung_up: int) -> bool:
        """Pass on what is said until the end; whether it was the server that ended it.

        What can be read from ``hung_up`` is SIGHUP.
        """
        ready = poll()
        for descriptor in (self._server.fileno(), self._incoming, hung_up):
            ready.register(descriptor, POLLIN)
        notice, is_told = b"", False
        while True:
            found = ready.poll(None if self._is_busy else PATIENCE_SECONDS * 1000)
            if not found:
                return False
            try:
                for descriptor, _ in found:
                    if descriptor == self._server.fileno():
                        said = self._server.recv(65536)
                        self._answer(said.removesuffix(FAREWELL))
                        if said.endswith(FAREWELL):
                            return True
                        if not said:
                            return False
                    elif descriptor == hung_up:
                        ready.unregister(hung_up)
                        notice = b"HANGUP\n"
                    elif not self._has_left:
                        self._server.sendall(self._read())
                if self._has_left and not is_told:
                    ready.unregister(self._incoming)
                    self._server.shutdown(_socket.SHUT_WR)
                    is_told, self._is_busy = True, False
                elif notice and self._is_open and not self._rest:
                    self._server.sendall(notice)
                    notice = b""
            except OSError:
                return False

    def wait_for_asterisk(self) -> None:
        """Return when it has carried out what it was asked for: before that it must not be spoken
        to."""
        ready = poll()
        ready.register(self._incoming, POLLIN)
        while self._is_busy and not self._has_left and ready.poll(COMMAND_SECONDS * 1000):
            self._read()

    def _read(self) -> bytes:
        data = os.read(self._incoming, 65536)
        self._has_left = not data
        if not self._is_open:
            self.opening += data
            self._is_open = b"\n\n" in self.opening
        else:
            *lines, self._rest = (self._rest + data).split(b"\n")
            if any(line[:3].isdigit() and line[3:4] == b" " for line in lines):
                self._is_busy = False
        return data

    def _answer(self, data: bytes) -> None:
        if self._has_left:
            return
        self._is_busy |= bool(data)
        try:
            while data:
                data = data[os.write(self._outgoing, data) :]
        except ConnectionError:
            self._has_left = True
