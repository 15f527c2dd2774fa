"""Engines: a text goes in, speech comes out.

An engine runs when sounds are built, never during a call. ``build`` may hand one to other
processes, so an engine can be pickled; a frozen dataclass that loads its voice when it first
speaks is one. Another package brings its own by an entry point in the group
``callcentre_disclosure.engines``: what it names is called without arguments and gives an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import metadata

from callcentre_disclosure.config.near import nearest
from callcentre_disclosure.errors import EngineError

from .command import Command
from .espeak_ng import EspeakNg
from .gtts import Gtts
from .installed import install
from .kokoro import Kokoro
from .nano_tts import NanoTts
from .port import Engine, Speech, at_once, caution

__all__ = [
    "ENTRY_POINTS",
    "INSTALL",
    "Command",
    "Engine",
    "EspeakNg",
    "Gtts",
    "Kokoro",
    "NanoTts",
    "Speech",
    "at_once",
    "caution",
    "engine",
    "engine_names",
]

INSTALL = install("speech")
ENTRY_POINTS = "callcentre_disclosure.engines"

_COMMAND = "command"
_OURS: Mapping[str, Callable[[], Engine]] = {
    "py-nanotts": NanoTts,
    "kokoro": Kokoro,
    "gtts": Gtts,
    "espeak-ng": EspeakNg,
}


def engine_names() -> tuple[str, ...]:
    """The names that ``engine`` knows: ours, then those of other packages that are installed."""
    theirs = sorted({point.name for point in _entry_points()} - {*_OURS, _COMMAND})
    return (*_OURS, _COMMAND, *theirs)


def engine(name: str, command: Sequence[str] = ()) -> Engine:
    """The engine of a name; ``command`` is for the engine ``command`` alone.

    What it needs is not looked for before it is asked for its name, or to speak. Raises
    ``EngineError`` for a name that is not known, and for another package's engine that cannot
    be loaded.
    """
    if name == _COMMAND:
        return Command(tuple(command))
    if command:
        raise EngineError(
            f"the engine {name!r} takes no command", remedy=f"choose {_COMMAND!r}, or delete it"
        )
    if name in _OURS:
        return _OURS[name]()
    theirs = next((point for point in _entry_points() if point.name == name), None)
    if theirs is None:
        known = engine_names()
        near = nearest(name, known)
        raise EngineError(
            f"there is no engine {name!r} among {', '.join(known)}",
            remedy=f"did you mean {near}?" if near else "choose one of these",
        )
    return _loaded(theirs)


def _entry_points() -> Sequence[metadata.EntryPoint]:
    return tuple(metadata.entry_points(group=ENTRY_POINTS))


def _loaded(point: metadata.EntryPoint) -> Engine:
    package = point.dist.name if point.dist else "an unknown package"
    remedy = f"mend or upgrade {package}, or choose another engine"
    try:
        found: Engine = point.load()()
    except Exception as problem:
        raise EngineError(
            f"the engine {point.name!r} of {package} cannot be loaded: "
            f"{type(problem).__name__}: {problem}",
            remedy=remedy,
        ) from problem
    if missing := [part for part in ("name", "languages", "speak") if not _has(found, part)]:
        raise EngineError(
            f"what {package} calls the engine {point.name!r} has no {', '.join(missing)}",
            remedy=remedy,
        )
    return found


def _has(found: object, part: str) -> bool:
    """Whether it is there, without asking for it: ``name`` may want what is not installed."""
    return hasattr(type(found), part) or part in getattr(found, "__dict__", {})
