"""The countries of the world: ISO 3166-1 alpha-2 codes, and XK for Kosovo.

``countries.csv`` holds the 249 codes of ISO 3166-1 (taken from Debian's iso-codes 4.15) and the
user-assigned ``XK``; the English and French short names are those of Unicode CLDR 47.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path

#: What people write who do not have the code at hand, beyond alpha-3 codes and names.
_SYNONYMS = {
    "uk": "GB",
    "greatbritain": "GB",
    "england": "GB",
    "angleterre": "GB",
    "el": "GR",
    "holland": "NL",
    "hollande": "NL",
    "ivorycoast": "CI",
    "usa": "US",
    "uae": "AE",
    "drc": "CD",
    "rdc": "CD",
    "hongkong": "HK",
}


@dataclass(frozen=True, slots=True)
class Country:
    """One country, and the short names it goes by."""

    alpha_2: str
    alpha_3: str
    english: str
    french: str


@cache
def countries() -> Mapping[str, Country]:
    """Every country by its alpha-2 code."""
    with Path(__file__).with_name("countries.csv").open(encoding="utf-8", newline="") as file:
        return {row["alpha_2"]: Country(**row) for row in csv.DictReader(file)}


@lru_cache(maxsize=1024)
def nearest(text: str) -> Country | None:
    """The country that someone meant who wrote ``UK``, ``MAR``, ``ma``, ``Maroc`` or ``Tunisa``."""
    names = _names()
    plain = _plain(text)
    if plain not in names:
        close = get_close_matches(plain, names, 1, 0.8) if len(plain) > 3 else []
        plain = close[0] if close else plain
    return countries().get(names.get(plain, ""))


@cache
def _names() -> Mapping[str, str]:
    named = dict(_SYNONYMS)
    for code, country in countries().items():
        for name in (code, country.alpha_3, country.english, country.french):
            named.setdefault(_plain(name), code)
    return named


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalnum())
