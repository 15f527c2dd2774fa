"""The ledger under fire: the short form of ``make bench-ledger``."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks import ledger
from tests.postgresql import Server


def test_whoever_was_told_recorded_is_there_once_whenever_a_writer_is_killed(
    tmp_path: Path,
) -> None:
    seed = random.randrange(10**6)
    judged = ledger.killed(tmp_path, kills=500, writers=4, seed=seed)
    assert not judged.problems, f"seed {seed}"
    assert judged.told > judged.kills


def test_a_ledger_that_is_away_loses_nothing_and_holds_nobody(
    tmp_path: Path, postgresql: Server, postgresql_url: str
) -> None:
    judged = ledger.away(tmp_path, postgresql, postgresql_url, before=0.5, seconds=3.0, pace=0.005)
    assert not judged.problems
    assert len(judged.commits["away"]) > 10, "none of them waited for it"
