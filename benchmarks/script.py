"""The AGI script as Asterisk starts it, beside the least that a script can do.

    python -m benchmarks.script [--times 41]

It is installed as anybody installs it, into an environment of its own: what else is in one (the
hooks of setuptools or coverage) costs every Python that is started there.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.call_centre import CallCentre, Server

from .company import company
from .wire import OPENING, reply

COMPANIES = ((10, 10), (1_000, 100), (10_000, 1_000), (100_000, 1_000))

#: The least that an AGI script can do: read the environment, play, set a variable, leave.
MINIMAL = """
import sys
read, write = sys.stdin.readline, sys.stdout.write
while read().strip(): pass
for command in ('STREAM FILE "x" ""', 'SET VARIABLE X "1"'):
    write(command + "\\n"); sys.stdout.flush(); read()
"""


@dataclass
class Script:
    """A command, and what it took in ms: in all, and of the processor by its own process."""

    command: Sequence[str]
    environment: Mapping[str, str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self) -> None:
        """One session with an Asterisk that answers everything at once."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        with subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(OPENING)
            while said := process.stdout.read(65536):
                process.stdin.write(reply(said))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall.append((time.perf_counter() - began) * 1e3)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.cpu.append(used * 1e3)


@contextmanager
def installed() -> Iterator[Path]:
    """The folder of programs of an installation of what is here."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        python = Path(folder, "bin/python")
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        root = Path(__file__).parents[1]
        subprocess.run([*pip, "install", "--quiet", root], check=True, stderr=subprocess.DEVNULL)
        yield python.parent


def main() -> None:
    parser = argparse.ArgumentParser(description="What the AGI script takes.")
    parser.add_argument("--times", type=int, default=41)
    times: int = parser.parse_args().times
    with installed() as programs, tempfile.TemporaryDirectory() as temporary:
        minimal = [str(programs / "python"), "-I", "-S", "-c", MINIMAL]
        print(f"{'agents':>8} | {'script':16} | {'ms':>20} | × minimal | CPU ms | × minimal")
        for agents, numbers in COMPANIES:
            config = company(Path(temporary, str(agents)), agents=agents, numbers=numbers)
            centre = CallCentre(config.parent)
            alone = {**centre.environment, "CALLCENTRE_DISCLOSURE_CACHE": f"{config.parent}/alone"}
            script = [str(programs / "callcentre-disclosure-agi")]
            scripts = {
                "minimal": Script(minimal, {}),
                "with a server": Script(script, centre.environment),
                "alone": Script(script, alone),
            }
            server = Server(centre)
            for name in ("with a server", "alone"):
                scripts[name].run()  # which compiles the configuration, and warms the server
                scripts[name].wall.clear()
                scripts[name].cpu.clear()
            for _ in range(times):
                for one in scripts.values():
                    one.run()
            server.stop()
            assert len(centre.evidence()) == 2 * (times + 1), "each of them is written"
            print("\n".join(rows(agents, scripts)))


def rows(agents: int, scripts: Mapping[str, Script]) -> Iterator[str]:
    """What was measured: medians, with the quarter that was fastest and slowest left out."""
    least = scripts["minimal"]
    for name, of in scripts.items():
        ordered = sorted(of.wall)
        low, high = ordered[len(ordered) // 4], ordered[-len(ordered) // 4]
        shown = f"{median(of.wall):.1f} ({low:.1f}…{high:.1f})"
        yield (
            f"{agents:8,} | {name:16} | {shown:>20} | {ratio(of.wall, least.wall):9.2f} | "
            f"{median(of.cpu):6.1f} | {ratio(of.cpu, least.cpu):9.2f}"
        )


def ratio(of: Sequence[float], least: Sequence[float]) -> float:
    """By how much it is more, run by run."""
    return median(one / other for one, other in zip(of, least, strict=True))


if __name__ == "__main__":
    main()
