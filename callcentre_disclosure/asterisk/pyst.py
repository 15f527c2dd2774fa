"""One line in a script that is written with pyst2: the announcement, over its own connection.

pyst2's commands are not used, because they cannot carry a session: a hangup and a missing file are
one error, wrong usage on one line makes them read for ever, and a quote in an argument becomes a
second command (docs/dependencies.md). What is used is what its ``AGI`` object holds: what Asterisk
has said of the call, and the descriptors of its two streams. Nothing is lost in its buffers.
Asterisk answers one command by one reply, and when the last one was read they are empty; only the
line ``HANGUP`` of a socket may be there, and then our first command finds the channel dead.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.outcome import Disposition
from callcentre_disclosure.disclosure.record import LedgerRecord

from .agi import AsteriskSide
from .agi_driver import AgiDriver
from .agi_script import run
from .facts import KEYS


class Stream(Protocol):
    """A file: standard input and output, or those of a socket."""

    def fileno(self) -> int: ...
    def flush(self) -> object: ...


class Agi(Protocol):
    """pyst2's ``asterisk.agi.AGI``."""

    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def stdin(self) -> Stream: ...
    @property
    def stdout(self) -> Stream: ...


def disclose(
    agi: Agi,
    keys: Mapping[str, str | None],
    *,
    begin: Callable[[CallFacts], Session],
    keep: Callable[[Sequence[LedgerRecord]], None],
) -> LedgerRecord | None:
    """Announce a call; None where Asterisk had left before it said anything of it.

    Where the call is over for the script (the caller has left, nobody is to be connected, or the
    call goes on somewhere else) whoever handles SIGHUP is told. With pyst2's own handler the next
    command raises ``AGISIGHUPHangup``.
    """
    if unknown := keys.keys() - set(KEYS):
        raise TypeError(f"there is no {', '.join(sorted(unknown))}, known are {', '.join(KEYS)}")
    driver = AgiDriver(begin, "pyst2", time.monotonic(), os.uname().nodename)
    agi.stdout.flush()
    run(driver, keep, agi.stdin.fileno(), agi.stdout.fileno(), _opening(agi.env, keys))
    handler = signal.getsignal(signal.SIGHUP)
    if _is_over(driver) and callable(handler):
        handler(signal.SIGHUP, None)
    return driver.record


def _is_over(driver: AgiDriver) -> bool:
    ends = (Disposition.HANG_UP, Disposition.REDIRECT)
    return driver.gone or (driver.record is not None and driver.record.disposition in ends)


def _opening(env: Mapping[str, str], keys: Mapping[str, str | None]) -> bytes:
    """What Asterisk said first. The arguments in it are the script's, and none of ours."""
    if not env:
        return b""
    variables = {
        name.removeprefix("agi_"): value
        for name, value in env.items()
        if name.startswith("agi_") and not name.startswith(("agi_arg_", "agi_network_script"))
    }
    return AsteriskSide.environment(variables, tuple(_arguments(keys)))


def _arguments(keys: Mapping[str, str | None]) -> Iterator[str]:
    for key, value in keys.items():
        if value is not None:
            one_line = value.replace("\n", " ")  # a second one would be another variable
            yield f"{key}={one_line}"
