"""How long a caller hears nothing because of us, by the clock of whoever asks."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from callcentre_disclosure.asterisk.agi_driver import AgiDriver
from callcentre_disclosure.asterisk.facts import VARIABLES
from callcentre_disclosure.asterisk.silence import Silence
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.session import disclose

INTRODUCTION = b"agi_uniqueid: 1.1\nagi_channel: PJSIP/t-00000001\nagi_dnid: 0184880001\n\n"


def test_a_call_without_a_sound_has_no_end_of_one() -> None:
    silence = Silence(1.0)
    silence.answered(2.0)
    assert (silence.before, silence.after(9.0)) == (None, None)


def test_only_the_first_sound_and_the_last_count() -> None:
    silence = Silence(1.0)
    silence.answered(2.0)
    silence.broken(2.5, 4.0)
    silence.answered(4.1)  # every sound is preceded by an answer, which does nothing then
    silence.broken(5.0, 6.0)
    assert (silence.before, silence.after(6.25)) == (0.5, 0.25)


@pytest.mark.parametrize(("state", "before"), [("Ring", 0.0), ("Up", 0.5)])
def test_what_a_driver_makes_of_it(directory: Directory, state: str, before: float) -> None:
    """Asterisk takes 0.3 s to tell of the call, and 0.2 s to answer it."""
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
    driver = AgiDriver(
        lambda call: disclose(call, directory, disclosure_id="1", received_at=moment), "agi", 10.0
    )
    told = "|".join(state if name == "CHANNEL(state)" else "" for name in VARIABLES)
    driver.receive(INTRODUCTION, 10.0)
    assert driver.receive(f"200 result=1 ({told})\n".encode(), 10.3) == b"ANSWER\n"
    assert b"STREAM" in driver.receive(b"200 result=0\n", 10.5)
    assert b"MSet" in driver.receive(b"200 result=0 endpos=160000\n", 20.5)
    driver.receive(b"200 result=0\n", 20.625)
    assert driver.done
    assert driver.silence.before == pytest.approx(before)
    assert driver.silence.after(20.75) == pytest.approx(0.25)


def test_a_sound_that_is_missing_breaks_no_silence(directory: Directory) -> None:
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
    driver = AgiDriver(
        lambda call: disclose(call, directory, disclosure_id="1", received_at=moment), "agi", 10.0
    )
    driver.receive(INTRODUCTION, 10.0)
    for reply in ("1 (|)", "0", "-1 endpos=0", "6", "0", "-1 endpos=0", "6", "0"):
        driver.receive(f"200 result={reply}\n".encode(), 10.5)
    assert driver.done
    assert driver.silence.before is None
