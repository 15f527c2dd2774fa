"""``callcentre-disclosure-agi``: one AGI session on standard input and output.

``main`` is what Asterisk starts for every call, so this module imports only what a call needs.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from callcentre_disclosure.asterisk.agi_script import run
from callcentre_disclosure.service import Disclosure, configuration_path

from .log import to_stderr

if TYPE_CHECKING:
    import click

_log = logging.getLogger(__name__)


def main() -> None:
    """Announce one call. Exits 0 whatever happens: the dialplan goes on by DISCLOSURE_STATUS."""
    to_stderr()
    if sys.stdin.isatty():
        _log.warning("this is started by Asterisk; `callcentre-disclosure simulate` shows a call")
    disclosure = Disclosure.for_one_call(configuration_path())
    driver = run(disclosure.begin)
    if driver.fault:
        _log.error("%s", driver.fault)
    if driver.record:
        disclosure.keep(driver.record)


def __getattr__(name: str) -> click.Command:
    if name != "command":
        raise AttributeError(name)
    import click

    return click.command("agi", help="Hold one AGI session on standard input and output.")(main)
