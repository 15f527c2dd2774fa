"""Machines of a network of their own, on this one: namespaces of Linux.

A ``Machine`` is a thread with interfaces, mounts and a host name of its own. Whatever is started
or opened by ``do`` lives there. When its thread and its processes have ended nothing of it is left,
however that came about; nothing of it has a name outside.

It needs CAP_SYS_ADMIN and CAP_NET_ADMIN: root has them, and anybody else in a user namespace
(``WITHOUT_ROOT``, followed by what to run).
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from callcentre_disclosure.testing import debian

from .programs import Programs

WITHOUT_ROOT = ("unshare", "--user", "--map-current-user", "--keep-caps")
_NEWNS, _NEWUTS, _NEWNET = 0x0002_0000, 0x0400_0000, 0x4000_0000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x4_0000
_libc = ctypes.CDLL(None, use_errno=True)
_Result = TypeVar("_Result")


class NoNamespaces(Exception):
    """This process may not make any."""


class Machine:
    """A machine with nothing but its loopback interface. ``folder`` is for its files."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._running: list[subprocess.Popen[bytes]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        try:
            self.do(self._separate)
        except OSError as problem:
            self.close()
            raise NoNamespaces(
                f"{problem.strerror}: run it as root, or by {' '.join(WITHOUT_ROOT)} …"
            ) from problem

    def do(self, work: Callable[[], _Result]) -> _Result:
        """The result of something that is done there."""
        return self.begin(work).result()

    def begin(self, work: Callable[[], _Result]) -> Future[_Result]:
        """The same, not awaited."""
        return self._thread.submit(work)

    def mount(self, text: str, over: str) -> None:
        """From now on a file of the system says this, for what is started there."""
        file = self.folder / Path(over).name
        file.write_text(text, encoding="utf-8")
        self.do(lambda: _mount(file, over, _MS_BIND))

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Run something that ends with this machine, however that ends; what it says is in the
        file ``log``."""

        def run() -> subprocess.Popen[bytes]:
            with (self.folder / "log").open("ab") as log:
                return subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *command],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )

        process = self.do(run)
        self._running.append(process)
        return process

    def close(self) -> None:
        """Off."""
        for process in self._running:
            process.kill()
            process.wait()
        self._thread.shutdown()

    def _separate(self) -> None:
        self.thread = threading.get_native_id()
        _checked(_libc.unshare(_NEWNS | _NEWUTS | _NEWNET))
        _mount(None, "/", _MS_REC | _MS_PRIVATE)
        socket.sethostname(self.name)


class Network:
    """Machines that are plugged into one switch, by the last number of their addresses."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self._ip = programs("ip")
        self._folder = folder
        self._machines: list[Machine] = []
        self._switch = self._machine("switch")
        self._run(self._switch, "link add br0 type bridge")
        self._run(self._switch, "link set br0 up")

    def machine(self, name: str, address: str) -> Machine:
        """One more."""
        machine = self._machine(name)
        there = f"/proc/{os.getpid()}/task/{self._switch.thread}/ns/net"
        self._run(machine, f"link add eth0 type veth peer name {name} netns {there}")
        self._run(machine, f"addr add {address}/24 dev eth0")
        for interface in ("lo", "eth0"):
            self._run(machine, f"link set {interface} up")
        self._run(self._switch, f"link set {name} master br0 up")
        return machine

    def unplug(self, machine: Machine) -> None:
        """Not a packet comes through, and nobody is told."""
        self._run(self._switch, f"link set {machine.name} down")

    def plug_in(self, machine: Machine) -> None:
        """As it was before."""
        self._run(self._switch, f"link set {machine.name} up")

    def close(self) -> None:
        """All off."""
        for machine in self._machines:
            machine.close()

    def _machine(self, name: str) -> Machine:
        machine = Machine(name, self._folder / name)
        self._machines.append(machine)
        return machine

    def _run(self, machine: Machine, command: str) -> None:
        machine.do(lambda: debian.run(*self._ip, *command.split()))


def _mount(source: Path | None, target: str, flags: int) -> None:
    what = str(source or "none").encode()
    _checked(_libc.mount(what, target.encode(), None, ctypes.c_ulong(flags), None))


def _checked(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
