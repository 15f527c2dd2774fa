"""A call centre to set fire to: an Asterisk behind the dialplan that the product writes, the
FastAGI server with two workers, and the script behind it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks.crowd import ANSWERED, VOICES, agents_of, number_of
from benchmarks.house import House
from callcentre_disclosure.config.directory import ledger_place
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.evidence.verifying import verify
from callcentre_disclosure.testing.installation import Installation
from tests.call_centre import CallCentre, Process

WORKERS = 2
#: Whoever waits for something here has had enough after so many seconds.
PATIENCE = 30.0
#: The roads of the lines, in turn. Where nobody may be connected untold, nobody is.
ROADS = ("dial", "queue", "dial, refuse", "queue, refuse")


def road_of(line: int) -> str:
    return ROADS[line % len(ROADS)]


def agent_of(line: int) -> str:
    """Who answers a line: in Morocco, as long as the configuration is not another one."""
    return agents_of(line)[0]


def _configuration(lines: int) -> str:
    queues = "".join(f"  line{line}: {{sites: [casablanca, tunis]}}\n" for line in range(lines))
    routes = ""
    for line in range(lines):
        way, _, policy = road_of(line).partition(", ")
        to = f"sites: [casablanca, tunis], dial: [PJSIP/{agent_of(line)}]"
        if way == "queue":
            to = f"queue: line{line}"
        routes += (
            f"  line{line}: {{numbers: ['{number_of(line)}'], {to}, "
            f"on_failure: {policy or 'generic'}}}\n"
        )
    return f"""\
sites:
  casablanca: {{country: MA}}
  tunis: {{country: TN}}
agents:
  PJSIP/2???: {{site: casablanca}}
  PJSIP/3???: {{site: tunis}}
queues:
{queues}routes:
{routes}"""


def _queues(lines: int) -> str:
    return "[general]\n" + "".join(
        f"[line{line}]\nsetinterfacevar=yes\nringinuse=no\ntimeout=8\nretry=1\n"
        f"member => PJSIP/{agent_of(line)}\n"
        for line in range(lines)
    )


class Server(Process):
    """The FastAGI server, and all that it has said."""

    def __init__(self, centre: CallCentre, port: int) -> None:
        self.port = port
        self.said: list[str] = []
        listen = f"--listen=127.0.0.1:{port}"
        super().__init__(centre, "fastagi", listen, f"--workers={WORKERS}")
        self.says(" serves", since=0, times=WORKERS)

    def _said(self, line: str) -> None:
        super()._said(line)
        self.said.append(line)

    def says(self, what: str, *, since: int, times: int = 1) -> None:
        """Wait until something was said so many times since there were so many lines."""
        deadline = time.monotonic() + PATIENCE
        while sum(what in line for line in self.said[since:]) < times:
            assert time.monotonic() < deadline, (what, self.said[since:])
            time.sleep(0.01)

    def family(self) -> list[int]:
        """The process that watches, and all that it watches."""
        return [self.process.pid, *self.workers(), *self.beside()]


class Ground:
    """The call centre, with so many lines; a sentence is so many packets of 20 ms long.

    The ledger is in a folder of its own, that a test can fill or take away.
    """

    def __init__(
        self,
        folder: Path,
        installation: Installation,
        running: ExitStack,
        *,
        lines: int,
        packets: int,
    ) -> None:
        self.lines = lines
        self.ledger = folder / "ledger"
        self.ledger.mkdir(parents=True, exist_ok=True)
        self.house = House(
            folder,
            installation,
            running,
            configuration=_configuration(lines),
            voices={agent_of(line): VOICES["2"] for line in range(lines)},
            packets=packets,
            queues=_queues(lines),
        )
        self.asterisk, self.centre = self.house.asterisk, self.house.centre
        self.house.server.stop()  # which has one worker, and its ledger elsewhere
        text = self.centre.path.read_text().replace("{file: ", "{file: ledger/")
        self.centre.path.write_text(text)
        self.said: list[str] = []
        """What servers have said that are no more."""
        self.start()
        running.callback(self.stop)

    def start(self) -> None:
        """Start the server, on the port that the dialplan knows."""
        self.server = Server(self.centre, self.house.server.port)

    def stop(self) -> None:
        """Let the server end its calls."""
        self.server.stop()
        self.said += self.server.said

    def kill(self) -> None:
        """The server is gone, with all its processes."""
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()
        self.server.hang_up_the_log()
        self.said += self.server.said

    def log(self) -> list[str]:
        """All that every server has said so far."""
        return [*self.said, *self.server.said]

    def sound(self, name: str) -> Path:
        """The file of a sound."""
        return Path(f"{self.house.sound(name)}.wav")

    def evidence(self) -> list[dict[str, Any]]:
        """The documents of the disclosures so far, in their order."""
        return CallCentre(self.ledger).evidence()

    def verified(self) -> list[str]:
        """What is wrong with the chain of the evidence."""
        place = ledger_place(load(self.centre.path))
        with closing(SqliteStore(place.file)) as store:
            return [
                str(found) for found in verify(store, KeyRing.open(place.key_file), ()).findings
            ]

    def consumers(self, numbers: Sequence[str]) -> dict[str, str]:
        """The callers' numbers by what they go by in the evidence."""
        place = ledger_place(load(self.centre.path))
        ring = KeyRing.open(place.key_file)
        return {ring.pseudonyms(number, place.numbering)[0]: number for number in numbers}

    def tells(self) -> dict[str, str]:
        """The sentence that tells where a voice is."""
        return {
            **{agent_of(line): ANSWERED["2"] for line in range(self.lines)},
            f"{VOICES['2']} Hz": ANSWERED["2"],
        }

    def asterisks_process(self) -> int:
        """The process id of the Asterisk."""
        configuration = str(self.asterisk.directory / "etc/asterisk.conf").encode()
        (found,) = (
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if (words := _words(folder)) and configuration in words and b"-f" in words
        )
        return found

    def left(self) -> list[str]:
        """The channels that Asterisk still has some time after the end of all calls."""
        deadline = time.monotonic() + PATIENCE
        while True:
            left = self.asterisk.command("core show channels concise").splitlines()
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.1)


def _words(process: Path) -> list[bytes]:
    """The command line of a process, which may end meanwhile."""
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
