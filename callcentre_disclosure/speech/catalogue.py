"""The catalogue: every sentence that a configuration can need, with its sound.

As a page, it is what a manager listens to before going live, sends on, prints. So it is one file
that asks the network for nothing: the sounds are in it, as 8 kHz µ-law, which every browser plays
and which is all that most callers receive. A thousand sentences are some 45 MB.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.directory import checked_folders
from callcentre_disclosure.config.manifest import (
    ManifestEntry,
    SoundFormat,
    read_manifest,
    sound_file,
)
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.disclosure.announcement import Announcement
from callcentre_disclosure.errors import SoundError

from .engines.installed import module

if TYPE_CHECKING:
    from .audio import Samples
    from .check import SoundFinding


@dataclass(frozen=True, slots=True)
class Listed:
    """One sentence: who needs it (``routes.sales``), the numbers whose callers may hear it, as the
    configuration writes them, and the sound that is played, if there is one."""

    announcement: Announcement
    users: tuple[str, ...]
    numbers: tuple[str, ...]
    folder: Path | None = None
    entry: ManifestEntry | None = None

    @property
    def files(self) -> Mapping[SoundFormat, Path]:
        """The sound in each of its formats."""
        if self.folder is None or self.entry is None:
            return {}
        name = self.announcement.sound_name
        return {SoundFormat(ext): sound_file(self.folder, name, ext) for ext in self.entry.files}


def listed(configuration: Configuration) -> list[Listed]:
    """Every sentence that a configuration can ever need.

    Raises ``SoundError`` for a manifest that cannot be read.
    """
    there: dict[str, tuple[Path, ManifestEntry]] = {}
    for folder in checked_folders(configuration):
        for name, entry in read_manifest(folder).items():
            there.setdefault(name, (folder, entry))
    return [
        Listed(
            sentence,
            users,
            tuple(dict.fromkeys(_numbers(configuration, sentence, users))),
            *there.get(sentence.sound_name, ()),
        )
        for sentence, users in needed(configuration).items()
    ]


def page(configuration: Configuration, now: datetime) -> str:
    """The catalogue as one HTML document, with what ``check`` says on top.

    Raises ``SoundError`` for a manifest that cannot be read, and where what it takes is not
    installed.
    """
    from .check import check

    jinja2 = module("jinja2", "speech")
    sentences = listed(configuration)
    findings = check(
        [one.announcement for one in sentences],
        checked_folders(configuration),
        level=configuration.sounds.level,
    )
    wrong: dict[str, list[SoundFinding]] = {}
    for finding in findings:
        for name in finding.sound_names:
            wrong.setdefault(name, []).append(finding)
    ordered = sorted(sentences, key=lambda one: _order(configuration, one.announcement))
    rows = [
        _row(configuration, one, number, wrong.get(one.announcement.sound_name, ()))
        for number, one in enumerate(ordered, start=1)
    ]
    source = files(__package__).joinpath("catalogue.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    document: str = environment.from_string(source).render(
        configuration=str(configuration.path),
        few=6,
        longest=max((row.wave.bars for row in rows if row.wave), default=1),
        most=10,
        now=f"{now.day} {now:%B %Y, %H:%M}",
        policy=_policy(source),
        sections=[_section(language, list(some)) for language, some in groupby(rows, _language)],
        summary=_summary(rows),
        trouble=_trouble(rows),
        troubles=_troubles(rows),
    )
    return document


@dataclass(frozen=True, slots=True)
class _Wave:
    """A sound on the page: its bytes, and its waveform as an SVG path, 40 high, of bars 1 apart."""

    data: str
    path: str
    bars: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A sentence on the page."""

    id: str
    language: str
    title: str
    text: str
    numbers: tuple[str, ...]
    users: tuple[str, ...]
    problems: Sequence[str]
    seconds: float
    voice: str
    level: str
    files: tuple[str, ...]
    recorded: bool
    wave: _Wave | None


@dataclass(frozen=True, slots=True)
class _Trouble:
    problem: str
    rows: list[_Row]


@dataclass(frozen=True, slots=True)
class _Part:
    title: str
    rows: list[_Row]


@dataclass(frozen=True, slots=True)
class _Section:
    id: str
    title: str
    summary: str
    parts: list[_Part]


_LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "tr": "Turkish",
}
_KINDS = {
    "company": "first of all",
    "possible": "before an agent is sought",
    "domestic": "before an agent is sought",
    "answered": "once an agent has answered",
    "generic": "where no country can be named",
}
_SEGMENTS = "Said as well"
_SOUND = re.compile(r"(outbound-)?(\w+)")
_BAR = 0.04  # seconds of sound in a bar of a waveform
_TALL = 0.5  # of full scale: the tallest bar; little of a sentence is louder


def _kind(sentence: Announcement) -> tuple[bool, str]:
    """Whether it is said to those who are called, and which sentence it is."""
    found = _SOUND.match(sentence.sound_name.rpartition("/")[2])
    return (bool(found and found[1]), found[2] if found else "")


def _title(sentence: Announcement) -> str:
    made, kind = _kind(sentence)
    when = _KINDS.get(kind)
    return f"Calls {'made' if made else 'received'}, {when}" if when else _SEGMENTS


def _order(configuration: Configuration, sentence: Announcement) -> tuple[int, int, int]:
    """As the configuration orders languages, and as a call goes: those received, those made."""
    made, kind = _kind(sentence)
    kinds = list(_KINDS.values())
    place = kinds.index(_KINDS[kind]) if kind in _KINDS else -1
    direction = 2 if place < 0 else int(made)
    return (configuration.languages.index(sentence.language), direction, place)


