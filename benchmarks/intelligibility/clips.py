"""The sounds to measure: any folder with a manifest, shipped, just built, or received in calls."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from callcentre_disclosure.config.manifest import SoundFormat, read_manifest, sound_file
from callcentre_disclosure.config.wordings import available_languages, wording
from callcentre_disclosure.disclosure.announcement import Announcement, announcement
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.errors import ConfigurationError, EngineError, SoundError
from callcentre_disclosure.speech.build import build
from callcentre_disclosure.speech.engines import engine
from callcentre_disclosure.speech.engines.wording import known_language
from callcentre_disclosure.speech.formats import decoded, rate

from .channel import RATE, Samples, telephone
from .scoring import USUAL, Said, kind_and_codes, rivals, spoken_name

RECEIVED = "received"
ENGINES = ("py-nanotts", "espeak-ng")
"""Those that work without a network. Kokoro is not among them: it speaks the shipped sounds."""

_CALLS = (
    "tests/integration/test_announced_calls.py",
    "tests/integration/test_shipped_sounds.py",
)


@dataclass(frozen=True, slots=True)
class Clip:
    """One sound in one of its formats."""

    said: Said
    file: Path
    format: SoundFormat

    def on_the_telephone(self) -> tuple[Samples, int]:
        """What a caller receives, and its rate in Hz."""
        samples, hertz = decoded(self.file.read_bytes(), self.format), rate(self.format)
        if self.said.source == RECEIVED:
            return samples, hertz
        return telephone(samples, hertz), RATE


def clips(folder: Path, source: str, *, every: bool = False) -> list[Clip]:
    """The sounds of a folder that name one of the usual countries; with ``every``, all sounds.

    Raises ``SoundError`` for a manifest that cannot be read.
    """
    found = [(name, entry, *kind_and_codes(name)) for name, entry in read_manifest(folder).items()]
    if not every:
        found = [row for row in found if len(row[3]) == 1 and row[3][0] in USUAL]
    choices: dict[str, dict[str, None]] = {}
    for name, _, _, codes in found:
        if len(codes) == 1:
            choices.setdefault(_language(name), dict.fromkeys(USUAL))[codes[0]] = None
    known = {language: _forms(language) for language in {_language(row[0]) for row in found}}
    made = []
    for name, entry, kind, codes in found:
        language = _language(name)
        forms = known[language]
        there = {code: forms[code] for code in choices.get(language, ()) if code in forms}
        single = len(codes) == 1 and codes[0] in there
        said = Said(
            source=source,
            engine=f"recording {entry.engine}" if entry.recorded else entry.engine,
            language=language,
            kind=kind,
            codes=codes,
            text=entry.text,
            names=tuple(spoken_name(*forms[c], language) for c in codes if c in forms),
            rivals=rivals(entry.text, there, codes[0]) if single else {},
        )
        extension = "wav" if "wav" in entry.files else next(iter(entry.files))
        made.append(Clip(said, sound_file(folder, name, extension), SoundFormat(extension)))
    return made


def build_usual(place: Path) -> Iterator[Path]:
    """Folders of what callers are told of the usual countries, one for each engine that is
    installed, in the languages that it speaks."""
    for name in ENGINES:
        try:
            speaker = engine(name)
            title, languages = speaker.name, speaker.languages
        except EngineError as absent:
            print(f"not measured: {name}: {absent}", file=sys.stderr)
            continue
        sentences = [said for said in _usual() if _is_spoken(said.language, languages)]
        voices = dict.fromkeys((said.language for said in sentences), speaker)
        print(f"{len(sentences)} sounds by {title} ...", file=sys.stderr)
        report = build(sentences, place / name, voices, formats=(SoundFormat.WAV,))
        for failed in report.failed:
            print(failed, file=sys.stderr)
        yield place / name


def receive(folder: Path) -> None:
    """Have the integration tests keep in ``folder`` what their callers received.

    Where there is no Asterisk to be had, that is nothing.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *_CALLS],
        env={**os.environ, "CALLCENTRE_DISCLOSURE_RECEIVED": str(folder)},
        cwd=Path(__file__).parents[2],
        stdout=sys.stderr,
        check=False,
    )
    if done.returncode:
        print("not all calls were received whole: run the tests", file=sys.stderr)


def _usual() -> Iterator[Announcement]:
    for language in available_languages():
        words = wording(language)
        for stage in Stage:
            for code in USUAL:
                if said := announcement(words, Direction.INBOUND, stage, (code,)):
                    yield said


def _is_spoken(language: str, languages: Sequence[str]) -> bool:
    try:
        known_language(language, languages, "")
    except SoundError:
        return False
    return True


def _language(name: str) -> str:
    return name.split("/")[-2]


def _forms(language: str) -> Mapping[str, tuple[str, str]]:
    try:
        countries = wording(language).countries
    except ConfigurationError:
        return {}
    return {code: (forms.place, forms.origin) for code, forms in countries.items()}
