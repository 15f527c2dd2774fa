"""What stands between strangers and the calls of a server that anybody can connect to."""

from __future__ import annotations

import logging
import resource
import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias

#: Connections that are accepted between two looks at anything else.
ACCEPTED_AT_ONCE = 64
#: File descriptors that are left for everything but calls.
SPARE_DESCRIPTORS = 64 + ACCEPTED_AT_ONCE
#: What a stranger can have us log again and again is logged so often in so many seconds.
COMPLAINTS, COMPLAINT_SECONDS = 20, 10.0

Network: TypeAlias = "IPv4Network | IPv6Network"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Guard:
    """Who may connect: anybody where ``allowed`` is empty. ``calls`` may be held at once."""

    allowed: tuple[Network, ...] = ()
    calls: int = 4000

    def admits(self, host: str) -> bool:
        """Whether a peer may connect."""
        return not self.allowed or _is_within(host, self.allowed)


ANYBODY = Guard()


@lru_cache(maxsize=1024)
def _is_within(host: str, networks: tuple[Network, ...]) -> bool:
    address = ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


def make_room(calls: int) -> int:
    """Let this process and its children have a file descriptor for each of so many calls; returns
    how many there can be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = calls + SPARE_DESCRIPTORS
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(calls, soft - SPARE_DESCRIPTORS))


class Complaints:
    """A log of what a stranger can have us say again and again."""

    def __init__(self) -> None:
        self._until = 0.0
        self._said = 0

    def add(self, what: str) -> None:
        """Log it, unless too much was logged already; how much was not is said later."""
        now = time.monotonic()
        if now >= self._until:
            if self._said > COMPLAINTS:
                _log.warning("%d more like these were not logged", self._said - COMPLAINTS)
            self._until, self._said = now + COMPLAINT_SECONDS, 0
        self._said += 1
        if self._said <= COMPLAINTS:
            _log.warning("%s", what)
