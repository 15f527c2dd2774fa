"""The figures as a table, and docs/intelligibility.md. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from .scoring import USUAL, Heard, score

Group = tuple[str, str, str, str]

_SOURCES = ("shipped", "built", "received")
_STAGES = ("possible", "answered")
_HEAD = (
    "| sounds | engine | language | sentence | number | WER | exact | country heard | nearest |\n"
    "|---|---|---|---|--:|--:|--:|--:|--:|"
)


@dataclass(frozen=True, slots=True)
class Promise:
    """What the sounds of the usual countries must reach: how many are recognised at each stage of
    a call, and the word errors of both stages together."""

    source: str
    engine: str
    language: str
    recognised: int
    wer: float


PROMISES = (
    Promise("shipped", "", "fr", recognised=24, wer=0.04),
    Promise("built", "py-nanotts", "fr", recognised=23, wer=0.06),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a promise. Sounds that were not measured keep none."""

    promise: Promise
    recognised: int
    wer: float

    @property
    def kept(self) -> bool:
        return self.recognised >= self.promise.recognised and self.wer <= self.promise.wer

    @property
    def subject(self) -> str:
        promise = self.promise
        return " ".join(filter(None, (promise.source, promise.engine, promise.language)))

    def __str__(self) -> str:
        promise = self.promise
        return (
            f"{self.subject}: {self.recognised} countries recognised, WER {self.wer:.3f}; "
            f"promised were {promise.recognised} and {promise.wer}"
        )


def verdicts(heard: Sequence[Heard]) -> list[Verdict]:
    """What became of every promise; of its two stages the worse one recognises the fewer."""
    found = []
    for promise in PROMISES:
        some = [one for one in heard if _is_promised(one, promise)]
        stages = [[one for one in some if one.said.kind == kind] for kind in _STAGES]
        wer = score(some).wer if all(stages) else 1.0
        found.append(Verdict(promise, min(score(stage).recognised for stage in stages), wer))
    return found


def table(heard: Iterable[Heard]) -> str:
    """A row for each source, engine, language and kind of sentence, in Markdown."""
    return "\n".join([_HEAD, *(_row(group, some) for group, some in _groups(heard))])


def misses(heard: Iterable[Heard]) -> str:
    """Every country that was not recognised, and what was written instead, in Markdown."""
    lines = []
    for group, some in _groups(heard):
        wrong = [one for one in some if one.recognised is False or one.named is False]
        if not wrong:
            continue
        lines += [f"**{', '.join(group)}**", ""]
        for one in wrong:
            code = " ".join(one.said.codes)
            lines.append(f"- {code}{_fate(one)}: “{_plain(one.transcript)}”")
        lines.append("")
    return "\n".join(lines)


def document(heard: Sequence[Heard], versions: Mapping[str, str], day: date) -> str:
    """docs/intelligibility.md."""
    return _DOCUMENT.format(
        verdicts="\n".join(_verdict(verdict) for verdict in verdicts(heard)),
        table=table(heard),
        misses=misses(heard) or "None.\n",
        usual=" ".join(USUAL),
        versions=", ".join(f"{name} {number}" for name, number in versions.items()),
        day=f"{day:%-d %B %Y}",
    )


def _is_promised(one: Heard, promise: Promise) -> bool:
    said = one.said
    return (
        (said.source, said.language) == (promise.source, promise.language)
        and said.engine.startswith(promise.engine)
        and said.kind in _STAGES
        and len(said.codes) == 1
        and said.codes[0] in USUAL
    )


def _groups(heard: Iterable[Heard]) -> Iterator[tuple[Group, list[Heard]]]:
    def group(one: Heard) -> Group:
        return (one.said.source, one.said.engine, one.said.language, one.said.kind)

    def order(one: Heard) -> tuple[int, str, str, int, Group]:
        source, engine, language, kind = group(one)
        return (
            _SOURCES.index(source) if source in _SOURCES else -1,
            engine,
            language,
            _STAGES.index(kind) if kind in _STAGES else len(_STAGES),
            group(one),
        )

    for key, some in groupby(sorted(heard, key=order), group):
        yield key, list(some)


def _row(group: Group, some: Sequence[Heard]) -> str:
    figures = score(some)
    cells = (
        *group,
        str(figures.sounds),
        f"{figures.wer:.3f}",
        str(figures.exact),
        f"{figures.named}/{figures.countries}" if figures.countries else "–",
        f"{figures.recognised}/{figures.sets}" if figures.sets else "–",
    )
    return f"| {' | '.join(cells)} |"


def _fate(one: Heard) -> str:
    """What the nearest sentence says, where that is not the right one."""
    if one.nearest is None or one.recognised:
        return ""
    return f" **taken for {' or '.join(one.nearest)}**"


def _verdict(verdict: Verdict) -> str:
    promise = verdict.promise
    return (
        f"| {verdict.subject} | {promise.recognised}/{len(USUAL)} "
        f"| {verdict.recognised}/{len(USUAL)} | {promise.wer} | {verdict.wer:.3f} "
        f"| {'kept' if verdict.kept else '**missed**'} |"
    )


def _plain(text: str) -> str:
    """What Whisper wrote is its own; it must not mark anything up."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|" else c for c in " ".join(text.split()))


_DOCUMENT = """\
# Is the country understood on the telephone?

Written by `make intelligibility`; measured on {day}.

A machine that knows nothing of the call listens to each sound through a telephone line and writes
down what it hears. What it writes is compared with what was said.

| promise | countries, at each stage | reached | WER at most, of both | reached | |
|---|--:|--:|--:|--:|---|
{verdicts}

## Figures

{table}

- **sounds**: *shipped* with the package; *built* just now, by an engine that is installed;
  *received* by the SIP telephones of the integration tests, from a real Asterisk.
- **WER**: words substituted, left out or added, as a share of the words said.
- **exact**: sentences without any such word.
- **country heard**: the country's name is in the transcript, word for word. The one who listens may
  write anything: this is the severest test.
- **nearest**: of the sentences of the usual countries, the right one is nearest to the transcript,
  by the letters to change; of equals the longest. Who knows that a country will be named, and
  which ones it may be, does the same.

## Not heard

Every sound whose country is not in the transcript, and what was written instead. Where another
country's sentence was nearer, it says so.

{misses}
## Method

- Countries: {usual}, where calls of the French market are usually answered, its own among them.
  The same are taken in every language, one country a sentence, at both stages of a call (`possible`
  before an agent is sought, `answered` once one has answered). `make intelligibility ALL=1`
  measures every shipped sound; `python -m benchmarks.intelligibility FOLDER` those of any folder
  with a manifest.
- Line: 8 kHz, 300 to 3400 Hz, G.711 µ-law. What a SIP telephone received has been through a line
  and is taken as it is.
- Ears: Whisper-base (multilingual, int8), told the language, one beam search of 5 at temperature 0,
  no text before it. It makes errors where people make none: the figures are for comparing sounds,
  not for saying how many callers understand.
- Before they are compared, both texts lose case and punctuation, apostrophes and hyphens divide
  words, numbers are put into words. Accents count, except on capitals; so do homophones
  (*traité*, *traiter*).
- Engines are not all deterministic: freshly built sounds may differ by a sound or two from one
  measurement to the next.

Versions: {versions}.
"""
