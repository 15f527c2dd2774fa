"""Other people's programs, run for as long as they may take."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any


def run(words: Sequence[str], time_limit: float, **streams: Any) -> int:
    """The status with which a program ends; what it writes to standard output is dropped.

    One that takes more than ``time_limit`` seconds is killed, with whatever it started. Raises
    ``OSError`` where it cannot be run, and ``subprocess.TimeoutExpired``.
    """
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True, **streams)
    try:
        return process.wait(time_limit)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
