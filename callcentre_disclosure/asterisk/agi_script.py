"""One AGI session on a pair of pipes: what Asterisk starts for ``AGI(callcentre-disclosure-agi)``.

Standard output belongs to Asterisk. A hangup comes as SIGHUP, which must not end the process: the
channel variables and the evidence of a call that was abandoned are still to be written.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Sequence

from callcentre_disclosure.disclosure.record import LedgerRecord

from .agi_driver import EVIDENCE_SECONDS, AgiDriver

_log = logging.getLogger(__name__)


def run(
    driver: AgiDriver,
    keep: Callable[[Sequence[LedgerRecord]], None],
    incoming: int = 0,
    outgoing: int = 1,
    opening: bytes = b"",
) -> threading.Thread | None:
    """Hold a session on two file descriptors and ``keep`` its evidence.

    ``opening`` is what somebody else has read of it already. A disk that does not answer is not
    waited for: the thread that still writes is returned.
    """
    earlier = signal.signal(signal.SIGHUP, lambda *_: driver.hang_up_seen())
    try:
        _converse(driver, incoming, outgoing, opening)
        return _conclude(driver, keep)
    finally:
        signal.signal(signal.SIGHUP, earlier)


def _converse(driver: AgiDriver, incoming: int, outgoing: int, opening: bytes) -> None:
    def receive(data: bytes) -> None:
        try:
            _write(outgoing, driver.receive(data, time.monotonic()))
        except ConnectionError:
            driver.receive(b"", time.monotonic())

    if opening:
        receive(opening)
    readable = select.poll()
    readable.register(incoming, select.POLLIN)
    while not driver.done:
        left = driver.deadline - time.monotonic()
        if readable.poll(max(0, left) * 1000):
            receive(_read(incoming))
        else:
            driver.deadline_passed(time.monotonic())


def _conclude(
    driver: AgiDriver, keep: Callable[[Sequence[LedgerRecord]], None]
) -> threading.Thread | None:
    for slip in driver.slips():
        _log.warning("%s", slip)
    if driver.record is None:
        return None
    writer = threading.Thread(target=keep, args=([driver.record],), daemon=True)
    writer.start()
    writer.join(EVIDENCE_SECONDS)
    if not writer.is_alive():
        return None
    _log.error("evidence not written within %s s; the call goes on", EVIDENCE_SECONDS)
    return writer


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except ConnectionError:  # of a socket; a pipe just ends
        return b""


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
