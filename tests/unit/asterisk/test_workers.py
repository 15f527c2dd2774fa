"""The processes of a server, with nothing to serve."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from callcentre_disclosure.asterisk.workers import HEARTBEAT_SECONDS, Process, Workers


def in_a_process(run: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            run()
        os._exit(0)
    return pid


def heard(descriptor: int) -> bytes:
    assert select.select([descriptor], [], [], 10)[0], "nothing was said"
    return os.read(descriptor, 1)


def test_a_worker_that_begins_while_the_configuration_is_read_again_reads_it_too() -> None:
    ear, mouth = os.pipe()
    gate, opener = os.pipe()

    def say(what: bytes, *_: object) -> None:
        os.write(mouth, what)

    def serve(heartbeat: int) -> None:
        say(b"b")
        os.read(gate, 1)
        signal.signal(signal.SIGHUP, partial(say, b"w"))
        with suppress(BrokenPipeError):
            while True:
                os.write(heartbeat, b".")
                time.sleep(HEARTBEAT_SECONDS)

    parent = in_a_process(Workers(Process(serve), 1, partial(say, b"p")).run)
    try:
        assert heard(ear) == b"b"
        os.kill(parent, signal.SIGHUP)
        assert heard(ear) == b"p"
        os.write(opener, b".")
        assert heard(ear) == b"w"
    finally:
        os.kill(parent, signal.SIGTERM)
        os.waitpid(parent, 0)
        for descriptor in (ear, mouth, gate, opener):
            os.close(descriptor)
