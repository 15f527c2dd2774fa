"""The agents' telephones of a fake Asterisk: how they are called, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count

from .fake_agent import REFUSALS, FakeAgent
from .fake_call import FakeCall
from .fake_parts import Channel, within
from .fake_switch import SOFT, Refused, Switch


class Legs:
    """Makes channels to ``agents``, who are known by their interfaces."""

    def __init__(self, switch: Switch, agents: Mapping[str, FakeAgent]) -> None:
        self._switch = switch
        self._agents = agents
        self._numbers = count(1)
        self._loop = asyncio.get_running_loop()

    def originate(
        self,
        endpoint: str,
        leg_id: str,
        *,
        app: str,
        arguments: Sequence[str],
        originator: Channel | None = None,
        caller: str = "",
        variables: Mapping[str, str],
    ) -> Channel:
        """A channel to an agent, who is not called yet."""
        agent = self._agents.get(endpoint)
        if agent is None:
            raise Refused(500, "Allocation failed", "error")
        name = f"{endpoint}-{next(self._numbers):08x}"
        call = FakeCall(
            endpoint.partition("/")[2],
            channel=name,
            unique_id=leg_id,
            arguments=arguments,
            language=originator.call.value("CHANNEL(language)") or "en" if originator else "en",
            variables={
                **(originator.inherited if originator else {}),
                **{name.lstrip("_"): value for name, value in variables.items()},
                "CHANNEL(state)": "Down",
                "CHANNEL(linkedid)": originator.call.value("CHANNEL(linkedid)") or leg_id
                if originator
                else leg_id,
            },
        )
        call.timeline, call.heard = agent.timeline, agent.heard
        if originator:
            call.sounds, call.extensions = originator.call.sounds, originator.call.extensions
        leg = Channel(leg_id, name, call, "s", agent=agent, connected=caller, kept=True)
        leg.application = ("AppDial2", "(Outgoing Line)")
        leg.apps.add(app)
        self._switch.channels[leg_id] = leg
        return leg

    def ring(self, leg: Channel, app: str, seconds: float) -> None:
        """Call the agent, and have the leg come into Stasis when they answer."""
        self._switch.spawn(self._ring(leg, app, seconds))

    def create(self, leg: Channel, app: str) -> None:
        """Have the leg come into Stasis before the agent is called."""
        self._switch.spawn(self._created(leg, app))

    def dial(self, leg: Channel, seconds: float) -> None:
        """Call the agent of a leg that is in Stasis."""
        self._switch.spawn(self._dial(leg, seconds))

    async def _ring(self, leg: Channel, app: str, seconds: float) -> None:
        agent, call = _agent(leg), leg.call
        self._tell_dial(leg, "")
        if agent.rejects:
            self._refuse(leg)
            self._tell_dial(leg, REFUSALS[agent.rejects][1])
            self._switch.destroy_channel(leg)
            return
        self._begin_ringing(leg)
        self._tell_dial(leg, "RINGING")
        if not await self._answered(leg, seconds):
            if leg.hung_up.is_set():
                self._tell_dial(leg, "NOANSWER")
                self._switch.destroy_channel(leg)
            else:
                call.leave("released")
                leg.cause, leg.tech_cause = (0, None) if self._switch.major < 20 else (19, 480)
                self._switch.destroy_channel(leg)
            return
        self._pick_up(leg)
        self._tell_dial(leg, "ANSWER")
        if app in self._switch.applications:
            await self._in_application(leg, app)
        else:
            call.hang_up(16)
            leg.cause = 16
        self._switch.end(leg)

    async def _created(self, leg: Channel, app: str) -> None:
        await self._in_application(leg, app)
        self._switch.end(leg)

    async def _in_application(self, leg: Channel, app: str) -> None:
        self._switch.tell(leg, "ChannelVarset", {"variable": "STASISSTATUS", "value": ""})
        await self._switch.stasis(leg, app, leg.call.arguments)
        self._switch.tell(leg, "ChannelVarset", {"variable": "STASISSTATUS", "value": "SUCCESS"})

    async def _dial(self, leg: Channel, seconds: float) -> None:
        self._tell_dial(leg, "")
        if _agent(leg).rejects:
            self._refuse(leg)
            self._switch.let_go(leg)
            return
        self._tell_dial(leg, "RINGING")
        self._begin_ringing(leg)
        if await self._answered(leg, seconds):
            self._pick_up(leg)
            self._tell_dial(leg, "ANSWER")
            self._switch.meet(leg.bridge)
        elif not leg.hung_up.is_set():
            leg.call.leave("released")
            leg.tech_cause = 480
            self._switch.hang_up_because(leg, 16 if self._switch.major < 20 else 19, SOFT)

    def _refuse(self, leg: Channel) -> None:
        leg.tech_cause = _agent(leg).rejects
        leg.cause = REFUSALS[leg.tech_cause][0]
        leg.call.leave("refused")
        told = {"cause": leg.cause, **self._switch.tech(leg.tech_cause)}
        self._switch.tell(leg, "ChannelHangupRequest", told)
        leg.hung_up.set()

    def _begin_ringing(self, leg: Channel) -> None:
        leg.call.timeline.append("rings")
        leg.state = "Ringing"
        self._switch.tell(leg, "ChannelStateChange")

    async def _answered(self, leg: Channel, seconds: float) -> bool:
        """Ring until the agent answers, or somebody has had enough."""
        after = _agent(leg).answers_after
        hung_up = self._loop.create_task(leg.hung_up.wait())
        enough = seconds if after is None else min(after, seconds)
        released = await within(enough, hung_up)
        hung_up.cancel()
        return not released and after is not None and after <= seconds

    def _pick_up(self, leg: Channel) -> None:
        leg.call.answer()
        self._switch.tell(leg, "ChannelStateChange")
        if (after := _agent(leg).hangs_up_after) is not None:
            self._loop.call_later(after, self._switch.leave, leg)

    def _tell_dial(self, leg: Channel, status: str) -> None:
        told = {"dialstatus": status, "forward": "", "dialstring": leg.call.number}
        for app in tuple(leg.apps):
            self._switch.tell_application(app, "Dial", {**told, "peer": leg.described()})


def _agent(leg: Channel) -> FakeAgent:
    assert leg.agent is not None
    return leg.agent
