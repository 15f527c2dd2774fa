"""The clock of the server, of the script and of Asterisk is set back while calls go on."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.integration.conftest import asterisk_or_skip

from .clock import movable, set_back
from .ground import Ground
from .inject import inject


def test_a_clock_that_is_set_back_changes_no_call(tmp_path: Path) -> None:
    installation = asterisk_or_skip("22")
    clock = tmp_path / "clock"
    with ExitStack() as running:
        running.enter_context(movable(clock))
        ground = Ground(tmp_path / "ground", installation, running, lines=4, packets=25)
        verdict = inject(ground, set_back(clock))
        assert not verdict.problems, f"{verdict}\n" + "\n".join(verdict.problems)
        assert verdict.told == verdict.calls
        assert ground.verified() == []
