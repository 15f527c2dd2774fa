"""What someone meant who wrote something else."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache


def nearest(text: str, known: Iterable[str]) -> str | None:
    """The known name that ``text`` most looks like, if it looks like any."""
    return _nearest(text, tuple(sorted(known)))


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """A remedy for a name that is not known: the nearest one, or those there are."""
    names = sorted(known)
    if close := nearest(text, names):
        return f"did you mean {close}?"
    if not names:
        return "there is none yet"
    some = ", ".join(names[:8])
    return f"write one of {some}{', …' if len(names) > 8 else ''}"


@lru_cache(maxsize=1024)
def _nearest(text: str, known: tuple[str, ...]) -> str | None:
    by_caseless = {name.casefold(): name for name in reversed(known)}
    close = get_close_matches(text.casefold(), by_caseless, 1, 0.6)
    return by_caseless[close[0]] if close else None
