"""Does the FastAGI server answer, and does it know the configuration as it is now?"""

from __future__ import annotations

import json
import select
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from callcentre_disclosure.config.sources import Source

from .ailment import Ailment, Judgement, Unseen
from .patient import Process

PORT = 4573
_SECONDS = 3.0
#: The sockets of this machine.
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
#: Who is not let in is told so sooner than this.
_MOMENT_SECONDS = 0.3


class Answer(Enum):
    """How something answers whom we tell nothing for a moment, then half of an AGI greeting, and
    then that nothing more will come."""

    AWAY = auto()
    REFUSES = auto()  #: lets go before we have said anything
    SERVES = auto()  #: lets go at the end, as it should, without a word
    SILENT = auto()  #: takes the connection and does nothing
    STRANGE = auto()  #: says something: that is no FastAGI server


@dataclass(frozen=True, slots=True)
class Door:
    """The address that the dialplan asks, how it answers, and which program has its port."""

    address: str
    answer: Answer
    program: str | None = None


def look(address: str) -> Door:
    """No session begins, and no evidence is left."""
    try:
        parts = urlsplit(f"agi://{address}")
        host, number = parts.hostname or "", parts.port or PORT
        answer = _answer(host, number)
    except ValueError:  # neither a host nor a port is written so: nobody can answer there
        return Door(address, Answer.AWAY)
    return Door(f"{host}:{number}", answer, _program(number) if answer is Answer.STRANGE else None)


def _answer(host: str, port: int) -> Answer:
    try:
        connection = socket.create_connection((host, port), timeout=_SECONDS)
    except OSError:
        return Answer.AWAY
    with connection:
        try:
            if select.select([connection], [], [], _MOMENT_SECONDS)[0]:
                return Answer.STRANGE if _received(connection) else Answer.REFUSES
            connection.sendall(b"agi_network: yes\n")
            connection.shutdown(socket.SHUT_WR)
            return Answer.STRANGE if _received(connection) else Answer.SERVES
        except TimeoutError:
            return Answer.SILENT
        except OSError:
            return Answer.REFUSES


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1)
    except ConnectionResetError:
        return b""


def judge(door: Door) -> Judgement:
    remedy = (
        "start `callcentre-disclosure fastagi` there; until then the script announces, or nobody"
    )
    if door.answer is Answer.AWAY:
        yield Ailment("server-away", door.address, "no FastAGI server answers", remedy)
    elif door.answer is Answer.REFUSES:
        yield Ailment(
            "server-refuses",
            door.address,
            "lets go of who connects from this machine at once",
            "name this machine with --allow, raise --calls; its log says which",
        )
    elif door.answer is Answer.SILENT:
        yield Ailment(
            "server-silent",
            door.address,
            "takes calls and does not answer: each waits, for Asterisk has no time-out of its own",
            "see whether the server or its machine stands still; restart it",
        )
    elif door.answer is Answer.STRANGE:
        who = f"another program ({door.program})" if door.program else "another program"
        yield Ailment(
            "port-taken",
            door.address,
            f"{who} answers where the dialplan asks for the FastAGI server",
            "stop it, or give the server another --listen and write the dialplan with --server",
        )


@dataclass(frozen=True, slots=True)
class Health:
    """What a server says of itself at ``/healthz``."""

    problems: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def look_at_health(process: Process) -> Health | None:
    """None where it does not tell."""
    address = process.option("metrics")
    if not address:
        return None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{address}/healthz", timeout=_SECONDS) as answer:
            page: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as unwell:
        page = _page(unwell)
    except (OSError, ValueError, HTTPException):
        return None
    return Health(tuple(page.get("problems", ())), tuple(page.get("changed_since_read", ())))


def judge_health(process: Process, health: Health | None, made_from: Sequence[Source]) -> Judgement:
    """``made_from`` is what a server reads, as it is now."""
    where = f"the server {process.kind}, process {process.pid}"
    again = f"send it SIGHUP (kill -HUP {process.pid}); its log says whether it was read"
    if health is None:
        since = [one.path for one in made_from if one.modified / 1e9 > process.began]
        if since:
            began = datetime.fromtimestamp(process.began).astimezone().isoformat(" ", "seconds")
            yield Ailment(
                "configuration-newer",
                where,
                f"began at {began}, before {_listed(since)} changed, and does not tell whether it "
                "has read it since",
                f"{again}; with --metrics it would tell",
            )
        return
    for problem in health.problems:
        yield Ailment("server-unwell", where, problem, "see its log")
    if health.changed:
        what = f"works with what it read before {_listed(health.changed)} changed"
        package = any(one.endswith(".py") for one in health.changed)
        yield Ailment("configuration-newer", where, what, "restart it" if package else again)


def judge_absence(processes: Sequence[Process], door: Door) -> Judgement:
    """A server that we cannot see may run elsewhere."""
    if door.answer is Answer.SERVES and not any(one.kind == "fastagi" for one in processes):
        yield Unseen(
            f"what the server at {door.address} has read: it does not run here with this "
            "configuration, or as a user that we may not look into"
        )


def _page(answer: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        page = json.load(answer)
    except (OSError, ValueError):
        page = None
    return page if isinstance(page, dict) else {"problems": [f"/healthz answers {answer.code}"]}


def _program(port: int) -> str | None:
    """Who listens on a TCP port of this machine, as far as we may see."""
    sockets = set()
    for table in filter(Path.exists, TABLES):  # there is no IPv6 on some
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{fields[9]}]")
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is none of our business
            if any(str(one.readlink()) in sockets for one in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()}, process {folder.name}"
    return None


def _listed(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
