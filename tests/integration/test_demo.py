"""The demonstration, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from callcentre_disclosure.testing.recording import Recording, find_tone
from tests.call_centre import BIN, CallCentre
from tests.command_line import run


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
    demo(tmp_path, "--fake")
    evidence("checkpoint", tmp_path)
    said = demo(tmp_path, "--fake")
    assert "FAKE" in said[0]
    assert sum("the caller hears" in line for line in said) == 2
    assert Recording.load(tmp_path / "what-the-caller-heard.wav").duration > 8
    assert evidence("show", tmp_path, "--caller", "+33612345678").startswith("TOLD: ")
    assert "unchanged: 2 entries" in evidence("verify", tmp_path), "not compared with the first"
    counted = json.loads(evidence("report", tmp_path, "--json"))
    assert counted["total"]["disclosed"] == 1, "one call, of today"
    assert (
        counted["days"][-1]["name"] >= f"{datetime.now(timezone.utc) - timedelta(days=1):%Y-%m-%d}"
    )
    assert 0 <= counted["waits"]["median"] < 60


def test_without_what_listens_to_the_call_it_says_so_before_there_is_one(tmp_path: Path) -> None:
    """As after `pip install callcentre-disclosure`, without any extra."""
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from callcentre_disclosure.cli.main import commands\n"
        f"commands(['demo', '--folder', {str(tmp_path / 'demo')!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "numpy" in done.stderr
    assert "pip install 'callcentre-disclosure[speech]'" in done.stderr
    assert done.stdout == ""


def test_the_line_that_shows_the_evidence_is_typed_as_it_stands(tmp_path: Path) -> None:
    """In a folder with a space in its name, and without the virtual environment on PATH."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def done(*command: str) -> str:
        return subprocess.run(
            command, env=bare, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    program = str(BIN / "callcentre-disclosure")
    said = done(program, "demo", "--fake", "--folder", "my demo").splitlines()
    _, _, typed = said[-1].partition("The evidence:")
    assert done("sh", "-c", typed).count("DISCLOSED") == 2


def evidence(command: str, folder: Path, *arguments: str) -> str:
    done = run("evidence", command, "--config", folder / "config.yaml", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout
