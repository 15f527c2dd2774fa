"""One AGI session on a pair of pipes: what Asterisk starts for ``AGI(callcentre-disclosure-agi)``.

Standard output belongs to Asterisk. A hangup comes as SIGHUP, which must not end the process: the
channel variables and the evidence of a call that was abandoned are still to be written.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable

from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.session import Session

from .agi_driver import AgiDriver


def run(begin: Callable[[CallFacts], Session], incoming: int = 0, outgoing: int = 1) -> AgiDriver:
    """Hold the conversation on two file descriptors; returns the driver when it is done."""
    driver = AgiDriver(begin, "agi", time.monotonic())
    signal.signal(signal.SIGHUP, lambda *_: driver.hang_up_seen())
    readable = select.poll()
    readable.register(incoming, select.POLLIN)
    while not driver.done:
        left = driver.deadline - time.monotonic()
        if not readable.poll(max(0, left) * 1000):
            driver.deadline_passed(time.monotonic())
            break
        try:
            _write(outgoing, driver.receive(os.read(incoming, 65536), time.monotonic()))
        except BrokenPipeError:
            driver.receive(b"", time.monotonic())
    return driver


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
