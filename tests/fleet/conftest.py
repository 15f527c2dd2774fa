"""One fleet for all tests of it. Where it cannot be had they are skipped, and the summary says so;
with ``CI`` in the environment they fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from callcentre_disclosure.testing.debian import PackagesUnavailable
from tests.integration.conftest import asterisk_or_skip

from .fleet import Fleet
from .machines import NoNamespaces

_unavailable: list[str] = []


@pytest.fixture(scope="session")
def whole_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with ExitStack() as running:
        try:
            installation = asterisk_or_skip("22")
            fleet = Fleet(tmp_path_factory.mktemp("fleet"), installation, running)
        except (NoNamespaces, PackagesUnavailable) as problem:
            if os.environ.get("CI"):
                raise
            _unavailable.append(str(problem))
            pytest.skip(str(problem))
        yield fleet


@pytest.fixture
def fleet(whole_fleet: Fleet) -> Iterator[Fleet]:
    """All of it, as it was at the beginning."""
    yield whole_fleet
    whole_fleet.mend()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unavailable:
        terminalreporter.section("NOT TESTED ON SEVERAL MACHINES", sep="!", red=True, bold=True)
        terminalreporter.write_line("\n".join(dict.fromkeys(_unavailable)))
