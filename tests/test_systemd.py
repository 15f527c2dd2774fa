"""The units of docs/systemd: systemd understands them, and they are as closed as we say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk import fastagi
from callcentre_disclosure.asterisk.stasis import server as stasis
from callcentre_disclosure.testing.debian import default_cache, loader, unpacked
from tests.call_centre import BIN

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "docs/systemd").glob("callcentre-disclosure-*.service"))


@pytest.fixture(scope="session")
def analyze() -> Sequence[str]:
    """``systemd-analyze`` of this machine, or Debian's."""
    if here := shutil.which("systemd-analyze"):
        return [here]
    home = unpacked(default_cache() / "systemd", "bookworm", ["systemd"], lambda _: None)
    load, option, libraries = loader(home)
    own = ":".join(str(folder) for folder in home.glob("usr/lib/*/systemd"))
    units = ":".join(str(folder) for folder in home.glob("**/lib/systemd/system"))
    program = str(home / "usr/bin/systemd-analyze")
    return ["env", f"SYSTEMD_UNIT_PATH=.:{units}", load, option, f"{libraries}:{own}", program]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units, for the programs of this installation and a user who is here."""
    shutil.copytree(ROOT / "docs/systemd", tmp_path, dirs_exist_ok=True)
    for file in (*tmp_path.glob("*.service"), *tmp_path.glob("*.d/*.conf")):
        text = file.read_text().replace("/opt/callcentre-disclosure/bin", str(BIN))
        file.write_text(text.replace("=asterisk\n", "=root\n"))
    return tmp_path


def said(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_understands_every_line(analyze: Sequence[str], installed: Path) -> None:
    units = sorted(file.name for file in installed.glob("callcentre-disclosure-*.*[er]"))
    assert len(units) == 4
    for unit in units:
        assert not said([*analyze, "verify", "--man=no", f"./{unit}"], installed), unit


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_they_are_as_closed_as_it_is_said(analyze: Sequence[str], unit: Path) -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = re.search(r"exposure level of \*\*(\d\.\d)\*\*", page)
    assert named
    shown = said(
        [*analyze, "--no-pager", "security", "--offline=true", f"./{unit.name}"], unit.parent
    )
    found = re.search(r"Overall exposure level for .*: (\d\.\d)", shown)
    assert found
    assert float(found[1]) <= float(named[1])


@pytest.mark.parametrize("seconds", [fastagi.DRAIN_SECONDS, stasis.DRAIN_SECONDS])
def test_systemd_waits_for_calls_to_end(seconds: float) -> None:
    for unit in UNITS:
        if waits := re.search(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE):
            assert int(waits[1]) > seconds + 10
