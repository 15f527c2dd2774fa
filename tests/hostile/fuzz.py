"""Coverage-guided fuzzing of the targets: ``python -m tests.hostile.fuzz --runs 100000``.

What is found on the way goes into ``.fuzz/TARGET``. ``--keep`` adds to tests/hostile/corpus, which
every test run replays, what takes ways through our code that nothing in there takes. What makes a
target fail ends the run and is named; it belongs into the corpus when it is mended.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import atheris

_WORK = Path(".fuzz")
_OURS = "/callcentre_disclosure/"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("targets", nargs="*", help="all of them, without any")
    asked.add_argument("--runs", type=int, default=100_000, help="of each")
    asked.add_argument("--keep", action="store_true", help="add what was found to the corpus")
    wanted = asked.parse_args()
    with atheris.instrument_imports(include=["callcentre_disclosure"]):
        from callcentre_disclosure.config import loader, wordings

        from .targets import CORPUS, LONGEST, TARGETS
    targets = wanted.targets or list(TARGETS)
    if len(targets) > 1:  # libFuzzer ends the process
        keep = ["--keep"] if wanted.keep else []
        for target in targets:
            command = [sys.executable, "-m", __spec__.name, target, f"--runs={wanted.runs}", *keep]
            subprocess.run(command, check=True)
        return
    (target,) = targets
    vars(loader)["wording"] = cache(wordings.wording)  # the package's texts, which stay as they are
    found, kept = _WORK / target, CORPUS / target
    for folder in (found, kept):
        folder.mkdir(parents=True, exist_ok=True)
    if wanted.keep:
        _keep(TARGETS[target], found, kept, LONGEST)
        return
    options = [
        f"-runs={wanted.runs}",
        f"-max_len={LONGEST}",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={_WORK}/{target}-",
    ]
    atheris.Setup([sys.argv[0], *options, str(found), str(kept)], TARGETS[target])
    atheris.Fuzz()


def _keep(target: Callable[[bytes], None], found: Path, kept: Path, longest: int) -> None:
    """The shortest first, so that little says much."""
    ways: set[object] = set()
    for folder in (kept, found):
        for one in sorted(folder.iterdir(), key=lambda file: (file.stat().st_size, file.name)):
            data = one.read_bytes()
            taken = _ways(target, data)
            if folder is found and len(data) <= longest and not taken <= ways:
                (kept / one.name[:12]).write_bytes(data)
            ways |= taken


def _ways(target: Callable[[bytes], None], data: bytes) -> set[object]:
    """From which line of our code to which line an input leads."""
    taken: set[object] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if event == "call" and _OURS not in frame.f_code.co_filename:
            return None
        last = frame.f_lineno

        def line(frame: FrameType, event: str, _: object) -> Any:
            nonlocal last
            taken.add((frame.f_code, last, frame.f_lineno))
            last = frame.f_lineno
            return line

        return line

    sys.settrace(trace)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return taken


if __name__ == "__main__":
    main()
