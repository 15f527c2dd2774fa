"""Where the tests' PostgreSQL comes from: the machine, else Debian's packages, not installed."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from callcentre_disclosure.testing import debian

OLDEST = 13
"""The oldest version that we support. Debian bullseye has it."""

_BIN = f"usr/lib/postgresql/{OLDEST}/bin"
_NEEDED = ("initdb", "postgres")
_UNNEEDED = (
    "bin",
    "sbin",
    "usr/bin",
    "usr/sbin",
    "usr/share/i18n",
    "usr/lib/*/gconv",
    "usr/lib/*/perl*",
    "usr/lib/*/libLLVM*",
    "usr/lib/*/libz3*",
    "usr/lib/postgresql/*/lib/bitcode",
    "usr/lib/postgresql/*/lib/llvmjit*",
)
"""Two thirds of what comes along, the most of it for compiling queries, which it does without."""


def installed() -> Path | None:
    """The folder of this machine's ``initdb`` and ``postgres``, of the first that is new enough."""
    folders = [Path(folder) for folder in os.get_exec_path() if folder]
    for pattern in ("lib/postgresql/*/bin", "pgsql-*/bin", "local/pgsql/bin"):
        folders += sorted(Path("/usr").glob(pattern), reverse=True)
    for folder in folders:
        whole = all((folder / name).exists() for name in _NEEDED)
        if whole and for_everybody(folder) and version(folder) >= OLDEST:
            return folder
    return None


def fetched(cache: Path | None = None) -> Path:
    """The same of the oldest that we support, from Debian: fetched once, 90 MB are kept.

    Raises ``PackagesUnavailable``.
    """
    home = (cache or debian.default_cache()).absolute() / f"postgresql-{OLDEST}"
    return debian.unpacked(home, "bullseye", [f"postgresql-{OLDEST}"], _make_runnable) / _BIN


def copied(programs: Path, to: Path) -> Path:
    """What was ``fetched`` again, where any user can run it."""
    root = programs.parents[len(Path(_BIN).parents) - 1]
    shutil.copytree(root, to, symlinks=True)
    return to / _BIN


def version(folder: Path) -> int:
    """The major version of the ``postgres`` in this folder."""
    said = debian.run(str(folder / "postgres"), "--version")
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    assert found, said
    return int(found[1])


def for_everybody(folder: Path) -> bool:
    """Whether any user may run what is in here."""
    found = folder.resolve()
    return all(part.stat().st_mode & 0o001 for part in (found, *found.parents))


def _make_runnable(root: Path) -> None:
    """Has the programs run with the libraries they came with, wherever the root is moved to.

    They start one another by name, from the folder in which they are: what stands there under
    their names are scripts.
    """
    for found in (found for pattern in _UNNEEDED for found in root.glob(pattern)):
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()
    programs = root / _BIN
    loader, option, libraries = (part.replace(str(root), "$root") for part in debian.loader(root))
    for name in _NEEDED:
        (programs / name).rename(programs / f"{name}.bin")
        script = f'#!/bin/sh\nroot="${{0%/{_BIN}/{name}}}"\n'
        script += f'exec "{loader}" {option} "{libraries}" "$root/{_BIN}/{name}.bin" "$@"\n'
        (programs / name).write_text(script, encoding="utf-8")
        (programs / name).chmod(0o755)
    version(programs)
