"""Real Asterisk, 16 and 22, and telephones: for every integration test.

Where an Asterisk cannot be had, its tests are skipped and the summary says so in capitals; with
``CI`` in the environment they fail, for there nobody reads summaries.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from callcentre_disclosure.testing.installation import (
    AsteriskUnavailable,
    Installation,
    Version,
    obtain,
)
from callcentre_disclosure.testing.private_asterisk import PrivateAsterisk
from callcentre_disclosure.testing.recording import Recording
from callcentre_disclosure.testing.sip import Phone
from callcentre_disclosure.testing.sounds import sentence

AGENT_HZ = 1000
"""What agents say in these tests."""

_unavailable: dict[str, str] = {}


class RunAsterisk(Protocol):
    """Starts an Asterisk with this dialplan for the rest of the test."""

    def __call__(self, extensions: str, **options: Any) -> PrivateAsterisk: ...


@pytest.fixture(scope="session", params=["16", "22"], ids=lambda version: f"asterisk{version}")
def asterisk_version(request: pytest.FixtureRequest) -> Version:
    version: Version = request.param
    return version


@pytest.fixture(scope="session")
def installation(asterisk_version: Version) -> Installation:
    return asterisk_or_skip(asterisk_version)


def asterisk_or_skip(version: Version) -> Installation:
    try:
        if version not in _unavailable:
            return obtain(version)
    except AsteriskUnavailable as error:
        _unavailable[version] = error.explain()
    why = f"Asterisk {version}: {_unavailable[version]}"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def run_asterisk(installation: Installation, tmp_path: Path) -> Iterator[RunAsterisk]:
    with ExitStack() as running:

        def run(extensions: str, **options: Any) -> PrivateAsterisk:
            directory = tmp_path / "asterisk"
            asterisk = PrivateAsterisk(installation, directory, extensions=extensions, **options)
            return running.enter_context(asterisk)

        yield run


@pytest.fixture
def caller() -> Iterator[Phone]:
    with Phone("127.0.0.2", number="+33612345678") as phone:
        yield phone


@pytest.fixture
def agent() -> Iterator[Phone]:
    """Amina: answers after 0.3 s of ringing and says a tone of ``AGENT_HZ``."""
    with Phone(number="amina", answer_after=0.3, play=AGENT_HZ) as phone:
        yield phone


@pytest.fixture
def wav(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a sound file that stands for a sentence."""

    def make(text: str) -> Path:
        path = tmp_path / f"{abs(hash(text))}.wav"
        Recording(sentence(text)).save(path)
        return path

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what Asterisk logged."""
    report = yield
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    log = folder / "asterisk/log/full" if isinstance(folder, Path) else Path()
    if report.failed and log.is_file():
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        report.sections.append(("Asterisk", "\n".join(lines[-120:])))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unavailable:
        terminalreporter.section("NOT TESTED ON A REAL ASTERISK", sep="!", red=True, bold=True)
        for version, why in _unavailable.items():
            terminalreporter.write_line(f"Asterisk {version}: {why}")
