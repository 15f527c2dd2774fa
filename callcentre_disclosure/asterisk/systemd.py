"""What a service tells systemd about itself (sd_notify(3))."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def tell(state: str) -> None:
    """``READY=1``, ``WATCHDOG=1`` or ``STOPPING=1``, where systemd has started us to hear of it.

    Never blocks and never fails: what is told is told again soon, or nobody listens.
    """
    if address := os.environ.get("NOTIFY_SOCKET"):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
            telling.setblocking(False)
            name = "\0" + address[1:] if address[0] == "@" else address
            telling.sendto(state.encode(), name)
