from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.testing import installation
from callcentre_disclosure.testing.installation import AsteriskUnavailable, system


def test_the_machines_own_asterisk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "sbin" / "asterisk"
    modules = tmp_path / "lib" / "x86_64-linux-gnu" / "asterisk" / "modules"
    data = tmp_path / "share" / "asterisk"
    for folder in (program.parent, modules, data / "documentation"):
        folder.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho Asterisk certified/20.7-cert2\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    assert system() is None
    (modules / "res_agi.so").touch()
    found = system()
    assert found is not None
    assert (found.version, found.major) == ("20.7", 20)
    assert (found.command, found.modules, found.data) == ((str(program),), modules, data)


def test_a_cache_that_is_not_whole_is_said(tmp_path: Path) -> None:
    (tmp_path / "asterisk-22").mkdir()
    with pytest.raises(AsteriskUnavailable, match=r"asterisk-22: is no whole Asterisk; remove"):
        installation.obtain("22", tmp_path)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AsteriskUnavailable, match="set CALLCENTRE_DISCLOSURE_CACHE to a folder"):
        installation.obtain("22", tmp_path / "file" / "cache")
