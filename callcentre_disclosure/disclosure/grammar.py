"""Countries in a sentence, as people say them."""

from __future__ import annotations

from collections.abc import Sequence


def joined(phrases: Sequence[str], conjunction: str) -> str:
    """Several places as one phrase; each keeps its own preposition.

    >>> joined(["au Maroc", "en Tunisie", "à Madagascar"], "ou")
    'au Maroc, en Tunisie ou à Madagascar'
    """
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} {conjunction} {phrases[-1]}"
