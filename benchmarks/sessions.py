"""What a FastAGI session costs a server, ours with everything on beside others with nothing.

    python -m benchmarks.sessions [--rounds 8] [--sessions 1500] [--at-once 16]

All servers run at once, each session is of one Asterisk that answers at once, and the servers take
turns: whatever else happens on the machine happens to all of them. Ours decides by 10,000 sites and
agents, makes its evidence durable, and counts for Prometheus.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from callcentre_disclosure import Disclosure, LedgerRecord
from tests.call_centre import CallCentre, Server

from . import peers
from .company import company
from .wire import OPENING, Announcements, Sessions, hold, reply

#: Announcements in progress at once, and how long each is, in seconds.
AT_ONCE, SECONDS = 2_000, 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Measured:
    """A server, and what its rounds were: CPU of the server in µs a session, latencies in ms."""

    port: int
    pid: int
    worker: int
    cpu: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def round(self, sessions: int, at_once: int) -> None:
        """Hold so many sessions, and take note."""
        before = cpu_seconds(self.pid)
        done = hold(self.port, sessions, at_once)
        self.cpu.append((cpu_seconds(self.pid) - before) / sessions * 1e6)
        assert not done.broken, f"{done.broken} sessions without a sound"
        self.p50.append(at(done, 0.5))
        self.p99.append(at(done, 0.99))


def at(done: Sessions, share: float) -> float:
    """The latency in ms that so many sessions do not exceed."""
    ordered = sorted(done.seconds)
    return ordered[math.ceil(len(ordered) * share) - 1] * 1e3


def family(pid: int) -> Iterator[int]:
    """A process and what it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from family(int(child))


def cpu_seconds(pid: int) -> float:
    """What a process, its children, and those that have ended, took of the processor."""
    ticks = 0
    for one in family(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def memory(pid: int, what: str = "Rss") -> float:
    """What a process has in MiB; as ``Pss`` what it shares is counted once in all."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
    return int(rollup[rollup.index(f"{what}:") + 1]) / 1024


@contextmanager
def other(command: Sequence[str]) -> Iterator[Measured]:
    """A server of somebody else, running."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen([*command, str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    hold(port, 1, 1)
                    break
                except ConnectionError:
                    assert process.poll() is None, f"{command} does not run"
                    time.sleep(0.05)
            yield Measured(port, process.pid, process.pid)
        finally:
            process.terminate()


@contextmanager
def ours(folder: Path, seconds: float = 0.0) -> Iterator[tuple[Measured, CallCentre]]:
    """Our server, running; its sounds last so many seconds."""
    company(folder, agents=10_000, numbers=1_000, sites=10_000, seconds=seconds)
    centre = CallCentre(folder)
    server = Server(centre, 1, "--metrics=127.0.0.1:0")
    try:
        (worker,) = server.workers()
        yield Measured(server.port, server.process.pid, worker), centre
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="What a FastAGI session costs a server.")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--sessions", type=int, default=1_500)
    parser.add_argument("--at-once", type=int, default=16)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        beside_others(Path(folder, "beside"), given.rounds, given.sessions, given.at_once)
        taken_apart(Path(folder, "apart"))
        many_at_once(Path(folder, "many"))


def beside_others(folder: Path, rounds: int, sessions: int, at_once: int) -> None:
    with ExitStack() as running:
        mine, centre = running.enter_context(ours(folder))
        servers = {"ours, everything on": mine}
        for name, command in peers.prepare().items():
            servers[name] = running.enter_context(other(command))
        for _ in range(rounds):
            for name, server in servers.items():
                share = 10 if name == "pyst2" else 1  # a process a call: long enough as it is
                server.round(sessions // share, at_once)
        print(table(servers))
        print(f"{len(centre.evidence()):,} records of {rounds * sessions:,} calls")


def taken_apart(folder: Path) -> None:
    """What of a session is not the network, in this process."""
    config = company(folder, agents=1_000, numbers=100)
    disclosure = Disclosure.from_file(config)

    def session() -> LedgerRecord:
        driver = disclosure.agi()
        said = driver.receive(OPENING, 0.0)
        while not driver.done:
            said = driver.receive(reply(said), 0.0)
        assert driver.record is not None
        return driver.record

    def least(work: Callable[[], object], times: int) -> float:
        best = math.inf
        for _ in range(5):
            began = time.process_time()
            for _ in range(times):
                work()
            best = min(best, (time.process_time() - began) / times)
        return best * 1e6

    print(f"\nof that, without a network: {least(session, 1_000):.0f} µs for the session", end="")
    for many in (1, 4, 16):
        records = [session() for _ in range(many)]
        took = least(lambda some=records: disclosure.keep(some), 200) / many  # type: ignore[misc]
        print(f", {took:.0f} µs for a record of {many} in a commit", end="")
    print()


def many_at_once(folder: Path) -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    with ours(folder, SECONDS) as (server, centre):
        empty = memory(server.worker)
        playing = Announcements(server.port, AT_ONCE, SECONDS)
        full, whole = memory(server.worker), sum(memory(one, "Pss") for one in family(server.pid))
        playing.end()
        told = [record["outcome"] == "DISCLOSED" for record in centre.evidence()]
    print(f"\n{AT_ONCE:,} announcements at once: the worker has {full:.0f} MiB RSS, ", end="")
    print(f"{empty:.0f} without calls, all of the server {whole:.0f} MiB")
    print(f"{sum(told):,} of {len(told):,} records say DISCLOSED")


def table(servers: dict[str, Measured]) -> str:
    """What was measured, medians of the rounds, with the least and the most."""
    head = f"{'server':22} | {'CPU µs a session':>22} | {'p50 ms':>20} | {'p99 ms':>20} | p99/p50"
    lines = [head]
    for name, of in servers.items():
        ratio = median(p99 / p50 for p50, p99 in zip(of.p50, of.p99, strict=True))
        cells = (_cell(of.cpu, 0, 22), _cell(of.p50, 2, 20), _cell(of.p99, 2, 20))
        lines.append(f"{name:22} | {' | '.join(cells)} | {ratio:7.1f}")
    return "\n".join(lines)


def _cell(figures: Sequence[float], places: int, width: int) -> str:
    low, high = min(figures), max(figures)
    shown = f"{median(figures):,.{places}f} ({low:,.{places}f}…{high:,.{places}f})"
    return f"{shown:>{width}}"


if __name__ == "__main__":
    main()
