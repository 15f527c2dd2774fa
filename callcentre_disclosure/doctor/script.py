"""Can Asterisk start the AGI script?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .access import READ, RUN, Obstacle, User, obstacle
from .ailment import Ailment, Judgement, Unseen


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and what keeps the user that runs Asterisk from it or from its interpreter."""

    path: Path
    obstacle: Obstacle | None = None
    interpreter: Path | None = None
    interpreter_obstacle: Obstacle | None = None


def look(path: Path, user: User) -> Script:
    """Raises ``OSError`` where we may not look ourselves."""
    found = obstacle(path, user, READ | RUN)
    if found:
        return Script(path, found)
    with path.open("rb") as file:
        interpreter = interpreter_of(file.read(4096))
    if interpreter is None:
        return Script(path)
    return Script(path, None, interpreter, obstacle(interpreter, user, READ | RUN))


def interpreter_of(beginning: bytes) -> Path | None:
    """What a script is run by; pip writes a long path into a second line."""
    text = beginning.decode(errors="replace")
    found = re.match(r"#!/bin/sh\n'''exec' \"?([^\"\n]+?)\"? \"\$0\"", text) or re.match(
        r"#!\s*(/\S+)", text
    )
    return Path(found[1]) if found else None


def judge(script: Script) -> Judgement:
    if script.obstacle and script.obstacle.missing:
        yield Ailment(
            "script-missing",
            str(script.path),
            "the dialplan starts this script, and it is not there",
            "link it there (`ln -s VENV/bin/callcentre-disclosure-agi`)",
        )
    elif script.obstacle:
        yield Ailment(
            "script-not-executable",
            str(script.obstacle.path),
            f"Asterisk cannot start {script.path.name}: {script.obstacle.why}",
            "install where the user that runs Asterisk may read and run it; mend owner and mode",
        )
    elif script.interpreter_obstacle:
        yield Ailment(
            "script-without-interpreter",
            str(script.path),
            f"is run by {script.interpreter}: "
            f"{script.interpreter_obstacle.path} {script.interpreter_obstacle.why}",
            "install the package anew, where the user that runs Asterisk may read it",
        )
    elif script.interpreter is None:
        yield Unseen(f"what {script.path} is run by: its first line does not say")
