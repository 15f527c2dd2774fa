"""Runs a command of ours as a user types it, in this process."""

from __future__ import annotations

import inspect
from typing import Any

from click.testing import CliRunner, Result

from callcentre_disclosure.cli.main import commands

#: click 8.1, which gTTS wants, keeps the outputs apart when it is told to; 8.2 always does.
_APART: dict[str, Any] = (
    {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
)


def run(*arguments: object) -> Result:
    return CliRunner(**_APART).invoke(commands, [str(argument) for argument in arguments])
