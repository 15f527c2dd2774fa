"""Makes the sounds that come with the package: what config.example.yaml can ever need."""

from __future__ import annotations

from pathlib import Path

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.speech.build import build
from callcentre_disclosure.speech.engines import NanoTts

if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    report = build(needed(load(root / "config.example.yaml")), root / "prompts/sounds", NanoTts())
    raise SystemExit(len(report.failed))
