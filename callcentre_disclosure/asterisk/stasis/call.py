"""One call in the application, from its arrival until nothing of it is left.

    Stasis(callcentre-disclosure)                         announce, and go on in the dialplan
    Stasis(callcentre-disclosure,dial=...)                announce, ring agents, announce, connect
    Stasis(callcentre-disclosure,dial=...,transfer=yes)   agents call each other, and transfer
    Stasis(callcentre-disclosure,call=...)                an agent calls a consumer, who is told

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
from callcentre_disclosure.asterisk.ari.protocol import Event
from callcentre_disclosure.asterisk.observing import UNOBSERVED, Observer
from callcentre_disclosure.disclosure.call import CallFacts, Stage, Told
from callcentre_disclosure.disclosure.commands import Session
from callcentre_disclosure.disclosure.outcome import Disposition
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.route import Route

from .known import CARRIED, call_of, call_of_transferred, number_of, variable
from .line import REQUEST_SECONDS, Line
from .ringing import Rung, ring
from .seen import Leg
from .teller import Teller

#: What an agent hears while the caller is informed.
WAITING_TONE = "tone:440/150|0/2000"
#: How long a telephone rings, in seconds, unless the dialplan says otherwise.
RING_SECONDS = 20.0
#: What a dialplan may say here besides what it may say of any call.
KEYS = (*facts.KEYS, "dial", "call", "transfer", "seconds", "music")
#: The value of ``dial`` for those whom the configuration names for the route.
ROUTE = "route"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """What calls need of the house: sessions, a place for the evidence, and who measures."""

    begin: Callable[[CallFacts], Session]
    keep: Callable[[LedgerRecord], Awaitable[None]]
    observer: Observer = UNOBSERVED


#: How long after the channel of an agent who hands over we may hear of whom, in seconds.
_HAND_OVER_SECONDS = 1.0
#: How long after a request that came too late we may hear of the hangup, in seconds.
_GOING_SECONDS = 0.2
#: What a call goes on with to an agent.
_GOES_ON = (Disposition.CONTINUE_IN_DIALPLAN, Disposition.BRIDGE)


class Call:
    """The call of one channel that has entered the application with some arguments. A connection
    that is for one call only has an ``application`` of its own, ``<name>:<channel>``."""

    def __init__(
        self,
        office: Office,
        asterisk: Asterisk,
        application: str,
        call_id: str,
        channel: Mapping[str, Any],
        words: Sequence[str],
    ) -> None:
        self.id = call_id
        self.asterisk = asterisk
        self._office = office
        self._channel = channel
        self._keys = facts.asked(words)
        self._line = Line(asterisk, application, call_id)
        self._entered = self._line.leg(channel)
        self._bridge = ""
        self._talking = False

    @property
    def channels(self) -> frozenset[str]:
        """The ids of its channels, those that have ended among them."""
        return self._line.channels

    def picked_up(self, event: Event) -> None:
        """Somebody else has picked up a telephone that we rang: their channel takes its place."""
        self._line.picked_up(event)

    async def run(self) -> None:
        """Hold the call; when this returns nothing that it made is left."""
        for slip in facts.slips(self._keys, KEYS):
            _log.warning("%s", slip)
        if self._keys.get("call"):
            await self._held(self._call_consumer())
        elif self._keys.get("transfer") == "yes":
            await self._held(self._receive_transferred())
        else:
            await self._held(self._receive())

    async def adopt(self, bridge: str, other: Mapping[str, Any]) -> None:
        """Go on with a call whose two legs are connected already, in a bridge."""
        self._bridge = bridge
        await self._held(self._talk(self._entered, self._line.leg(other)))

    async def _held(self, course: Coroutine[Any, Any, None]) -> None:
        with self._line:
            try:
                await course
            except asyncio.CancelledError:
                if not self._talking:  # else whoever comes after us takes them over
                    raise
            except Exception:
                # Whatever went wrong here is our fault, and no reason to hold a call.
                _log.exception("a call failed; it goes on in the dialplan")
                self._office.observer.failed()
            finally:
                if not self._talking:
                    await self._clear()

    async def _receive(self) -> None:
        """The channel that entered is the one that is told."""
        teller = Teller(self._line, self._entered, self._office.begin)
        call = await call_of(self._line, self._channel, self._keys)
        record = await self._tell(teller, call)
        whom = self._whom(record.route)
        if whom and record.disposition in _GOES_ON:
            # A transfer makes another call of this one, and is told by these what it is about.
            carried = (record.route.id, call.direction.value)
            await teller.set(
                {f"__DISCLOSURE_{n}": v for n, v in zip(CARRIED, carried, strict=True)}
            )
            await self._reach(whom, teller, call)

    async def _receive_transferred(self) -> None:
        """Who is transferred is told who answers now. It may also be an agent who asks a colleague
        first: nobody is told then, unless and until that agent hands a caller over."""
        teller = Teller(self._line, self._entered, self._office.begin)
        whom = tuple(filter(None, self._keys.get("dial", "").split("|")))
        linked = await variable(self._line, self._entered.id, "CHANNEL(linkedid)")
        await self._reach(whom, teller, await call_of_transferred(self._line, linked, self._keys))

    async def _reach(self, whom: Sequence[str], teller: Teller, call: CallFacts | None) -> None:
        """Connect somebody who answers, once the caller knows where they are."""
        caller = self._entered
        shown = call.caller_number if call else number_of(self._channel)
        while whom and not caller.ended:
            rung = await self._ring(whom, caller, shown, originator=caller)
            if rung.leg is None or caller.ended:
                await teller.set({"DIALSTATUS": rung.status})
                return
            call = call or await self._handed_over()
            knows = call is None or await self._knows(teller, call, rung.leg)
            if knows and await self._connect(caller, rung.leg, teller):
                return
            await self._line.hang_up(rung.leg)
            if teller.variables.get("DISCLOSURE_DISPOSITION", "BRIDGE") not in _GOES_ON:
                return

    async def _call_consumer(self) -> None:
        """The channel that entered is an agent's, who wants to speak to a consumer."""
        agent, target = self._entered, self._keys["call"]
        shown = number_of(self._channel)
        # In the language of their own trunk, and with nothing of what the agent's channel knows.
        rung = await self._ring((target,), agent, shown, originator=None)
        consumer = rung.leg
        await Teller(self._line, agent, self._office.begin).set({"DIALSTATUS": rung.status})
        if consumer is None:
            return
        did = target.partition("/")[2].partition("@")[0]
        keys = {"did": did, **self._keys, "direction": "outbound", "stage": "answered"}
        self._line.tie(agent, consumer)
        there = {
            **self._channel,
            "id": consumer.id,
            "name": consumer.name,
            "language": consumer.language,
        }
        teller = Teller(self._line, consumer, self._office.begin)
        call = await call_of(self._line, there, {**keys, "agent": agent.name})
        if await self._knows(teller, replace(call, is_up=True), agent):
            await self._connect(consumer, agent, teller)

    async def _tell(self, teller: Teller, call: CallFacts) -> LedgerRecord:
        """One announcement and its evidence: nobody is connected before that is written."""
        record = await teller.tell(call)
        await self._office.keep(record)
        after = teller.silence.after(asyncio.get_running_loop().time())
        self._office.observer.announced(record, teller.silence.before, after)
        return record

    async def _knows(self, teller: Teller, call: CallFacts, agent: Leg) -> bool:
        """Tell the caller where the agent is who has answered, and who hears a tone meanwhile.
        Returns whether the two are to be connected."""
        told = teller.variables.get("DISCLOSURE_TOLD")
        answered = replace(
            call,
            stage=Stage.ANSWERED,
            agent=agent.name,
            is_up=call.is_up or self._entered.is_up,
            told=Told.read(told) if told else call.told,
        )
        tone = asyncio.create_task(self._line.play(agent, WAITING_TONE))
        try:
            record = await self._tell(teller, answered)
        finally:
            sound, _ = await tone
            await self._line.stop(sound)
        return record.disposition is Disposition.BRIDGE

    async def _ring(
        self, whom: Sequence[str], waiting: Leg, shown: str | None, originator: Leg | None
    ) -> Rung:
        """Find somebody who answers, while somebody waits with ringing or music.

        Who hears either is deaf to a bridge, so it ends here (16.28, 22.10).
        """
        music = self._keys.get("music")
        what = "ring" if music is None else "moh"
        indication = {"mohClass": music} if music else {}
        await self._line.ask("POST", "channels", waiting.id, what, query=indication)
        rung = await ring(
            self._line,
            whom,
            self._seconds(),
            waiting=waiting,
            originator=originator,
            shown=shown,
        )
        if not waiting.ended:
            await self._line.ask("DELETE", "channels", waiting.id, what)
        return rung

    async def _connect(self, told: Leg, agent: Leg, teller: Teller) -> bool:
        """Let the two talk. Who was told in early media is answered only now. Returns False
        where the agent has gone in the last moment, so that another may be rung."""
        self._bridge = f"{self.id}-bridge"
        await self._line.ask("POST", "bridges", self._bridge, query={"type": "mixing"})
        both = {"channel": f"{told.id},{agent.id}"}
        joined, *_ = await asyncio.gather(
            self._line.ask("POST", "bridges", self._bridge, "addChannel", query=both),
            *(
                self._line.ask("POST", "channels", leg.id, "answer")
                for leg in (told, agent)
                if not leg.is_up
            ),
        )
        if not joined.ok:
            return not await self._line.until(lambda: agent.ended, _GOING_SECONDS)
        await self._talk(told, agent, teller)
        return True

    async def _talk(self, told: Leg, agent: Leg, teller: Teller | None = None) -> None:
        """Until one of them hangs up, which ends the call of the other.

        An agent who asks a colleague may hand a caller over: then that caller is here, in the place
        of the agent, and is told within milliseconds of the connection. (A sound that is played in
        a bridge is heard by that channel alone, and nothing else is heard there meanwhile.)
        """
        self._talking = True
        hands_over = teller is not None and not teller.variables.get("DISCLOSURE_TOLD")

        def is_over() -> bool:
            return told.ended or agent.ended or (hands_over and told.replaced)

        await self._line.until(is_over, None)
        self._talking = False
        if teller and not (told.ended or agent.ended):
            call = await self._handed_over()
            if call is None or await self._knows(teller, call, agent):
                await self._talk(told, agent)
        for leg in (told, agent):
            await self._line.hang_up(leg)

    async def _clear(self) -> None:
        """Leave nothing behind: whoever came in goes on in the dialplan, what is ours ends."""
        leaves = not self._entered.ended and await self._line.ask(
            "POST", "channels", self._entered.id, "continue"
        )
        for leg in list(self._line.seen.legs.values()):
            if leg is not self._entered:
                await self._line.hang_up(leg)
        if self._bridge:
            await self._line.ask("DELETE", "bridges", self._bridge)
        if leaves and leaves.ok:  # until it has, it would look like somebody who waits for nobody
            await self._line.until(lambda: self._entered.ended, REQUEST_SECONDS)

    async def _handed_over(self) -> CallFacts | None:
        """The call of whom an agent has handed over, if one has."""
        if not self._entered.replaced:
            return None
        await self._line.until(lambda: self._line.seen.transferee is not None, _HAND_OVER_SECONDS)
        transferee = self._line.seen.transferee
        # A connection for one call is told nothing of the other one that it was handed over from.
        caller = (
            str(transferee["id"])
            if transferee
            else await variable(self._line, self._entered.id, "CHANNEL(linkedid)")
        )
        return await call_of_transferred(self._line, caller, self._keys)

    def _whom(self, route: Route) -> tuple[str, ...]:
        """Who is to be called, in turn."""
        dial = self._keys.get("dial", "")
        return route.dial if dial == ROUTE else tuple(filter(None, dial.split("|")))

    def _seconds(self) -> float:
        try:
            return float(self._keys["seconds"])
        except (KeyError, ValueError):
            return RING_SECONDS