def _numbers(
    configuration: Configuration, sentence: Announcement, users: Iterable[str]
) -> Iterator[str]:
    """The numbers whose callers may hear a sentence; some of them several times."""
    answered = _kind(sentence)[1] == "answered"
    for user in users:
        what, _, name = user.partition(".")
        if what == "every route":
            yield "every number"
        elif what == "default":
            yield "every number without a route"
        elif what == "routes":
            yield from configuration.routes[name].numbers
        elif what == "sites" and answered:
            for route in configuration.routes.values():
                if name in configuration.sites_of(route):
                    yield from route.numbers


def _user(configuration: Configuration, user: str) -> str:
    """``sites.lyon`` in words."""
    what, _, name = user.partition(".")
    if what == "agents":
        return "agents with a country of their own"
    if what == "default":
        return "all other calls"
    if what == "sites":
        name = configuration.sites[name].name or name
    return f"{what.removesuffix('s')} {name}" if name else what


def _row(
    configuration: Configuration, one: Listed, number: int, findings: Iterable[SoundFinding]
) -> _Row:
    sentence, entry = one.announcement, one.entry
    voice, level, seconds, recorded = "", "", 0.0, False
    if entry:
        recorded, seconds = entry.recorded, entry.seconds
        voice = f"recorded by a person: {entry.engine}" if recorded else entry.engine
        level = f"{entry.level:.1f} dBov".replace("-", "−")
    return _Row(
        id=f"sentence-{number}",
        language=sentence.language,
        title=_title(sentence),
        text=sentence.text,
        numbers=one.numbers,
        users=tuple(_user(configuration, user) for user in one.users),
        problems=tuple(_problem(finding, there=bool(entry)) for finding in findings),
        seconds=seconds,
        voice=voice,
        level=level,
        files=tuple(map(str, one.files.values())),
        recorded=recorded,
        wave=_wave(one.files),
    )


def _problem(finding: SoundFinding, *, there: bool) -> str:
    sentence = f"{finding.problem if there else 'there is no sound yet'}; {finding.remedy}."
    return sentence[0].upper() + sentence[1:]


def _wave(sounds: Mapping[SoundFormat, Path]) -> _Wave | None:
    """The first of the formats that can be decoded; None where there is none."""
    from .formats import decoded, rate

    for fmt, file in sounds.items():
        try:
            samples = decoded(file.read_bytes(), fmt)
        except (OSError, SoundError):
            continue
        return _drawn(samples, rate(fmt))
    return None


def _drawn(samples: Samples, rate: int) -> _Wave:
    import numpy as np

    from .audio import RATE, resampled

    narrow = resampled(samples, rate, RATE)
    file = BytesIO()
    module("soundfile", "speech").write(file, narrow, RATE, format="WAV", subtype="ULAW")
    size = round(_BAR * RATE)
    frames = np.abs(np.pad(narrow, (0, -len(narrow) % size))).reshape(-1, size)
    halves = np.clip(frames.max(axis=1) / _TALL, 0.02, 1.0) * 19
    bars = (f"M{x}.5 {20 - half:.1f}v{2 * half:.1f}" for x, half in enumerate(halves))
    data = f"data:audio/wav;base64,{b64encode(file.getvalue()).decode()}"
    return _Wave(data, "".join(bars), len(halves))


def _language(row: _Row) -> str:
    return row.language


def _section(language: str, rows: Sequence[_Row]) -> _Section:
    name = _LANGUAGES.get(language.partition("-")[0])
    parts = [_Part(title, list(some)) for title, some in groupby(rows, lambda row: row.title)]
    title = f"{name} ({language})" if name and "-" in language else name or language
    return _Section(f"language-{language}", title, _summary(rows, short=True), parts)


def _summary(rows: Sequence[_Row], *, short: bool = False) -> str:
    """How many, how long, how many are missing."""
    languages = len({row.language for row in rows})
    total = round(sum(row.seconds for row in rows))
    length = f"{total // 60}\u00a0min {total % 60:02d}\u00a0s" if total >= 60 else f"{total}\u00a0s"
    heading = _many(len(rows), "sentence")
    if not short:
        heading += f" in {_many(languages, 'language')}"
    missing = sum(not row.wave for row in rows)
    defective = sum(bool(row.wave and row.problems) for row in rows)
    recorded = sum(row.recorded for row in rows)
    parts = [
        heading,
        f"{length} in all" if not short else length,
        *([f"{recorded} recorded by a person"] if recorded else []),
        *([f"{missing} missing"] if missing else []),
        *([f"{defective} defective"] if defective else []),
    ]
    return ", ".join(parts)


def _trouble(rows: Iterable[_Row]) -> str:
    number = sum(bool(row.problems) for row in rows)
    return f"{_many(number, 'sentence')} {'is' if number == 1 else 'are'} not ready for callers"


def _troubles(rows: Iterable[_Row]) -> list[_Trouble]:
    """What is wrong, each with all the sentences that it is wrong with."""
    found: dict[str, list[_Row]] = {}
    for row in rows:
        for problem in row.problems:
            found.setdefault(problem, []).append(row)
    return [_Trouble(problem, wrong) for problem, wrong in found.items()]


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _policy(source: str) -> str:
    """What a browser may do for this page: run its own script, play its sounds, nothing else."""
    hashes = {}
    for tag in ("script", "style"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        hashes[tag] = b64encode(sha256(text.encode()).digest()).decode()
    return (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; media-src data:; "
        f"script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'"
    )
