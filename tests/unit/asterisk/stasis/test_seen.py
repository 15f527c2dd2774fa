"""What events tell of a call, in any order."""

from __future__ import annotations

from typing import Any

import pytest

from callcentre_disclosure.asterisk.ari.protocol import Event
from callcentre_disclosure.asterisk.stasis.seen import Leg, Seen, Sound


def event(kind: str, at: float = 0.0, **body: Any) -> Event:
    return Event(kind, {"type": kind, **body}, at)


def of_channel(kind: str, channel: str = "c", state: str = "Up", **body: Any) -> Event:
    return event(kind, channel={"id": channel, "name": f"PJSIP/{channel}", "state": state}, **body)


def of_playback(kind: str, at: float, state: str = "done", stamp: str | None = None) -> Event:
    playback = {"id": "s", "target_uri": "channel:c", "state": state}
    return event(kind, at, playback=playback, **({"timestamp": stamp} if stamp else {}))


@pytest.fixture
def seen() -> Seen:
    seen = Seen()
    seen.legs["c"] = Leg("c")
    seen.sounds["s"] = Sound("s", seen.legs["c"])
    return seen


def test_a_leg_that_is_answered_comes_in(seen: Seen) -> None:
    seen.heed(of_channel("ChannelStateChange", state="Ringing"))
    assert (seen.legs["c"].is_up, seen.legs["c"].here) == (False, False)
    seen.heed(of_channel("StasisStart"))
    assert (seen.legs["c"].is_up, seen.legs["c"].here) == (True, True)


def test_a_leg_that_nobody_answers_ends_with_its_cause(seen: Seen) -> None:
    seen.heed(of_channel("ChannelDestroyed", state="Ringing", cause=17))
    leg = seen.legs["c"]
    assert (leg.ended, leg.hung_up, leg.cause) == (True, True, 17)


def test_a_caller_who_leaves_has_not_hung_up(seen: Seen) -> None:
    seen.heed(of_channel("StasisEnd"))
    assert (seen.legs["c"].ended, seen.legs["c"].hung_up) == (True, False)


def test_what_others_do_is_not_noted(seen: Seen) -> None:
    seen.heed(of_channel("StasisEnd", channel="other"))
    seen.heed(event("ChannelDestroyed"))
    seen.heed(event("PlaybackFinished", playback="no object"))
    seen.heed(event("PlaybackFinished", playback={"id": "other"}))
    assert (seen.legs["c"].ended, seen.sounds["s"].over) == (False, False)


def test_keys_are_kept_in_order(seen: Seen) -> None:
    for digit in "12#":
        seen.heed(of_channel("ChannelDtmfReceived", digit=digit))
    assert seen.legs["c"].keys == "12#"


@pytest.mark.parametrize(
    ("stamps", "seconds"),
    [
        ((None, None), 1.2),
        (("2026-11-22T17:00:00.000+0000", "2026-11-22T17:00:01.500+0000"), 1.5),
        (("2026-11-22T17:00:00.000+0000", "2026-11-22T16:00:01.500+0000"), 1.2),
        (("nonsense", "2026-11-22T17:00:01.500+0000"), 1.2),
    ],
    ids=["our clock", "theirs, when we were late", "ours, when theirs was set back", "nonsense"],
)
def test_how_long_a_sound_took(
    seen: Seen, stamps: tuple[str | None, str | None], seconds: float
) -> None:
    seen.heed(of_playback("PlaybackStarted", 10.0, "playing", stamps[0]))
    assert not seen.sounds["s"].over
    seen.heed(of_playback("PlaybackFinished", 11.2, "done", stamps[1]))
    assert seen.sounds["s"].state == "done"
    assert seen.sounds["s"].seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("state", "stopped", "lost"),
    [("done", False, True), ("done", True, False), ("failed", False, False)],
    ids=["its beginning was missed", "it was stopped in the queue", "it cannot be played"],
)
def test_a_sound_that_nobody_heard_begin(seen: Seen, state: str, stopped: bool, lost: bool) -> None:
    sound = seen.sounds["s"]
    sound.stopped = stopped
    seen.heed(of_playback("PlaybackFinished", 11.2, state))
    assert (sound.over, sound.lost, sound.seconds) == (True, lost, 0.0)


def test_a_sound_is_over_with_its_leg(seen: Seen) -> None:
    seen.heed(of_channel("StasisEnd"))
    assert seen.sounds["s"].over


def test_a_transfer_puts_another_channel_in_the_place_of_a_leg(seen: Seen) -> None:
    leg = seen.legs["c"]
    seen.heed(of_channel("StasisStart", channel="local", replace_channel={"id": "c"}))
    assert (leg.id, leg.name, leg.replaced, leg.here) == ("local", "PJSIP/local", True, True)
    seen.heed(of_channel("StasisEnd", channel="c"))
    assert not leg.ended, "the channel that transferred is none of ours any more"
    seen.heed(of_channel("StasisEnd", channel="local"))
    assert leg.ended


def test_who_is_handed_over(seen: Seen) -> None:
    seen.heed(event("BridgeAttendedTransfer", transferee={"id": "caller"}))
    assert seen.transferee == {"id": "caller"}


@pytest.mark.parametrize("first", ["who picks up", "who was called"])
def test_somebody_who_picks_up_takes_the_place_of_a_leg(seen: Seen, first: str) -> None:
    leg = seen.legs["c"]
    told = [
        of_channel("StasisStart", channel="picker", args=["leg", "c"]),
        of_channel("ChannelDestroyed", channel="c", cause=26),
    ]
    for one in told if first == "who picks up" else reversed(told):
        seen.heed(one)
    assert (leg.id, leg.name, leg.here, leg.ended) == ("picker", "PJSIP/picker", True, False)
    seen.heed(of_channel("StasisStart", channel="x", args=["leg", "unknown"]))
    assert set(seen.legs) == {"picker"}
