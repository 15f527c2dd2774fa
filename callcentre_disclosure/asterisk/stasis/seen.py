"""What the events of one call have told so far. Pure: events in, state out.

Everybody who waits looks at this state rather than at single events, so it does not matter what
came first, twice, or not at all. Rules of Asterisk that it knows (16.28 and 22.10):

- A channel that entered by the dialplan says ``StasisEnd`` when it hangs up or leaves, and nothing
  after that. One that we made says ``ChannelDestroyed``, and never ``StasisStart`` if nobody
  answered it.
- A missing or empty sound begins and fails at once. A playback that was deleted ends as ``done``,
  like a whole one, and one that had to wait for its turn ends without having begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callcentre_disclosure.asterisk.ari.protocol import Event, part

#: The first argument with which a leg of ours enters the application; the second is its id, for
#: somebody else may pick it up.
OUR_LEG = "leg"


@dataclass
class Leg:
    """One party of the call, by the channel that stands for them.

    ``here``: it is in the application, where it can be asked for something. ``ended``: it hung up,
    or has left the application; ``hung_up`` tells which. ``cause`` is that of ITU-T Q.850.
    ``lost``: nobody saw how it ended. ``replaced``: another channel has taken the place of the
    first, and somebody else is there. ``unwanted``: we have released it, and whoever still takes
    its place is to be released, too.
    """

    id: str
    name: str = ""
    language: str | None = None
    is_up: bool = False
    here: bool = False
    ended: bool = False
    hung_up: bool = False
    cause: int = 0
    keys: str = ""
    lost: bool = False
    replaced: bool = False
    unwanted: bool = False


@dataclass
class Sound:
    """One playback. ``began`` and ``seconds`` are in seconds.

    ``lost``: it is over, and nobody knows how.
    """

    id: str
    leg: Leg
    began: float | None = None
    began_at: datetime | None = None
    seconds: float = 0.0
    state: str = ""
    stopped: bool = False
    lost: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing of it is to come."""
        return bool(self.state) or self.lost or self.leg.ended


class Seen:
    """The legs and the playbacks of a call; ``transferee`` is the channel of whom an agent has
    handed over to somebody whom they had called before."""

    def __init__(self) -> None:
        self.legs: dict[str, Leg] = {}
        self.sounds: dict[str, Sound] = {}
        self.transferee: Mapping[str, Any] | None = None

    def heed(self, event: Event) -> None:
        """Take note of an event."""
        if event.type in ("PlaybackStarted", "PlaybackFinished"):
            self._playback(event)
        elif event.type == "BridgeAttendedTransfer":
            self.transferee = part(event.body, "transferee") or None
        elif event.type == "StasisStart" and (old := place_taken(event)):
            self._replace(old, event.channel)
        elif leg := self.legs.get(event.channel_id):
            _channel(leg, event)

    def named(self, name: str) -> Leg | None:
        """The leg of a channel, by the name of that."""
        return next((leg for leg in self.legs.values() if leg.name == name), None)

    def _replace(self, old: str, channel: Mapping[str, Any]) -> None:
        """Another channel takes the place of one, and nothing that the old one still says is about
        this call any more."""
        if "id" in channel and (leg := self.legs.pop(old, None)):
            leg.id, leg.replaced, leg.here = str(channel["id"]), True, True
            leg.ended = leg.hung_up = False
            self.legs[leg.id] = leg
            look(leg, channel)

    def _playback(self, event: Event) -> None:
        playback = part(event.body, "playback")
        sound = self.sounds.get(str(playback.get("id", "")))
        if sound is None:
            return
        at = _moment(event)
        if event.type == "PlaybackStarted":
            sound.began, sound.began_at = event.received_at, at
            return
        state = str(playback.get("state", "failed"))
        if state == "done" and sound.began is None and not sound.stopped:
            sound.lost = True  # nobody heard of its beginning, so nobody knows how long it took
            return
        sound.state = state
        if sound.began is not None:
            # Asterisk's clock knows nothing of our delays, and ours nothing of its corrections.
            theirs = (at - sound.began_at).total_seconds() if at and sound.began_at else 0.0
            sound.seconds = max(event.received_at - sound.began, theirs)


def place_taken(event: Event) -> str:
    """The id of the channel whose place one takes that comes in (``StasisStart``); empty where it
    has its own. A transfer puts a Local channel in the place of the one that transfers (nobody
    leaves our bridges), a pickup that of whoever picked up."""
    if "replace_channel" in event.body:
        return str(part(event.body, "replace_channel").get("id", ""))
    match event.body.get("args"):
        case [word, str(leg)] if word == OUR_LEG and leg != event.channel_id:
            return leg
    return ""


def look(leg: Leg, channel: Mapping[str, Any]) -> None:
    """Take note of a channel as Asterisk describes it."""
    leg.name = str(channel.get("name", leg.name))
    leg.language = str(channel.get("language") or "") or leg.language
    leg.is_up = channel.get("state") == "Up"


def look_again(leg: Leg, channel: Mapping[str, Any]) -> None:
    """The same, after its events may have been lost: it may have come in, or have left."""
    look(leg, channel)
    is_here = part(channel, "dialplan").get("app_name") == "Stasis"
    leg.ended |= leg.here and not is_here
    leg.here = is_here


def _channel(leg: Leg, event: Event) -> None:
    look(leg, event.channel)
    match event.type:
        case "StasisStart":
            leg.here = True
        case "StasisEnd":
            leg.here, leg.ended = False, True
        case "ChannelHangupRequest":
            leg.hung_up = True
            leg.cause = _number(event.body.get("cause"))
        case "ChannelDestroyed":
            leg.here, leg.ended, leg.hung_up = False, True, True
            leg.cause = _number(event.body.get("cause"))
        case "ChannelDtmfReceived":
            leg.keys += str(event.body.get("digit", ""))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _moment(event: Event) -> datetime | None:
    """When Asterisk says that it was: ``2026-11-22T17:05:54.123+0000``."""
    told = event.body.get("timestamp")
    try:
        return datetime.strptime(str(told), "%Y-%m-%dT%H:%M:%S.%f%z") if told else None
    except ValueError:
        return None
