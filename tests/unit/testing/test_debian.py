from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.testing import debian
from callcentre_disclosure.testing.debian import default_cache

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
    assert list(debian._sources(DEB822)) == [
        ("http://mirror.example/debian", "bookworm", ["main", "contrib"], "/keys/debian.gpg"),
        (
            "http://mirror.example/debian",
            "bookworm-updates",
            ["main", "contrib"],
            "/keys/debian.gpg",
        ),
        ("mirror+file:///etc/apt/mirrors/debian.list", "sid", ["main"], KEYRING),
    ]
    assert [source[:3] for source in debian._sources(ONE_LINE)] == [
        ("https://mirror.example/debian/", "bookworm", ["main", "non-free"]),
        ("http://security.example/debian-security", "bookworm-security", ["main"]),
    ]


def test_the_machines_release_counts_as_a_main_suite() -> None:
    suites = debian._main_suites('ID=debian\nVERSION_CODENAME="trixie"\n')
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
