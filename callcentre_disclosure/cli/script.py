"""``callcentre-disclosure-agi``: what Asterisk starts for a call.

Where a server of its configuration runs on this machine, that holds the session (``relay``). What
only a session in this process needs is imported where it begins.
"""

# ruff: noqa: E402
# A caller who hangs up while Python still starts must not end it: variables and evidence are
# still to be written. (Before this line only Asterisk can help: AGISIGHUP=no.)
import _signal  # type: ignore[import-not-found]

_signal.signal(_signal.SIGHUP, _signal.SIG_IGN)

import os

from callcentre_disclosure.asterisk import relay
from callcentre_disclosure.config.location import cache_folders, configuration_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def announce(config: "Path", opening: bytes = b"") -> None:
    """Announce one call on standard input and output, of which an ``opening`` has been read.

    Returns whatever happens: the dialplan goes on by DISCLOSURE_STATUS.
    """
    import logging
    import sys
    import time

    from callcentre_disclosure.asterisk.agi_script import run
    from callcentre_disclosure.service import Disclosure

    from .log import to_stderr

    log = logging.getLogger(__name__)
    to_stderr()
    if sys.stdin.isatty():
        log.warning("this is started by Asterisk; `callcentre-disclosure simulate` shows a call")
    try:
        disclosure = Disclosure.for_one_call(config)
        writer = run(disclosure.agi(time.monotonic()), disclosure.keep, opening=opening)
    except Exception:
        log.exception("the session failed; its call goes on in the dialplan")
        return
    if writer:
        os.close(0)
        os.close(1)  # that is what Asterisk waits for
        writer.join()


def main() -> None:
    """Entry point."""
    config = configuration_path()
    opening = b"" if os.isatty(0) else relay.hold(config, cache_folders(os.environ))
    if opening is None:
        os._exit(0)  # nothing is left to do, and Python would take its time for that
    from pathlib import Path

    announce(Path(config), opening)
