"""``callcentre-disclosure-agi``: what Asterisk starts for a call.

It imports only what a call needs.
"""

# ruff: noqa: E402
from __future__ import annotations

import signal

# A caller who hangs up while Python still starts must not end it: variables and evidence are
# still to be written. (Before this line only Asterisk can help: AGISIGHUP=no.)
signal.signal(signal.SIGHUP, signal.SIG_IGN)

import logging
import os
import sys
import time
from pathlib import Path

from callcentre_disclosure.asterisk.agi_script import run
from callcentre_disclosure.config.location import configuration_path
from callcentre_disclosure.service import Disclosure

from .log import to_stderr

_log = logging.getLogger(__name__)


def announce(config: Path) -> None:
    """Announce one call on standard input and output.

    Returns whatever happens: the dialplan goes on by DISCLOSURE_STATUS.
    """
    to_stderr()
    if sys.stdin.isatty():
        _log.warning("this is started by Asterisk; `callcentre-disclosure simulate` shows a call")
    try:
        disclosure = Disclosure.for_one_call(config)
        writer = run(disclosure.agi(time.monotonic()), disclosure.keep)
    except Exception:
        _log.exception("the session failed; its call goes on in the dialplan")
        return
    if writer:
        os.close(0)
        os.close(1)  # that is what Asterisk waits for
        writer.join()


def main() -> None:
    """Entry point."""
    announce(configuration_path())
