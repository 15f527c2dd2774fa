"""How long it takes to build the sounds of a company, and to find that they are all there.

python -m benchmarks.sounds [--sentences 1000]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load

BUILD = (str(Path(sys.executable).parent / "callcentre-disclosure"), "prompts", "build")


def company(folder: Path, sentences: int) -> Path:
    """A configuration that needs about so many sentences: the name of a company for each route."""
    names = (
        f'  route{n}: {{numbers: ["+331{n:08}"], sites: [here], company: "Client {n}"}}'
        for n in range(sentences // 2)
    )
    config = folder / "config.yaml"
    config.write_text(
        "languages: [fr, en]\nsounds: {folder: sounds}\nevidence: {file: evidence.sqlite}\n"
        "sites:\n  here: {country: MA}\nroutes:\n" + "\n".join(names) + "\n"
    )
    return config


def build(config: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one build."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*BUILD, "--config", str(config)], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description="How long the sounds of a company take.")
    parser.add_argument("--sentences", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = company(Path(folder), given.sentences)
        wall, cpu = build(config)
        count = len(list(needed(load(config))))
        print(f"{count:,} sounds: {wall:.1f} s, {cpu / wall:.2f} of {os.cpu_count()} processors")
        print("with nothing to do:", ", ".join(f"{build(config)[0]:.2f} s" for _ in range(5)))


if __name__ == "__main__":
    main()
