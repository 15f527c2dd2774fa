"""What the channels and bridges of a fake Asterisk play."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from .fake_parts import Bridge, Channel, Playback, within
from .fake_switch import Switch


class Player:
    """Plays sounds and tones. While ``endless`` is true none ends by itself."""

    def __init__(self, switch: Switch, endless: Callable[[], bool]) -> None:
        self._switch = switch
        self._endless = endless
        self._loop = asyncio.get_running_loop()

    def play(self, target: Channel | Bridge, playback_id: str, media: list[str]) -> Playback:
        """Play sounds one after the other, when those before are over."""
        kind = "channel" if isinstance(target, Channel) else "bridge"
        language = target.call.language if isinstance(target, Channel) else "en"
        ending = self._loop.create_future()
        playback = Playback(playback_id, media, f"{kind}:{target.id}", language, ending)
        self._switch.playbacks[playback_id] = playback
        if isinstance(target, Channel):
            target.commands.put_nowait(lambda: self._play_to_channel(playback, target))
        else:
            target.playbacks.put_nowait(playback)
            if target.player is None:
                target.player = self._switch.spawn(self._play_to_bridge(target))
        return playback

    async def _play_to_channel(self, playback: Playback, channel: Channel) -> None:
        channel.playing = playback
        channel.ringing = channel.music = False
        self._switch.meet(channel.bridge)
        if channel.leaving:
            playback.end("failed")
        elif channel.state == "Ring":
            channel.call.open_early_media()
        await self._play(playback, channel.apps, [channel])
        channel.playing = None
        self._switch.meet(channel.bridge)

    async def _play_to_bridge(self, bridge: Bridge) -> None:
        while True:
            playback = await bridge.playbacks.get()
            await self._play(playback, bridge.apps, bridge.members)

    async def _play(
        self, playback: Playback, apps: Iterable[str], listeners: Iterable[Channel]
    ) -> None:
        ended = "done"
        for position in range(0 if playback.deleted else len(playback.media)):
            if position:
                self._tell_of(playback, "continuing", "PlaybackContinuing", apps)
                playback.position = position
            self._tell_of(playback, "playing", "PlaybackStarted", apps)
            ended = await self._sound(playback, list(listeners))
            if playback.ending.done():
                break
        self._tell_of(playback, ended, "PlaybackFinished", apps)
        if self._switch.playbacks.get(playback.id) is playback:
            del self._switch.playbacks[playback.id]

    async def _sound(self, playback: Playback, listeners: list[Channel]) -> str:
        kind, _, name = playback.media[playback.position].partition(":")
        if playback.ending.done():
            return playback.ending.result()
        if kind == "tone":
            for channel in listeners:
                channel.call.timeline.append("tone")
            return await playback.ending
        heard = [(channel, channel.call.sound(name)) for channel in listeners]
        seconds = min((sound.ends if sound else 0.0 for _, sound in heard), default=0.0)
        if not seconds:
            return "failed"
        for channel, sound in heard:
            assert sound is not None
            if sound.left is not None:
                self._loop.call_later(sound.left, self._switch.leave, channel)
            if sound.pressed is not None:
                key = channel.call.fault.press
                self._loop.call_later(sound.pressed, self._switch.press, channel, key)
        ended = await within(None if self._endless() else seconds, playback.ending)
        if ended is not None:
            return ended
        for channel, sound in heard:
            assert sound is not None
            channel.call.hear(sound.text)
        return "done"

    def stop(self, playback: Playback) -> None:
        """End a playback, or forget one that has not begun."""
        playback.deleted = True
        playback.end("done")

    def _tell_of(self, playback: Playback, state: str, event: str, apps: Iterable[str]) -> None:
        playback.state = state
        for app in tuple(apps):
            self._switch.tell_application(app, event, {"playback": playback.described()})
