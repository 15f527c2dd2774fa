"""Asterisk's own configuration files, as far as they can be read without running it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeAlias

#: Sections by name, options by name; of an option that is there twice, the last.
Sections: TypeAlias = "dict[str, dict[str, str]]"

_TRUE = ("yes", "true", "y", "t", "1", "on")
_SECTION = re.compile(r"\[([^\]]+)\](?:\(([^)]*)\))?")
_OPTION = re.compile(r"([\w-]+)\s*=>?\s*(.*)")
_INCLUDE = re.compile(r'#(?:try)?include\s+[<"]?([^>"]+)')


def read_sections(file: Path) -> Sections:
    """The sections of a file with what they take from their templates, and of those that it
    includes. Raises ``OSError``."""
    sections: Sections = {}
    _read(file, file.parent, sections, {})
    return sections


def is_true(value: str | None) -> bool:
    """As Asterisk reads it."""
    return (value or "").lower() in _TRUE


def _read(file: Path, root: Path, sections: Sections, section: dict[str, str]) -> None:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        text = re.sub(r"(?<!\\);.*", "", line).strip()
        if found := _INCLUDE.match(text):
            for included in sorted(_named(root, found[1].strip())):
                _read(included, root, sections, section)
        elif found := _SECTION.match(text):
            section = sections.setdefault(found[1], {})
            for template in (found[2] or "").split(","):
                section.update(sections.get(template.strip(), {}))
        elif found := _OPTION.match(text):
            section[found[1].lower()] = found[2].strip()


def _named(folder: Path, pattern: str) -> list[Path]:
    """The files of an ``#include``, which may be absolute."""
    whole = folder / pattern
    return [one for one in whole.parent.glob(whole.name) if one.is_file()]
