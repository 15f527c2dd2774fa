"""Measure the shipped, the built and the received sounds, or those of one folder."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from callcentre_disclosure.config.shipped import shipped

from .clips import RECEIVED, Clip, build_usual, clips, receive
from .report import document, misses, table, verdicts
from .scoring import Heard, compare
from .whisper import Whisper, versions

DOCUMENT = Path(__file__).parents[2] / "docs/intelligibility.md"


def main() -> int:
    """Exit 1 where a promise was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.intelligibility", description=__doc__
    )
    parser.add_argument("folder", nargs="?", type=Path, help="a folder with a manifest; prints")
    parser.add_argument("--all", action="store_true", help="all sounds, not just usual countries")
    parser.add_argument("--language", help="of the folder, only this one")
    parser.add_argument("--received", action="store_true", help="the folder holds recorded calls")
    chosen = parser.parse_args()
    if chosen.folder:
        source = RECEIVED if chosen.received else "folder"
        found = clips(chosen.folder, source, every=chosen.all)
        heard = listen([c for c in found if chosen.language in (None, c.said.language)])
        print(f"{table(heard)}\n\n{misses(heard)}")
        return 0
    with tempfile.TemporaryDirectory() as place:
        heard = measure(Path(place), every=chosen.all)
    day = datetime.now(timezone.utc).date()
    DOCUMENT.write_text(document(heard, versions(), day), encoding="utf-8")
    print(table(heard))
    missed = [verdict for verdict in verdicts(heard) if not verdict.kept]
    for verdict in missed:
        print(f"missed: {verdict}")
    return bool(missed)


def measure(place: Path, *, every: bool) -> list[Heard]:
    """Every sound that docs/intelligibility.md tells of."""
    found = clips(shipped("prompts") / "sounds", "shipped", every=every)
    for folder in build_usual(place / "built"):
        found += clips(folder, "built")
    receive(place / "received")
    found += clips(place / "received", RECEIVED, every=True)
    return listen(found)


def listen(found: Sequence[Clip]) -> list[Heard]:
    """Whisper's transcripts, with what is done and what is left on the error output."""
    whisper = Whisper()
    heard = []
    began = time.monotonic()
    for number, clip in enumerate(found, start=1):
        samples, rate = clip.on_the_telephone()
        heard.append(compare(clip.said, whisper.transcript(samples, rate, clip.said.language)))
        left = (time.monotonic() - began) / number * (len(found) - number)
        if number % 20 == 0 or number == len(found):
            print(f"{number}/{len(found)} transcribed, {left:.0f} s left", file=sys.stderr)
    return heard


if __name__ == "__main__":
    sys.exit(main())
