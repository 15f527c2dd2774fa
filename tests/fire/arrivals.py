"""Callers who all come in the same moment, on a real Asterisk."""

from __future__ import annotations

import asyncio

from .ground import Ground
from .traffic import Traffic, Verdict


def arrive(ground: Ground, times: int = 1) -> Verdict:
    """One on each line, so many times, each time when the last ones have hung up."""

    async def calls() -> Verdict:
        traffic = Traffic(ground)
        try:
            for _ in range(times):
                await asyncio.gather(*map(traffic.call, range(ground.lines)))
            return await asyncio.to_thread(traffic.judge)
        finally:
            traffic.close()

    verdict = asyncio.run(calls())
    if verdict.told < verdict.calls:
        verdict.problems.append(f"told: {verdict.told} of {verdict.calls}")
    return verdict
