"""Many calls at once in the ARI event handler, of which most go wrong: the short form of
``make soak``, on a real Asterisk."""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks import soak
from tests.integration.conftest import asterisk_or_skip


def test_nobody_hears_an_agent_too_early_and_nothing_is_left(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    judged = soak.run(
        asterisk_or_skip("22"),
        tmp_path,
        lines=20,
        seconds=8.0,
        talk=3.0,
        cuts=1,
        restarts=0,
        seed=seed,
    )
    assert not judged.problems, f"seed {seed}\n{judged.table()}"
    assert judged.calls >= 20
    assert judged.connected
