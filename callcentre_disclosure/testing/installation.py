"""An Asterisk to run, without being root and without touching the machine.

Debian 12 and 13 have no ``asterisk`` package, but Debian bullseye has Asterisk 16 and forky has 22.
``obtain`` has ``debian`` fetch and unpack one of them. Asterisk is run by its own dynamic loader,
and the AGI scripts it starts with the machine's Python and libraries.

About 80 MB are fetched and 300 MB kept, once for every version.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from callcentre_disclosure.errors import DisclosureError
from callcentre_disclosure.testing import debian

Version = Literal["16", "22"]

SUITES: Mapping[str, str] = {"16": "bullseye", "22": "forky"}
"""The Debian release that has this version of Asterisk."""


class AsteriskUnavailable(DisclosureError):
    """No Asterisk can be had on this machine: what failed, and what to do."""


@dataclass(frozen=True)
class Installation:
    """An Asterisk that can be run."""

    version: str
    """As it calls itself: ``22.10.1``."""
    command: tuple[str, ...]
    """What starts it, before its own arguments."""
    modules: Path
    """The folder of its ``.so`` modules."""
    data: Path
    """The folder that holds its ``documentation``, ``rest-api`` and ``sounds``."""

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def system() -> Installation | None:
    """The Asterisk that is installed on this machine, if one is. Its configuration is not read."""
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    program = shutil.which("asterisk", path=places)
    if program is None:
        return None
    prefix = Path(program).resolve().parent.parent
    folders = (
        found for lib in ("lib*", "lib*/*") for found in prefix.glob(f"{lib}/asterisk/modules")
    )
    modules = next((folder for folder in folders if (folder / "res_agi.so").exists()), None)
    homes = (prefix / "share/asterisk", Path("/usr/share/asterisk"), Path("/var/lib/asterisk"))
    data = next((home for home in homes if (home / "documentation").is_dir()), None)
    if modules is None or data is None:
        return None
    return Installation(_version((program,)), (program,), modules, data)


def obtain(version: Version, cache: Path | None = None) -> Installation:
    """Debian's Asterisk 16 or 22 from the cache, fetched into it where it is not there yet.

    Fetching takes about ten seconds and needs ``apt-get``, ``dpkg-deb`` and the machine's mirror;
    neither root nor an entry in the machine's configuration. Several processes may ask at once:
    one fetches, the others wait. What was interrupted leaves nothing that looks whole. A cache that
    has this version already need not be writable, so users can share one.

    Raises ``AsteriskUnavailable``.
    """
    home = (cache or debian.default_cache()).absolute() / f"asterisk-{version}"
    try:
        debian.unpacked(home, SUITES[version], ("asterisk", "asterisk-modules"), _installation)
        return _installation(home)
    except debian.PackagesUnavailable as error:
        raise AsteriskUnavailable(error.what, where=error.where, remedy=error.remedy) from error


def _installation(root: Path) -> Installation:
    """The Asterisk that was unpacked here."""
    agi = next(root.glob("usr/lib/**/asterisk/modules/res_agi.so"), None)
    program = root / "usr/sbin/asterisk"
    if agi is None or not program.is_file():
        raise AsteriskUnavailable(
            "is no whole Asterisk", where=str(root), remedy="remove this folder and try again"
        )
    command = (*debian.loader(root), str(program))
    return Installation(_version(command), command, agi.parent, root / "usr/share/asterisk")


def _version(command: tuple[str, ...]) -> str:
    said = debian.run(*command, "-V")
    found = re.search(r"Asterisk (?:certified/)?(\d+(?:\.\d+)*)", said)
    if found is None:
        raise AsteriskUnavailable(f"says {said.strip()!r} for its version", where=command[-1])
    return found[1]
