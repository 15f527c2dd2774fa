"""A real browser for the tests: the machine's Chromium, else Debian's, unpacked and not installed.

It is run by the machine's own dynamic loader, for it starts itself again under other names. So it
comes from the same release of Debian, with its libraries but without a C library of its own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from callcentre_disclosure.testing import debian

_LIBC = (
    "ld-linux*",
    "libBrokenLocale.so*",
    "libanl.so*",
    "libc.so*",
    "libc_malloc_debug.so*",
    "libdl.so*",
    "libm.so*",
    "libmvec.so*",
    "libnsl.so*",
    "libnss_*",
    "libpthread.so*",
    "libresolv.so*",
    "librt.so*",
    "libthread_db.so*",
    "libutil.so*",
)
_START = """\
#!/bin/sh
root="${{0%/chromium}}"
export XDG_DATA_HOME="$root/usr/share" FONTCONFIG_PATH="$root/etc/fonts"
export LD_LIBRARY_PATH="$root/usr/lib/{machine}:$root/lib/{machine}"
exec "$root/usr/lib/chromium/chromium" "$@"
"""


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    program = installed() or fetched()
    # Chromium's own sandbox wants what containers and root do not have; it reads our pages only.
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


def installed() -> Path | None:
    """The Chromium of this machine."""
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    return next(map(Path, found), None)


def fetched(cache: Path | None = None) -> Path:
    """The one of this machine's Debian release: fetched once, in half a minute, 700 MB are kept.

    Raises ``PackagesUnavailable``.
    """
    home = (cache or debian.default_cache()).absolute() / f"chromium-{_release()}"
    packages = ("chromium", "fonts-dejavu-core", "fontconfig-config")
    return debian.unpacked(home, _release(), packages, _make_runnable) / "chromium"


def _release() -> str:
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    found = re.search(r'(?m)^VERSION_CODENAME="?(\w+)', text)
    if not re.search(r"(?m)^ID=debian$", text) or found is None:
        raise debian.PackagesUnavailable(
            "there is no chromium, and none can be fetched where there is no Debian",
            remedy="install chromium",
        )
    return found[1]


def _make_runnable(root: Path) -> None:
    machine = next(root.glob("usr/lib/*-linux-gnu*")).name
    for folder in (root / "usr/lib" / machine, root / "lib" / machine):
        for found in (found for name in _LIBC for found in folder.glob(name)):
            found.unlink()
    start = root / "chromium"
    start.write_text(_START.format(machine=machine), encoding="utf-8")
    start.chmod(0o755)
    debian.run(os.fspath(start), "--version")
