"""One call in the application, from its arrival until nothing of it is left.

    Stasis(callcentre-disclosure)                      announce, and go on in the dialplan
    Stasis(callcentre-disclosure,dial=...)             announce, ring agents, announce, connect
    Stasis(callcentre-disclosure,call=...)             an agent calls a consumer, who is told

Whatever goes wrong here, the caller goes on in the dialplan, which sees in DISCLOSURE_DISPOSITION
whether somebody was there to announce.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from callcentre_disclosure.asterisk import facts
from callcentre_disclosure.asterisk.ari.asterisk import Asterisk
from callcentre_disclosure.disclosure.call import CallFacts, Stage, Told
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.outcome import Disposition
from callcentre_disclosure.disclosure.record import LedgerRecord

from .line import REQUEST_SECONDS, Line
from .ringing import Rung, hang_up, ring
from .seen import Leg
from .teller import Teller

#: What an agent hears while the caller is informed.
WAITING_TONE = "tone:440/150|0/2000"
#: How long a telephone rings, in seconds, unless the dialplan says otherwise.
RING_SECONDS = 20.0
#: What a dialplan may say here besides what it may say of any call.
KEYS = (*facts.KEYS, "dial", "call", "seconds", "music")
#: The value of ``dial`` for those whom the configuration names for the route.
ROUTE = "route"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """What calls need of the house: sessions, and a place for the evidence."""

    application: str
    begin: Callable[[CallFacts], Session]
    keep: Callable[[LedgerRecord], Awaitable[None]]


#: What a call goes on with to an agent.
_GOES_ON = (Disposition.CONTINUE_IN_DIALPLAN, Disposition.BRIDGE)


class Call:
    """The call of one channel that has entered the application with some arguments."""

    def __init__(
        self,
        office: Office,
        asterisk: Asterisk,
        call_id: str,
        channel: Mapping[str, Any],
        words: Sequence[str],
    ) -> None:
        self.id = call_id
        self.asterisk = asterisk
        self.channel_id = str(channel["id"])
        self._office = office
        self._channel = channel
        self._keys = facts.asked(words)
        self._line = Line(asterisk, office.application, call_id)
        self._entered = self._line.leg(channel)
        self._bridge = f"{call_id}-bridge"
        self._talking = False

    async def run(self) -> None:
        """Hold the call; when this returns nothing that it made is left."""
        for slip in facts.slips(self._keys, KEYS):
            _log.warning("%s", slip)
        await self._held(self._call_consumer() if self._keys.get("call") else self._receive())

    async def adopt(self, bridge: str, other: Mapping[str, Any]) -> None:
        """Go on with a call whose two legs are connected already, in a bridge."""
        self._bridge = bridge
        await self._held(self._talk(self._entered, self._line.leg(other)))

    async def _held(self, course: Coroutine[Any, Any, None]) -> None:
        with self._line:
            try:
                await course
            except asyncio.CancelledError:
                if self._talking:
                    return  # whoever comes after us takes them over
                raise
            except Exception:
                # Whatever went wrong here is our fault, and no reason to hold a call.
                _log.exception("a call failed; it goes on in the dialplan")
            finally:
                if not self._talking:
                    await self._clear()

    async def _receive(self) -> None:
        """The channel that entered is the one that is told."""
        caller = self._entered
        teller = Teller(self._line, caller, self._office.begin)
        call = await self._facts(caller, self._channel, self._keys)
        record = await self._tell(teller, call)
        whom = self._whom(record)
        while whom and record.disposition in _GOES_ON:
            rung = await self._ring(whom, caller, call.caller_number)
            await teller.set({"DIALSTATUS": rung.status})
            if rung.leg is None or caller.ended:
                return
            told = Told.read(teller.variables.get("DISCLOSURE_TOLD", ""))
            answered = replace(
                call,
                stage=Stage.ANSWERED,
                agent=rung.leg.name,
                is_up=caller.is_up,
                told=told,
            )
            record = await self._inform(teller, answered, rung.leg)
            if record.disposition is Disposition.BRIDGE:
                await self._connect(caller, rung.leg)
                return
            await hang_up(self._line, rung.leg)

    async def _call_consumer(self) -> None:
        """The channel that entered is an agent's, who wants to speak to a consumer."""
        agent = self._entered
        shown = _number(self._channel)
        rung = await self._ring((self._keys["call"],), agent, shown)
        if rung.leg is None:
            await Teller(self._line, agent, self._office.begin).set({"DIALSTATUS": rung.status})
            return
        consumer = rung.leg
        keys = {**self._keys, "direction": "outbound", "stage": "answered", "agent": agent.name}
        call = await self._facts(consumer, self._channel, keys)
        teller = Teller(self._line, consumer, self._office.begin)
        record = await self._inform(teller, call, agent)
        if record.disposition is Disposition.BRIDGE:
            await self._connect(consumer, agent)

    async def _tell(self, teller: Teller, call: CallFacts) -> LedgerRecord:
        """One announcement and its evidence: nobody is connected before that is written."""
        record = await teller.tell(call)
        await self._office.keep(record)
        return record

    async def _inform(self, teller: Teller, call: CallFacts, agent: Leg) -> LedgerRecord:
        """The same, while an agent who has answered waits with a tone."""
        tone = asyncio.create_task(self._line.play(agent, WAITING_TONE))
        try:
            return await self._tell(teller, call)
        finally:
            sound, _ = await tone
            await self._line.stop(sound)

    async def _ring(self, whom: Sequence[str], waiting: Leg, shown: str | None) -> Rung:
        """Find somebody who answers, while somebody waits with ringing or music.

        Who hears either is deaf to a bridge, so it ends here (16.28, 22.10).
        """
        music = self._keys.get("music")
        what = "ring" if music is None else "moh"
        indication = {"mohClass": music} if music else {}
        await self._line.ask("POST", "channels", waiting.id, what, query=indication)
        rung = await ring(self._line, whom, self._seconds(), originator=waiting, shown=shown)
        if not waiting.ended:
            await self._line.ask("DELETE", "channels", waiting.id, what)
        return rung

    async def _connect(self, told: Leg, agent: Leg) -> None:
        """Let the two talk. Who was told in early media is answered only now."""
        self._line.follow(self._bridge)
        await self._line.ask("POST", "bridges", self._bridge, query={"type": "mixing"})
        for leg in (told, agent):
            if not leg.is_up:
                await self._line.ask("POST", "channels", leg.id, "answer")
        both = {"channel": f"{told.id},{agent.id}"}
        joined = await self._line.ask("POST", "bridges", self._bridge, "addChannel", query=both)
        if joined.ok:
            await self._talk(told, agent)

    async def _talk(self, told: Leg, agent: Leg) -> None:
        """Until one of them hangs up, which ends the call of the other."""
        self._talking = True
        await self._line.until(lambda: told.ended or agent.ended, None)
        self._talking = False
        for leg in (told, agent):
            await hang_up(self._line, leg)

    async def _clear(self) -> None:
        """Leave nothing behind: whoever came in goes on in the dialplan, what is ours ends."""
        for leg in self._line.seen.legs.values():
            if leg is not self._entered:
                await hang_up(self._line, leg)
        await self._line.ask("DELETE", "bridges", self._bridge)
        if not self._entered.ended:
            await self._line.ask("POST", "channels", self._entered.id, "continue")
            # Until it has left it would look like somebody who waits for nobody.
            await self._line.until(lambda: self._entered.ended, REQUEST_SECONDS)

    async def _facts(
        self, leg: Leg, channel: Mapping[str, Any], keys: Mapping[str, str]
    ) -> CallFacts:
        """What is known of the call of whoever is told; ``channel`` is the one that came in."""
        wanted = {"variable": f"EVAL(${{CALLERID(dnid)}}|{facts.template()})"}
        answer = await self._line.ask("GET", "channels", leg.id, "variable", query=wanted)
        value = str(answer.body.get("value", "")) if answer.ok else ""
        dialled, _, known = value.partition("|")
        return facts.call_facts(
            keys,
            facts.Channel(
                unique_id=leg.id,
                name=leg.name,
                dialled_number=dialled or channel.get("dialplan", {}).get("exten"),
                caller_number=_number(channel),
                language=channel.get("language"),
                variables=facts.read(known),
            ),
            "ari",
        )

    def _whom(self, record: LedgerRecord) -> tuple[str, ...]:
        """Who is to be called, in turn."""
        dial = self._keys.get("dial", "")
        return record.route.dial if dial == ROUTE else tuple(filter(None, dial.split("|")))

    def _seconds(self) -> float:
        try:
            return float(self._keys["seconds"])
        except (KeyError, ValueError):
            return RING_SECONDS


def _number(channel: Mapping[str, Any]) -> str | None:
    return channel.get("caller", {}).get("number") or None
