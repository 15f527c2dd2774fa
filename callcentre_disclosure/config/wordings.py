"""The sentences of a language, from ``<language>.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from callcentre_disclosure.disclosure.announcement import Wording
from callcentre_disclosure.disclosure.call import Direction
from callcentre_disclosure.disclosure.profile import Region
from callcentre_disclosure.errors import ConfigurationError, Finding

from .binding import Binder, Bound, Place
from .kinds import country_complaint
from .near import did_you_mean
from .reading import is_there, read_yaml
from .shipped import shipped

_COUNTRIES = {"{places}", "{origins}"}
_PLACEHOLDERS: dict[str, set[str]] = {
    "company": {"{company}"},
    "possible": _COUNTRIES,
    "answered": _COUNTRIES,
    "domestic": _COUNTRIES,
    "generic": set(),
}
_CHOICE = ("{key}", "{places}")
_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")


def text_files(language: str, folder: Path | None = None) -> tuple[Path, ...]:
    """Where the sentences of a language are looked for: in your own folder, then the package's."""
    return tuple(place / f"{language}.yaml" for place in _folders(folder))


def text_file(language: str, folder: Path | None = None) -> Path | None:
    """The file of a language's sentences, if there is one."""
    return next((file for file in text_files(language, folder) if is_there(file)), None)


def available_languages(folder: Path | None = None) -> tuple[str, ...]:
    """The languages that there are sentences in."""
    found = {file.stem for place in _folders(folder) for file in place.glob("*.yaml")}
    return tuple(sorted(found))


def wording(language: str, folder: Path | None = None) -> Wording:
    """The sentences of a language, your own before the package's.

    Raises ``ConfigurationError`` with everything that is wrong with their file.
    """
    file = text_file(language, folder)
    if file is None:
        place = str(folder or shipped("prompts") / "texts")
        remedy = did_you_mean(language, available_languages(folder))
        problem = f"there are no sentences in {language!r}"
        raise ConfigurationError([Finding(place, 0, f"{language}.yaml", problem, remedy)])
    bound = Bound()
    root = read_yaml(file, shipped("prompts") / "texts" / "en.yaml")
    found = Binder(file, bound).bind(root, Wording)
    if found is not None:
        _check(found, language, Place(str(file), root.line, ""), bound.findings)
    if bound.findings or found is None:
        raise ConfigurationError(sorted(bound.findings))
    return found


def with_segments(words: Wording, own: Mapping[str, Mapping[str, str]]) -> Wording:
    """A language with the optional sentences of a configuration, which come before its own."""
    said = {name: texts[words.language] for name, texts in own.items() if words.language in texts}
    return replace(words, segments={**words.segments, **said})


def _check(found: Wording, language: str, place: Place, findings: list[Finding]) -> None:
    def wrong(key: str, problem: str, remedy: str) -> None:
        findings.append(Finding(place.file, place.line, key, problem, remedy))

    if found.language != language:
        wrong("language", f"{found.language!r} is not {language!r}", "name the file after it")
    for direction in Direction:
        for key, text in asdict(found.sentences(direction)).items():
            wanted = _PLACEHOLDERS[key]
            there = _PLACEHOLDER.findall(text)
            if len(there) != bool(wanted) or not wanted.issuperset(there):
                once = f"write {' or '.join(sorted(wanted))} once and no other braces"
                remedy = once if wanted else "write no braces"
                wrong(f"{direction.value}.{key}", "the placeholders are wrong", remedy)
    if tuple(sorted(_PLACEHOLDER.findall(found.choice))) != _CHOICE:
        remedy = f"write {' and '.join(_CHOICE)} once each and no other braces"
        wrong("choice", "the placeholders are wrong", remedy)
    plain = {f"segments.{name}": text for name, text in found.segments.items()}
    for key, text in {"refused": found.refused, **plain}.items():
        if _PLACEHOLDER.search(text):
            wrong(key, "the placeholders are wrong", "write no braces")
    for region in (region.value for region in Region if region is not Region.DOMESTIC):
        if region not in found.regions:
            wrong("regions", f"there is no {region}", f"add its two forms under {region}")
    for code in found.countries:
        if complaint := country_complaint(code):
            wrong(f"countries.{code}", *complaint)


def _folders(folder: Path | None) -> tuple[Path, ...]:
    package = shipped("prompts") / "texts"
    return (folder, package) if folder else (package,)
