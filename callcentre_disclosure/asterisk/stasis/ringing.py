"""Finding somebody who answers: one after the other, or several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from .line import Line
from .seen import OUR_LEG, Leg

#: Causes of ITU-T Q.850: user busy, and subscriber absent.
_BUSY, _UNAVAILABLE = 17, 20
#: With these a telephone stops ringing when somebody has picked its call up (16.28, 22.10), whose
#: channel may come in after that: by so many seconds, where the machine is busy.
_PICKED_UP, _PICKUP_SECONDS = (16, 26), 2.0


@dataclass(frozen=True, slots=True)
class Rung:
    """Who has answered, or why nobody has, as the dialplan's DIALSTATUS."""

    leg: Leg | None
    status: str


async def ring(
    line: Line,
    whom: Sequence[str],
    seconds: float,
    *,
    waiting: Leg,
    originator: Leg | None,
    shown: str | None,
) -> Rung:
    """Ring telephones until one is answered, nobody can answer any more, or who waits has left.

    ``whom`` are interfaces, ``A&B`` at once, each for some seconds. The legs get the language, the
    inherited variables and the linked id of the ``originator``. ``shown`` is the number that the
    telephones show.
    """
    rung = Rung(None, "CHANUNAVAIL")
    for group in whom:
        for _ in range(2):
            legs = await asyncio.gather(
                *(_call(line, one, seconds, originator, shown) for one in group.split("&"))
            )
            rung = await _answered(line, legs, seconds, waiting)
            # Asterisk hangs up on who answers while we are not connected: they were there.
            if rung.leg or waiting.ended or not any(leg.lost for leg in legs):
                break
        if rung.leg or waiting.ended:
            break
    return rung


async def _answered(line: Line, legs: Sequence[Leg], seconds: float, waiting: Leg) -> Rung:
    """The first of some telephones that is answered; the others stop ringing."""

    def first() -> Leg | None:
        return next((leg for leg in legs if leg.here), None)

    def is_over() -> bool:
        return bool(first()) or waiting.ended or all(leg.ended for leg in legs)

    await line.until(is_over, seconds)
    if not first() and any(leg.cause in _PICKED_UP for leg in legs):
        await line.until(lambda: bool(first()), _PICKUP_SECONDS)
    answered = first()
    others = (leg for leg in legs if leg is not answered)
    await asyncio.gather(*(line.hang_up(leg, "answered_elsewhere") for leg in others))
    if waiting.ended:
        return Rung(answered, "CANCEL")
    return Rung(answered, "ANSWER" if answered else _status(legs))


async def _call(
    line: Line, interface: str, seconds: float, originator: Leg | None, shown: str | None
) -> Leg:
    leg = line.new_leg()
    wanted = {
        "endpoint": interface,
        "app": line.application,
        "appArgs": f"{OUR_LEG},{leg.id}",
        "timeout": str(max(1, round(seconds))),
        **({"originator": originator.id} if originator else {}),
        **({"callerId": shown} if shown else {}),
    }
    response = await line.ask("POST", "channels", leg.id, query=wanted)
    # 409: the first of two tries has made it. Where no answer came, what is seen later tells.
    if not response.ok and response.status not in (409, 0):
        leg.ended, leg.cause = True, _UNAVAILABLE
    return leg


def _status(legs: Sequence[Leg]) -> str:
    causes = {leg.cause for leg in legs}
    if _BUSY in causes:
        return "BUSY"
    return "CHANUNAVAIL" if causes <= {_UNAVAILABLE} else "NOANSWER"
