"""``callcentre-disclosure-agi``: what Asterisk starts for a call. It imports only what one needs."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from callcentre_disclosure.asterisk.agi_script import run
from callcentre_disclosure.service import Disclosure, configuration_path

from .log import to_stderr

_log = logging.getLogger(__name__)


def announce(config: Path) -> None:
    """Announce one call on standard input and output.

    Returns whatever happens: the dialplan goes on by DISCLOSURE_STATUS.
    """
    to_stderr()
    if sys.stdin.isatty():
        _log.warning("this is started by Asterisk; `callcentre-disclosure simulate` shows a call")
    disclosure = Disclosure.for_one_call(config)
    driver = run(disclosure.begin)
    if driver.fault:
        _log.error("%s", driver.fault)
    if driver.record:
        disclosure.keep(driver.record)


def main() -> None:
    """Entry point."""
    announce(configuration_path())
