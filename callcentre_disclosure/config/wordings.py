"""The sentences of a language, from ``<language>.yaml``."""

from __future__ import annotations

import re
from pathlib import Path

from callcentre_disclosure.disclosure.announcement import Wording
from callcentre_disclosure.errors import ConfigurationError, Finding

from .binding import Binder, Bound, Place
from .kinds import country_complaint
from .near import did_you_mean
from .reading import read_yaml
from .shipped import shipped

_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")


def text_files(language: str, folder: Path | None = None) -> tuple[Path, ...]:
    """Where the sentences of a language are looked for: in your own folder, then the package's."""
    return tuple(place / f"{language}.yaml" for place in _folders(folder))


def text_file(language: str, folder: Path | None = None) -> Path | None:
    """The file of a language's sentences, if there is one."""
    return next((file for file in text_files(language, folder) if file.is_file()), None)


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
    root = read_yaml(file)
    found = Binder(file, bound).bind(root, Wording)
    if found is not None:
        _check(found, language, Place(str(file), root.line, ""), bound.findings)
    if bound.findings or found is None:
        raise ConfigurationError(sorted(bound.findings))
    return found


def _check(found: Wording, language: str, place: Place, findings: list[Finding]) -> None:
    def wrong(key: str, problem: str, remedy: str) -> None:
        findings.append(Finding(place.file, place.line, key, problem, remedy))

    if found.language != language:
        wrong("language", f"{found.language!r} is not {language!r}", "name the file after it")
    for key, wanted in (("possible", ["{places}"]), ("answered", ["{places}"]), ("generic", [])):
        if _PLACEHOLDER.findall(getattr(found, key)) != wanted:
            remedy = "write {places} once and no other braces" if wanted else "write no braces"
            wrong(key, "the placeholders are wrong", remedy)
    for code in found.places:
        if complaint := country_complaint(code):
            wrong(f"places.{code}", *complaint)


def _folders(folder: Path | None) -> tuple[Path, ...]:
    package = shipped("prompts") / "texts"
    return (folder, package) if folder else (package,)
