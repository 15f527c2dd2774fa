"""Calls by the thousand for the FastAGI server, and nothing of them that stays: the short form of
what ``make fire`` does with 100,000."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.call_centre import CallCentre, Server
from tests.integration.office import ROUTES, open_office

from .leaks import PAGES, Leaks
from .storm import storm

DIALLED = ROUTES["queue"].number


@pytest.fixture
def centre(tmp_path: Path) -> CallCentre:
    return open_office(tmp_path)


def test_two_thousand_calls_arrive_at_once(centre: CallCentre, server: Server) -> None:
    came = asyncio.run(storm(server.port, DIALLED, sessions=2_000, at_once=2_000, seconds=2.0))
    assert came.statuses == {"DISCLOSED": 2_000}
    assert came.most_at_once == 2_000
    assert len(centre.evidence()) == 2_000


def test_nothing_of_a_session_stays(centre: CallCentre, server: Server) -> None:
    asyncio.run(storm(server.port, DIALLED, sessions=500, at_once=50))
    leaks = Leaks([server.process.pid, *server.workers(), *server.beside()])
    came = asyncio.run(storm(server.port, DIALLED, sessions=2_000, at_once=50))
    assert came.statuses == {"PARTIAL": 2_000}, "a sound that takes no time was not played"
    assert leaks.descriptors() == 0
    assert leaks.mebibytes() < PAGES + 2.0
    assert len(centre.evidence()) == 2_500
