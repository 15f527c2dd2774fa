"""What an engine is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Speech:
    """What an engine said: mono samples between -1 and 1, and their rate in Hz."""

    samples: npt.NDArray[np.float32]
    rate: int


class Engine(Protocol):
    """Something that speaks.

    ``name`` is what a manifest records, with the version (``py-nanotts 0.1.1``); ``languages``
    are the BCP 47 tags it speaks, empty where only the engine's own program knows. A tag of a
    region falls back to its language: ``fr-CA`` to ``fr``.

    ``speak`` raises ``SoundError`` for a text or a language that it cannot say. All three raise
    ``EngineError`` where the engine can say nothing at all.

    Two more, for engines that need them, are read by ``at_once()`` and ``caution()``.
    """

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> tuple[str, ...]: ...

    def speak(self, text: str, language: str) -> Speech: ...


def at_once(engine: Engine) -> int | None:
    """How many processes may speak at once, its attribute ``at_once``; None: any number."""
    limit: int | None = getattr(engine, "at_once", None)
    return limit


def caution(engine: Engine) -> str:
    """A sentence to show before a build, its attribute ``caution``; empty: there is none."""
    sentence: str = getattr(engine, "caution", "")
    return sentence
