"""A session over ARI: what it asks for is carried out on the channel of whoever is told.

ARI says that a playback is over, not how far it came. So a sound was played to its end when
Asterisk says that this very playback is ``done``, nobody stopped it, and it took as long as it
lasts. Where the connection broke meanwhile nobody can know that, and it is played again from its
beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from callcentre_disclosure.asterisk import facts
from callcentre_disclosure.asterisk.ari.protocol import Response
from callcentre_disclosure.asterisk.silence import Silence
from callcentre_disclosure.disclosure.announcement import Sound
from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import (
    Answer,
    Ask,
    Command,
    FindChannel,
    FindExtension,
    HangUp,
    Play,
    Progress,
    Redirect,
    Release,
    Report,
    SendText,
    Session,
    SetVariables,
)
from callcentre_disclosure.disclosure.outcome import TIME_TOLERANCE, Ending, PlaybackReport
from callcentre_disclosure.disclosure.record import LedgerRecord

from . import seen
from .line import UNREACHABLE, Line
from .seen import Leg

#: How long Asterisk may take beyond the time of a sound itself, in seconds.
REPLY_SECONDS = 5.0
#: How long the event of a hangup may be on its way, in seconds.
_HANGUP_SECONDS = 0.2
#: Where a text message goes, and from which number.
_TEXT_VARIABLES = (
    "CHANNEL(endpoint)",
    "CHANNEL(pjsip,target_uri)",
    "CALLERID(dnid)",
    "PJSIP_HEADER(read,Allow)",
)
#: How often a sound is played again whose end was lost with the connection.
_REPEATS = 2
#: Causes of ITU-T Q.850 by ARI's names. Numbers (``reason_code``) are taken since 16.30 and 18.16
#: only, and passed over before.
_REASONS = {16: "normal", 17: "busy", 21: "rejected", 34: "congestion"}


class Teller:
    """Tells ``leg`` what the sessions say. ``variables`` are those that were set on the way,
    ``silence`` is what was heard of the session that is held, or was last."""

    def __init__(self, line: Line, leg: Leg, begin: Callable[[CallFacts], Session]) -> None:
        self.variables: dict[str, str] = {}
        self._clock = asyncio.get_running_loop().time
        self.silence = Silence(self._clock())
        self._line = line
        self._leg = leg
        self._begin = begin
        self._keys_heard = 0

    async def tell(self, call: CallFacts) -> LedgerRecord:
        """Hold one session."""
        self.silence = Silence(self._clock())
        session = self._begin(call)
        command = next(session)
        while True:
            report = await self._carry_out(command)
            try:
                command = session.send(report)
            except StopIteration as stop:
                record: LedgerRecord = stop.value
                return record

    async def _carry_out(self, command: Command) -> Report:
        match command:
            case Answer():
                return None if self._leg.is_up else await self._answer()
            case Progress():
                return None  # the first sound opens the early media of a call that rings
            case SendText(text):
                return await self._send_text(" ".join(text.split()))
            case Play(prompt, key):
                return await self._heard(self._play(prompt.sound, key))
            case Ask(prompt, seconds):
                return await self._heard(self._ask(prompt.sound, seconds))
            case FindChannel(name) if leg := self._line.seen.named(name):
                await self._line.catch_up()
                return PlaybackReport(Ending.REFUSED) if leg.ended else None
            case FindExtension() | FindChannel():
                return await self._find(command)
            case SetVariables(variables):
                return await self.set(variables)
            case Redirect(context, extension, priority, ""):
                where = {"context": context, "extension": extension, "priority": str(priority)}
                return self._left(await self._do("POST", "continue", query=where))
            case Redirect() | Release():
                return PlaybackReport(Ending.REFUSED)  # a queue's agents are in no application
            case HangUp(cause):
                reason = {"reason": _REASONS.get(cause, "normal")}
                ended = await self._line.ask("DELETE", "channels", self._leg.id, query=reason)
                return self._left(self._why(ended))

    async def _answer(self) -> PlaybackReport | None:
        failed = await self._do("POST", "answer")
        self.silence.answered(self._clock())
        return failed

    async def _heard(self, playing: Awaitable[PlaybackReport]) -> PlaybackReport:
        began = self._clock()
        report = await playing
        if report.played:
            self.silence.broken(began, self._clock())
        return report

    def _left(self, failed: PlaybackReport | None) -> PlaybackReport | None:
        """Whoever was sent away is nobody's to send anywhere else, although Asterisk 16 may take
        200 ms to let them go."""
        self._leg.ended |= failed is None
        return failed

    async def _do(
        self, method: str, what: str, query: Mapping[str, str] | None = None
    ) -> PlaybackReport | None:
        response = await self._line.ask(method, "channels", self._leg.id, what, query=query)
        if response.status == 500:  # an answer that met a hangup, of which we shall hear
            await self._line.until(lambda: self._leg.ended, _HANGUP_SECONDS)
        return self._why(response)

    def _why(self, response: Response) -> PlaybackReport | None:
        """Why something was not done; None where it was."""
        if response.ok:
            return None
        if response is UNREACHABLE:
            return PlaybackReport(Ending.LOST)
        gone = response.gone or self._leg.ended
        return PlaybackReport(Ending.HANGUP if gone else Ending.REFUSED)

    async def set(self, variables: Mapping[str, str]) -> PlaybackReport | None:
        """Set channel variables."""
        for name, value in variables.items():
            self.variables[name.lstrip("_")] = value
        asked = [
            self._line.ask(
                "POST",
                *("channels", self._leg.id, "variable"),
                body={"variable": name, "value": value},
            )
            for name, value in variables.items()
        ]
        failures = [self._why(response) for response in await asyncio.gather(*asked)]
        return next(filter(None, failures), None)

    async def _find(self, command: FindExtension | FindChannel) -> PlaybackReport | None:
        asked = facts.question(command)
        if asked is None:
            return PlaybackReport(Ending.LOST)
        expression, yes = asked
        wanted = {"variable": f"EVAL({expression})"}
        response = await self._line.ask("GET", "channels", self._leg.id, "variable", query=wanted)
        if failed := self._why(response):
            return failed
        return None if response.body.get("value") in yes else PlaybackReport(Ending.REFUSED)

    async def _send_text(self, text: str) -> PlaybackReport | None:
        """To the telephone that has called, next to the call: ARI cannot send it in the call. Only
        to who says that they take messages (the Allow header of their INVITE).

        The address is told in full, for without one Asterisk 22.10 crashes where it knows none.
        """
        if not self._leg.name.startswith("PJSIP/"):
            return PlaybackReport(Ending.REFUSED)
        wanted = "|".join(f"${{{name}}}" for name in _TEXT_VARIABLES)
        told = await self._line.ask(
            "GET", "channels", self._leg.id, "variable", query={"variable": f"EVAL({wanted})"}
        )
        if failed := self._why(told):
            return failed
        endpoint, uri, number, allow = told.body.get("value", "|||").split("|", 3)
        if "MESSAGE" not in allow or not uri.startswith(("sip:", "sips:")):
            return PlaybackReport(Ending.REFUSED)
        message = {"to": f"pjsip:{endpoint}/{uri}", "from": number or endpoint, "body": text}
        return self._why(await self._line.ask("PUT", "endpoints", "sendMessage", query=message))

    def _key(self) -> str:
        """The first key that was pressed since the last question."""
        return self._leg.keys[self._keys_heard : self._keys_heard + 1]

    async def _play(self, sound: Sound, key: str) -> PlaybackReport:
        report = await self._stream(sound, "")
        pressed = self._leg.keys[self._keys_heard :]
        self._keys_heard = len(self._leg.keys)
        digit = key if key and key in pressed else ""
        return PlaybackReport(report.ending, report.played, report.elapsed, digit)

    async def _ask(self, sound: Sound, seconds: float) -> PlaybackReport:
        self._keys_heard = len(self._leg.keys)
        report = await self._stream(sound, "any")
        if report.ending is not Ending.FINISHED:
            return report
        begun = self._clock()
        await self._line.until(lambda: bool(self._key()) or self._leg.ended, seconds)
        elapsed = report.elapsed + self._clock() - begun
        ending = Ending.HANGUP if self._leg.ended else Ending.FINISHED
        return PlaybackReport(ending, report.played, elapsed, self._key())

    async def _stream(self, sound: Sound, keys: str) -> PlaybackReport:
        """Play a sound until its end or, with ``keys``, until one is pressed."""
        report = await self._streamed(sound, keys)
        for _ in range(_REPEATS):
            if report is not None:
                break
            report = await self._streamed(sound, keys)
        return report or PlaybackReport(Ending.LOST)

    async def _streamed(self, sound: Sound, keys: str) -> PlaybackReport | None:
        """The same; None where its end was lost with the connection."""
        playback, response = await self._line.play(self._leg, f"sound:{sound.path}")
        if not response.ok and response is not UNREACHABLE:
            return self._why(response)

        def is_over() -> bool:
            return playback.over or bool(keys and self._key())

        over = await self._line.until(is_over, sound.seconds + REPLY_SECONDS)
        digit = self._key() if keys else ""
        if not playback.over:  # for a key, or because it does not end
            await self._line.stop(playback)
            await self._line.until(lambda: playback.over, REPLY_SECONDS)
        if playback.lost:
            return None
        return self._report(playback, sound, over, digit)

    def _report(self, playback: seen.Sound, sound: Sound, over: bool, digit: str) -> PlaybackReport:
        seconds = playback.seconds
        whole = seconds >= sound.seconds - TIME_TOLERANCE
        played = sound.seconds if whole else seconds
        if playback.stopped and digit:
            return PlaybackReport(Ending.KEY, played, seconds, digit)
        if playback.stopped and not over:
            return PlaybackReport(Ending.DEADLINE, 0.0, seconds)
        if playback.state == "done":
            return PlaybackReport(Ending.FINISHED, played, seconds, digit)
        if self._leg.ended or self._leg.hung_up:
            return PlaybackReport(Ending.HANGUP, seconds, seconds)
        return PlaybackReport(Ending.REFUSED, 0.0, seconds)
