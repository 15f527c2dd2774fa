"""A PostgreSQL server of its own for the tests, without touching the machine.

PostgreSQL refuses to be run by root. Where the tests are, the user ``postgres`` runs it, else
``nobody``.
"""

from __future__ import annotations

import os
import pwd
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Literal

import psycopg
from psycopg import sql

from tests.postgresql_programs import copied, fetched, for_everybody, installed

HOST = "127.0.0.1"
USER = "tester"

_PATIENCE = 60.0
_PORTS = range(20_000, 32_000)
"""Below those that the system hands out: nobody is given the port of a server that is down."""
_SETTINGS = {
    # A process that is killed, this server's too, loses nothing that it gave to the system.
    "fsync": "off",
    "max_connections": "60",
    "log_line_prefix": "%m %d ",
}


class PostgresqlFailed(Exception):
    """The server did not do what it was told; with its last words."""


class Server:
    """One PostgreSQL, from ``with`` to its end. Whoever connects is a superuser.

    ``settings`` go to ``postgres`` as they are. ``programs`` is the folder of ``initdb`` and
    ``postgres``; without it they are those of this machine where it has some, else fetched.
    However this process ends, so does the server, and its folder is removed.
    """

    def __init__(
        self, programs: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._account = _account()
        self._programs = programs or installed() or fetched()
        self._settings = {**_SETTINGS, **(settings or {})}
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: subprocess.Popen[bytes] | None = None
        self.folder = Path()
        """Holds the data, the Unix socket and the log."""
        self.port = 0

    def __enter__(self) -> Server:
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
        try:
            if self._account:
                os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
            if self._account and not for_everybody(self._programs):
                self._programs = copied(self._programs, self.folder / "programs")
            self._initialise()
            self._choose_port()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    # -- where it is ---------------------------------------------------------------------------

    def url(self, database: str = "postgres") -> str:
        """Over TCP to the loopback address."""
        return f"postgresql://{USER}@{HOST}:{self.port}/{database}"

    def socket_url(self, database: str = "postgres") -> str:
        """Over the Unix socket."""
        return f"postgresql:///{database}?host={self.folder}&port={self.port}&user={USER}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database, which is dropped with whoever is still connected."""
        self._databases += 1
        name = f"test{self._databases}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url(name)
        finally:
            self.ensure_running()
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def log_text(self) -> str:
        """All that it has logged so far."""
        log = self.folder / "log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    # -- its life ------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Returns as soon as it takes connections."""
        assert self._process is None
        self._process = self._run("postgres", "-D", self._data, *self._configured())
        # When this process ends, in whatever way, the pipe closes.
        self._leash = subprocess.Popen(
            [
                "sh",
                "-c",
                'read _; kill -QUIT "$0"; rm -rf "$1"',
                str(self._process.pid),
                self.folder,
            ],
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _PATIENCE
        while not self._is_ready():
            with suppress(subprocess.TimeoutExpired):
                status = self._process.wait(0.01)
                self._forget()
                raise self._failure(f"ended with status {status} at its start")
            if time.monotonic() > deadline:
                raise self._failure(f"took no connections within {_PATIENCE:.0f} s")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Ends it and the connections to it. ``immediate`` is without a checkpoint: the next start
        recovers from the log. Does nothing to one that is down."""
        if self._process is not None:
            self._process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
            self.thaw()
            self._process.wait(_PATIENCE)
            self._forget()

    def kill(self) -> None:
        """Kills every process of it, as the machine does that runs out of memory."""
        processes = [os.pidfd_open(pid) for pid in self.freeze()]
        for process in processes:
            signal.pidfd_send_signal(process, signal.SIGKILL)
        for process in processes:
            assert select.select([process], [], [], _PATIENCE)[0], "SIGKILL does not end it"
            os.close(process)
        assert self._process is not None
        self._process.wait()
        self._forget()

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        self.stop(mode)
        self.start()

    def ensure_running(self) -> None:
        """Starts it where it is down, and thaws it where it is frozen."""
        if self._process is None:
            self.start()
        self.thaw()

    def freeze(self) -> list[int]:
        """Stops the clock for it: connections stay open, new ones are accepted by the system, and
        nothing answers. Returns its process ids."""
        assert self._process is not None
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)  # first: from now on it starts no other
        children = [int(child) for child in _children(pid).read_text().split()]
        for child in children:
            with suppress(ProcessLookupError):  # a connection that was just closed
                os.kill(child, signal.SIGSTOP)
        return [pid, *(child for child in children if Path(f"/proc/{child}").exists())]

    def thaw(self) -> None:
        """After ``freeze``; else it does nothing."""
        assert self._process is not None
        pid = self._process.pid
        with suppress(FileNotFoundError):
            for child in _children(pid).read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGCONT)
        os.kill(pid, signal.SIGCONT)

    # -- how -----------------------------------------------------------------------------------

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _initialise(self) -> None:
        arguments = ("--username", USER, "--auth=trust", "--encoding=UTF8", "--no-locale")
        status = self._run("initdb", "-D", self._data, *arguments, "--no-sync").wait(_PATIENCE)
        if status:
            raise self._failure(f"cannot be made: initdb ended with status {status}")

    def _choose_port(self) -> None:
        for port in random.sample(_PORTS, 100):
            with suppress(OSError), closing(socket.create_server((HOST, port))):
                self.port = port
                return
        raise PostgresqlFailed("no port is free")

    def _configured(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            **self._settings,
        }
        return [part for item in settings.items() for part in ("-c", "=".join(item))]

    def _run(self, program: str, *arguments: object) -> subprocess.Popen[bytes]:
        """Whatever PostgreSQL would take from our environment is kept from it."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *map(str, arguments)],
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._account and self._account.pw_uid,
                group=self._account and self._account.pw_gid,
                extra_groups=[] if self._account else None,
            )

    def _is_ready(self) -> bool:
        """What ``pg_ctl --wait`` asks too: the last line of its lock file."""
        assert self._process is not None
        with suppress(FileNotFoundError):
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return lines[:1] == [str(self._process.pid)] and lines[7:] == ["ready   "]
        return False

    def _forget(self) -> None:
        """The process has ended."""
        assert self._leash is not None
        self._leash.kill()
        self._leash.communicate()
        self._process = self._leash = None

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def _failure(self, what: str) -> PostgresqlFailed:
        last_words = "\n".join(self.log_text().splitlines()[-8:])
        return PostgresqlFailed(f"PostgreSQL {what}\n{last_words}")


def _account() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL where we are root."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def _children(pid: int) -> Path:
    return Path(f"/proc/{pid}/task/{pid}/children")
