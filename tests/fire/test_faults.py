"""Each fault once, on a real Asterisk, while calls go on: the short form of ``make fire``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.conftest import asterisk_or_skip

from .faults import FAULTS, FILES_LIMITED, ON_A_DISK, Fault, may_mount, small_disk
from .ground import Ground
from .inject import inject

MAY_MOUNT = may_mount()
#: A disk for the ledger of the few calls of these tests, in MB.
_DISK = 8


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("fire")
    with ExitStack() as running:
        if MAY_MOUNT:
            running.enter_context(small_disk(folder / "ledger", _DISK))
        yield Ground(folder, asterisk_or_skip("22"), running, lines=8, packets=25)


@pytest.mark.parametrize(
    "fault", [*FAULTS, *(() if MAY_MOUNT else (FILES_LIMITED,))], ids=lambda fault: fault.name
)
def test_nobody_is_lost(ground: Ground, fault: Fault) -> None:
    verdict = inject(ground, fault)
    assert not verdict.problems, f"{verdict}\n" + "\n".join(verdict.problems)
    assert verdict.told


@pytest.mark.skipif(not MAY_MOUNT, reason="MOUNTING A SMALL DISK NEEDS ROOT")
@pytest.mark.parametrize("fault", ON_A_DISK, ids=lambda fault: fault.name)
def test_nobody_is_lost_on_a_bad_disk(ground: Ground, fault: Fault) -> None:
    verdict = inject(ground, fault)
    assert not verdict.problems, f"{verdict}\n" + "\n".join(verdict.problems)
    assert verdict.logged, "the log names each record that is not written"
