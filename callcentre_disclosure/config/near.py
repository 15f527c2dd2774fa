"""What someone meant who wrote something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache
from heapq import nsmallest

#: Among more names than these none is looked for: that would take longer than anybody waits.
_COMPARED = 2000
_SOME = 8


def nearest(text: str, known: Iterable[str]) -> str | None:
    """The known name that ``text`` most looks like, if it looks like any."""
    names = known if isinstance(known, Collection) else tuple(known)
    return _nearest(text, tuple(sorted(names))) if len(names) <= _COMPARED else None


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """A remedy for a name that is not known: the nearest one, or those there are."""
    names = known if isinstance(known, Collection) else tuple(known)
    if close := nearest(text, names):
        return f"did you mean {close}?"
    if not names:
        return "there is none yet"
    some = ", ".join(nsmallest(_SOME, names))
    return f"write one of {some}{', …' if len(names) > _SOME else ''}"


@lru_cache(maxsize=1024)
def _nearest(text: str, known: tuple[str, ...]) -> str | None:
    by_caseless = {name.casefold(): name for name in reversed(known)}
    close = get_close_matches(text.casefold(), by_caseless, 1, 0.6)
    return by_caseless[close[0]] if close else None
