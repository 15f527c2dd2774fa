"""The engines of a fleet, from Debian: HAProxy, nginx, dnsmasq and ``ip``, not installed."""

from __future__ import annotations

from pathlib import Path

from callcentre_disclosure.testing import debian

_SUITE = "bookworm"
_PACKAGES = ("haproxy", "nginx-light", "dnsmasq-base", "iproute2")
_PROGRAMS = {
    "haproxy": "usr/sbin/haproxy",
    "nginx": "usr/sbin/nginx",
    "dnsmasq": "usr/sbin/dnsmasq",
    "ip": "bin/ip",
}


class Programs:
    """Fetched once; 90 MB are kept. Raises ``PackagesUnavailable``."""

    def __init__(self, cache: Path | None = None) -> None:
        home = (cache or debian.default_cache()).absolute() / "fleet"
        self._root = debian.unpacked(home, _SUITE, _PACKAGES, _try_out)

    def __call__(self, name: str) -> tuple[str, ...]:
        """What starts one of them, before its own arguments."""
        return _command(self._root, name)


def _command(root: Path, name: str) -> tuple[str, ...]:
    return (*debian.loader(root), str(root / _PROGRAMS[name]))


def _try_out(root: Path) -> None:
    for name, option in (("haproxy", "-v"), ("nginx", "-v"), ("dnsmasq", "-v"), ("ip", "-V")):
        debian.run(*_command(root, name), option)
