from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.testing import installation
from callcentre_disclosure.testing.installation import AsteriskUnavailable, default_cache, system

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

DEB822 = """\
# the machine's own
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
# a comment
Components: main contrib
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: sid
Components:
 main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/other.gpg] https://mirror.example/debian/ bookworm main non-free
deb http://security.example/debian-security bookworm-security main
"""


def test_the_sources_of_either_format() -> None:
    assert list(installation._sources(DEB822)) == [
        ("http://mirror.example/debian", "bookworm", ["main", "contrib"], "/keys/debian.gpg"),
        (
            "http://mirror.example/debian",
            "bookworm-updates",
            ["main", "contrib"],
            "/keys/debian.gpg",
        ),
        ("mirror+file:///etc/apt/mirrors/debian.list", "sid", ["main"], KEYRING),
    ]
    assert [source[:3] for source in installation._sources(ONE_LINE)] == [
        ("https://mirror.example/debian/", "bookworm", ["main", "non-free"]),
        ("http://security.example/debian-security", "bookworm-security", ["main"]),
    ]


def test_the_machines_release_counts_as_a_main_suite() -> None:
    suites = installation._main_suites('ID=debian\nVERSION_CODENAME="trixie"\n')
    assert {"trixie", "bullseye", "forky", "stable"} <= suites
    assert "trixie-security" not in suites


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLCENTRE_DISCLOSURE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_cache() == Path("/home/someone/.cache/callcentre-disclosure")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert default_cache() == Path("/cache/callcentre-disclosure")
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CACHE", "/chosen")
    assert default_cache() == Path("/chosen")


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
