"""One fault, so many times, while calls go on; and whether anybody could have noticed more of it
than it allows."""

from __future__ import annotations

import asyncio

from .faults import Fault
from .ground import Ground
from .traffic import Traffic, Verdict


def inject(ground: Ground, fault: Fault, times: int = 1) -> Verdict:
    """Returns when the last call is over and was judged."""

    async def calls() -> Verdict:
        traffic = Traffic(ground)

        def work(traffic: Traffic) -> None:
            for _ in range(times):
                fault.work(ground, traffic)

        try:
            await traffic.run(work)
            return await asyncio.to_thread(traffic.judge)
        finally:
            traffic.close()

    verdict = asyncio.run(calls())
    allowed = {
        "less": fault.die or fault.full,
        "unrecorded": fault.die,
        "logged": fault.full,
        "instead": fault.otherwise,
        "refused": fault.otherwise,
        "untold": fault.otherwise,
        "cut_off": fault.crashes,
    }
    verdict.problems += [
        f"{what}: {getattr(verdict, what)} of {verdict.calls}"
        for what, may_be in allowed.items()
        if getattr(verdict, what) and not may_be
    ]
    if verdict.less and not (fault.die or fault.full):
        verdict.problems += verdict.stories[:3]
    return verdict
