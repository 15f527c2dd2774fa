"""The demonstration, as a newcomer runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from callcentre_disclosure.testing.recording import Recording, find_tone
from tests.call_centre import CallCentre


def demo(folder: Path, *arguments: str) -> list[str]:
    """What it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "callcentre_disclosure", "demo", f"--folder={folder}", *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_real_call_is_announced(tmp_path: Path) -> None:
    said = demo(tmp_path)
    assert any(line.startswith("This is a real call on Asterisk ") for line in said)
    told = [line.partition(" s  ")[2] for line in said if " s  " in line]
    starts = [line.split(' "')[0].split(" (")[0] for line in told]
    assert starts == [
        "+33612345678 calls +33184880001",
        "Asterisk answers the call",
        "the caller hears",
        "the telephone of agent PJSIP/201 rings",
        "the agent answers, and is not connected yet",
        "the caller hears",
        "the caller hears the agent",
        "the caller hangs up",
    ]
    heard = Recording.load(tmp_path / "what-the-caller-heard.wav")
    assert heard.duration > 10
    assert find_tone(heard, 1000)[-1][1] > 10
    assert len(CallCentre(tmp_path).evidence()) == 2


def test_without_asterisk_it_says_that_it_is_fake(tmp_path: Path) -> None:
    said = demo(tmp_path, "--fake")
    assert "FAKE" in said[0]
    assert sum("the caller hears" in line for line in said) == 2
    assert Recording.load(tmp_path / "what-the-caller-heard.wav").duration > 8
