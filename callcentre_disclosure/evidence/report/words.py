"""What a report says, in the language of its reader: words, numbers, days, countries.

The words are in ``texts/<language>.yaml``, numbers and days follow Unicode CLDR.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib.resources import files
from typing import Any, Literal

import yaml
from babel import Locale
from babel.dates import format_date, format_datetime, format_interval
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.errors import plain

from .causes import Cause

LANGUAGES = ("fr", "en")

_SOUND = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-\w+)?/(?:outbound-)?(?:"
    r"(?:possible|answered|domestic)-(?P<countries>[a-z]{2}(?:-[a-z]{2})*)"
    r"|(?P<kind>company|generic|choice|refused|segment)\b.*)-[0-9a-f]{8}"
)
#: What is shown of a name, in characters; in whole it is in the sheet and in the JSON.
_MOST = 100


class Words:
    """The words of one language. ``words("headline.why")`` is a text, with its places filled in."""

    def __init__(self, language: str) -> None:
        file = files(__package__) / "texts" / f"{language}.yaml"
        self.language = language
        self._words: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        self._locale = Locale.parse(self.tag, sep="-")

    def __call__(self, path: str, **values: object) -> str:
        """Raises ``KeyError`` where there is no such text."""
        return str(self._at(path)).format(**values)

    def counted(self, path: str, number: int) -> str:
        """The form that goes with a number, with the number at ``{n}``."""
        forms = self._at(path)
        form = forms.get(self._locale.plural_form(number), forms["other"])
        return str(form).format(n=self.number(number))

    def lines(self, path: str) -> Sequence[str]:
        """A text of several lines."""
        return list(self._at(path))

    @property
    def tag(self) -> Literal["fr-FR", "en-GB"]:
        """The language and the place whose customs it follows."""
        return "fr-FR" if self.language == "fr" else "en-GB"

    def number(self, number: int) -> str:
        return format_decimal(number, locale=self._locale)

    def share(self, part: float, whole: float) -> str:
        """So many percent; neither none nor all where it is only nearly so."""
        if not whole:
            return "–"
        tenths = round(1000 * part / whole)
        if 0 < part < whole:
            tenths = min(max(tenths, 1), 999)
        pattern = self._locale.percent_formats[None].pattern
        if tenths < 100 or tenths > 900:
            pattern = pattern.replace("0", "0.#")
        return format_percent(tenths / 1000, pattern, locale=self._locale)

    def seconds(self, seconds: float | None) -> str:
        """A duration as people say it: 48 s, 3 min 05 s."""
        if seconds is None:
            return "–"
        if seconds < 10:
            return format_decimal(round(seconds, 1), "0.#", locale=self._locale) + "\u202fs"
        minutes, rest = divmod(round(seconds), 60)
        parts = [f"{minutes}\u202fmin"] * (minutes > 0)
        parts += [f"{rest:02}\u202fs" if minutes else f"{rest}\u202fs"] * (rest > 0 or not minutes)
        return "\u202f".join(parts)

    def day(self, day: str, pattern: str = "d MMMM y") -> str:
        """An ISO day: 22 November 2026, or by another of CLDR's patterns."""
        text = format_date(date.fromisoformat(day), pattern, locale=self._locale)
        return f"1er{text[1:]}" if self.language == "fr" and text.startswith("1 ") else text

    def days(self, first: str, last: str) -> str:
        """From an ISO day to another, both included: 12–13 Nov 2026."""
        if first == last:
            return self.day(first, "d MMM y")
        days = (date.fromisoformat(first), date.fromisoformat(last))
        return format_interval(*days, skeleton="yMMMd", locale=self._locale)

    def moment(self, moment: datetime) -> str:
        return format_datetime(moment, "d MMMM y, HH:mm", locale=self._locale)

    def country(self, code: str) -> str:
        """A country by its code; what is no code is shown as it is."""
        country = countries().get(code)
        if country is None:
            return shown(code)
        return country.french if self.language == "fr" else country.english

    def countries(self, codes: str | None) -> str:
        """``MA``, ``MA,TN`` or nothing, as the table has them."""
        names = [self.country(code) for code in (codes or "").split(",") if code]
        if not names:
            return self("countries.unresolved")
        return format_list(names, style="or", locale=self._locale)

    def answered_in(self, codes: str | None) -> str:
        """Where a call was answered; of several countries it is not known in which."""
        several = "," in (codes or "")
        names = self.countries(codes)
        return self("countries.either", countries=names) if several else names

    def cause(self, cause: Cause) -> str:
        """What happened."""
        subject = shown(cause.subject)
        return self(f"causes.{cause.kind.value}.what", subject=subject, sound=self.sound(subject))

    def remedy(self, cause: Cause) -> str:
        """What to do about it."""
        return self(f"causes.{cause.kind.value}.mend", subject=shown(cause.subject))

    def sound(self, name: str) -> str:
        """What a sound says: ``fr/answered-ma-2de14e0d`` is the sentence that names Morocco."""
        found = _SOUND.fullmatch(name)
        if found is None:
            return self("sound.other")
        if found["countries"]:
            names = self.countries(found["countries"].upper().replace("-", ","))
            said = self("sound.countries", countries=names)
        else:
            said = self(f"sound.{found['kind']}")
        language = self._locale.languages.get(found["language"], found["language"])
        return f"{said} ({language})"

    def _at(self, path: str) -> Any:
        found: Any = self._words
        for step in path.split("."):
            found = found[step]
        return found


def shown(name: str) -> str:
    """A name as a reader can be shown it: of a sane length, and without what controls a screen."""
    visible = plain(name)
    return visible if len(visible) <= _MOST else visible[: _MOST - 1] + "…"
