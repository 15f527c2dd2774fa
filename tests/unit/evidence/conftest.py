from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk.agi_driver import AgiDriver
from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.announcement import Prompt
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.numbers import Numbering
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import disclose
from callcentre_disclosure.testing import FakeChannel

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)

MakeRecord = Callable[..., LedgerRecord]


@pytest.fixture
def place(tmp_path: Path) -> LedgerPlace:
    """A ledger to be."""
    folder = tmp_path / "state"
    numbering = Numbering("33", "0")
    return LedgerPlace(str(folder / "evidence.sqlite"), str(folder / "evidence.key"), numbering)


@pytest.fixture
def record(directory: Directory, prompts: list[Prompt]) -> MakeRecord:
    """Makes the record of a call that was announced."""

    def make(
        disclosure_id: str, caller: str = "+33612345678", at: datetime = MOMENT
    ) -> LedgerRecord:
        channel = FakeChannel("0184880001", caller=caller, sounds=prompts)
        driver = AgiDriver(
            lambda call: disclose(call, directory, disclosure_id=disclosure_id, received_at=at),
            "agi",
            channel.now,
            "pbx",
        )
        channel.run(driver)
        assert driver.record is not None
        return driver.record

    return make
