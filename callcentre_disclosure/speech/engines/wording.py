"""What an engine is asked to say, before it says it: the language, and the letters.

Synthesisers pass over what they do not know, or spell it out in English, without an error; a
caller then hears half a sentence. So it is refused here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from callcentre_disclosure.errors import SoundError


def known_language(language: str, known: Iterable[str], engine: str) -> str:
    """The tag among those ``known`` for a BCP 47 tag: itself, or the nearest that holds it.

    >>> known_language("FR-ca", ["en", "fr"], "Pico")
    'fr'

    Raises ``SoundError`` where there is none.
    """
    tags = {tag.lower(): tag for tag in known}
    sought = language.lower()  # tags are the same in any case
    while sought:
        if sought in tags:
            return tags[sought]
        sought = sought.rpartition("-")[0]
    raise SoundError(
        f"{engine} does not speak {language!r}",
        remedy=f"it speaks {', '.join(tags.values())}: choose one of these, "
        "another engine, or a recording",
    )


def sayable(text: str, engine: str) -> str:
    """The text with its accents composed; raises ``SoundError`` for control characters.

    Some are commands to an engine (espeak-ng's begin with U+0001), and none is ever said.
    """
    text = unicodedata.normalize("NFC", text)
    control = [c for c in text if unicodedata.category(c) == "Cc" and not c.isspace()]
    if control:
        raise _left_out(engine, [f"U+{ord(c):04X}" for c in control], text, "delete it")
    return text


def refuse(text: str, unsayable: Iterable[str], engine: str) -> None:
    """Raise ``SoundError`` where the text has one of these characters."""
    if found := sorted(set(unsayable) & set(text)):
        raise _left_out(engine, found, text, "write it in letters of the language, or record it")


def foreign_letters(text: str) -> set[str]:
    """Its letters of any alphabet but the Latin one."""
    return {c for c in text if c.isalpha() and "LATIN" not in unicodedata.name(c, "")}


def respelt(text: str, spellings: Mapping[str, str]) -> str:
    """The text with words spelt as an engine reads them right (``Danemark``: Danemarque)."""
    if not spellings:
        return text
    words = "|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", lambda found: spellings[found[0]], text)


def said_nothing(engine: str, text: str) -> SoundError:
    return SoundError(f"{engine} said nothing for {text!r}", remedy="reword it, or record it")


def _left_out(engine: str, what: Iterable[str], text: str, remedy: str) -> SoundError:
    return SoundError(f"{engine} would leave out {' '.join(what)} of {text!r}", remedy=remedy)
