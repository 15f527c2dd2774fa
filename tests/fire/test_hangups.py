"""A caller who hangs up at each 10 ms of an announcement: each of them in the fake, some of them on
a real Asterisk; ``make fire`` does all of them there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from callcentre_disclosure import Disclosure
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.testing import FakeChannel, Fault
from tests.integration.conftest import asterisk_or_skip
from tests.integration.office import ROUTES, open_office

from .ground import Ground
from .hangups import SENTENCES, leave_at, leave_at_the_answer

#: The length of a sentence in packets of 20 ms.
_PACKETS = 25


def test_each_10_ms_of_the_announcement(tmp_path: Path) -> None:
    """In the fake's own time: what was played is known to the moment, and nobody goes on."""
    disclosure = Disclosure.from_file(open_office(tmp_path).path)
    sounds = disclosure.prompts()

    def call(fault: Fault | None) -> LedgerRecord:
        channel = FakeChannel(ROUTES["queue"].number, language="fr", sounds=sounds, fault=fault)
        driver = disclosure.agi(channel.now)
        channel.run(driver)
        assert driver.record is not None
        return driver.record

    (whole,) = call(None).playbacks
    for hundredth in range(1, round(whole.prompt.sound.seconds * 100)):
        record = call(Fault(hang_up_after=hundredth / 100))
        (playback,) = record.playbacks
        assert record.outcome is DisclosureOutcome.ABANDONED
        assert playback.report.played == pytest.approx(hundredth / 100, abs=0.001)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ExitStack() as running:
        folder = tmp_path_factory.mktemp("hangups")
        yield Ground(folder, asterisk_or_skip("22"), running, lines=8, packets=_PACKETS)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_on_a_real_asterisk(ground: Ground, sentence: str) -> None:
    moments = [hundredth / 100 for hundredth in range(0, 2 * _PACKETS + 5, 3)]
    left = leave_at(ground, sentence, moments)
    assert not left.problems, "\n".join(left.problems)
    assert left.calls == len(moments)
    assert left.whole < left.calls
    assert left.longest < 1.0


def test_in_the_moment_of_the_answer(ground: Ground) -> None:
    assert not leave_at_the_answer(ground, [step * 0.0002 for step in range(10)] * 8)
