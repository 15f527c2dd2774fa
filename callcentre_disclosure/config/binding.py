"""From a tree of text to the dataclasses it describes, and everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import nan
from pathlib import Path
from typing import Any, TypeVar

from callcentre_disclosure.errors import ConfigurationError, Finding

from .near import did_you_mean, nearest
from .reading import Items, Node, Pairs, Scalar
from .shape import (
    Between,
    Choice,
    FilePath,
    Flag,
    Kind,
    ListOf,
    MappingOf,
    Record,
    Shape,
    Text,
    record,
)

T = TypeVar("T")

#: As YAML 1.1 writes them.
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

#: So many findings are enough for one run.
_ENOUGH = 500

#: What a part becomes that cannot be had. It is left out, and a finding says so.
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: ``config.yaml``, line 12, ``sites.lyon.country``."""

    file: str
    line: int
    key: str

    def finding(self, problem: str, remedy: str) -> Finding:
        """Something that is wrong here."""
        return Finding(self.file, self.line, self.key, problem, remedy)


@dataclass(slots=True)
class Bound:
    """What one or several files said, whether or not it could all be used.

    ``texts`` are all texts that are what they should be, ``records`` all dataclasses that were
    made, ``keys`` the names in each mapping or list.
    """

    findings: list[Finding] = field(default_factory=list)
    texts: list[tuple[Kind, str, Place]] = field(default_factory=list)
    records: list[tuple[Any, Place]] = field(default_factory=list)
    keys: dict[str, set[str]] = field(default_factory=dict)

    def find(self, finding: Finding) -> None:
        """Note what is wrong. Raises ``ConfigurationError`` where it is enough, and says so."""
        if len(self.findings) >= _ENOUGH:
            problem = f"there are more than {_ENOUGH} findings, and these are the first"
            end = Finding(finding.file, 0, "", problem, "mend them, and check again")
            raise ConfigurationError([*sorted(set(self.findings)), end])
        self.findings.append(finding)


class Binder:
    """Binds trees of one file; relative paths in it start from its folder."""

    def __init__(self, path: Path, bound: Bound) -> None:
        self._file = str(path)
        self._folder = path.parent.absolute()
        self._bound = bound

    def bind(self, node: Node, cls: Callable[..., T], key: str = "") -> T | None:
        """The dataclass that ``node`` describes; None where it cannot be made."""
        made = self._record(node, record(cls), key)
        return None if made is _NOTHING else made

    def parts(self, node: Node, cls: Callable[..., Any]) -> dict[str, Any]:
        """The fields of a dataclass that can be had, even where it cannot be made of them."""
        return self._fields(node, record(cls), "")

    def _value(self, node: Node, shape: Shape, key: str) -> Any:
        if isinstance(shape, Text):
            text = self._text(node, key)
            return text if text is _NOTHING else self._kept(text, shape.kind, node.line, key)
        if isinstance(shape, Record):
            return self._record(node, shape, key)
        if isinstance(shape, ListOf):
            return self._list(node, shape, key)
        if isinstance(shape, MappingOf):
            return self._mapping(node, shape, key)
        text = self._text(node, key)
        if text is _NOTHING:
            return text
        if isinstance(shape, FilePath):
            return self._folder / text
        if isinstance(shape, Between):
            return self._number(text, shape, node.line, key)
        if isinstance(shape, Flag):
            return self._flag(text, node.line, key)
        return self._choice(text, shape, node.line, key)

    def _text(self, node: Node, key: str) -> Any:
        if isinstance(node, Scalar):
            if not node.null:
                return node.text
            return self._wrong(node.line, key, "there is nothing here", "write a value")
        return self._wrong(node.line, key, f"here is {_named(node)}", "write one text instead")

    def _kept(self, text: str, kind: Kind, line: int, key: str) -> Any:
        place = Place(self._file, line, key)
        if kind.complaint and (complaint := kind.complaint(text)):
            return self._wrong(line, key, *complaint)  # without repeating what may be a secret
        if not _pattern(kind.pattern).fullmatch(text):
            return self._wrong(line, key, f"{text!r} does not fit", f"write {kind.meaning}")
        self._bound.texts.append((kind, text, place))
        return text

    def _choice(self, text: str, shape: Choice, line: int, key: str) -> Any:
        for member in shape.enum:
            if member.value == text:
                return member
        remedy = did_you_mean(text, (str(member.value) for member in shape.enum))
        return self._wrong(line, key, f"{text!r} is not known", remedy)

    def _flag(self, text: str, line: int, key: str) -> Any:
        if (found := _FLAGS.get(text.casefold())) is not None:
            return found
        return self._wrong(line, key, f"{text!r} is neither yes nor no", "write true or false")

    def _number(self, text: str, shape: Between, line: int, key: str) -> Any:
        try:
            number = float(text)
        except ValueError:
            number = nan
        if shape.least <= number <= shape.most:
            return number
        remedy = f"write a number between {shape.least:g} and {shape.most:g}"
        return self._wrong(line, key, f"{text!r} does not fit", remedy)

    def _list(self, node: Node, shape: ListOf, key: str) -> Any:
        if not isinstance(node, Items):
            remedy = "write a list: [one, another]"
            return self._wrong(node.line, key, f"here is {_named(node)}", remedy)
        if shape.filled and not node.items:
            return self._wrong(node.line, key, "the list is empty", "write at least one entry")
        values = []
        seen = self._bound.keys.setdefault(key, set())
        for index, item in enumerate(node.items):
            where = f"{key}[{index}]"
            values.append(self._value(item, shape.item, where))
            if isinstance(item, Scalar):
                if item.text in seen:
                    self._wrong(item.line, where, f"{item.text!r} is here twice", "remove one")
                seen.add(item.text)
        return tuple(value for value in values if value is not _NOTHING)

    def _mapping(self, node: Node, shape: MappingOf, key: str) -> Any:
        if not isinstance(node, Pairs):
            return self._wrong(
                node.line, key, f"here is {_named(node)}", "write `key: value` lines"
            )
        if shape.filled and not node.pairs:
            return self._wrong(node.line, key, "there is nothing here", "write at least one entry")
        values = {}
        for name, (line, inner) in self._keys(node, key).items():
            where = f"{key}.{name}" if key else name
            self._bound.keys.setdefault(key, set()).add(name)
            kept = self._kept(name, shape.key, line, where)
            value = self._value(inner, shape.value, where)
            if kept is not _NOTHING and value is not _NOTHING:
                values[name] = value
        return values

    def _record(self, node: Node, shape: Record, key: str) -> Any:
        values = self._fields(node, shape, key)
        if any(known.required and name not in values for name, known in shape.fields.items()):
            return _NOTHING
        made = shape.cls(**values)
        self._bound.records.append((made, Place(self._file, node.line, key)))
        return made

    def _fields(self, node: Node, shape: Record, key: str) -> dict[str, Any]:
        if not isinstance(node, Pairs):
            remedy = f"write `key: value` lines with the keys {', '.join(shape.fields)}"
            self._wrong(node.line, key, f"here is {_named(node)}", remedy)
            return {}
        entries = self._keys(node, key)
        values = {}
        for name, (line, inner) in entries.items():
            where = f"{key}.{name}" if key else name
            known = shape.fields.get(name)
            if known is None:
                self._unknown_key(name, shape, line, where)
            elif known.required or not (isinstance(inner, Scalar) and inner.null):
                value = self._value(inner, known.shape, where)
                if value is not _NOTHING:
                    values[name] = value
        for name, known in shape.fields.items():
            if known.required and name not in entries:
                doc = f" ({known.doc})" if known.doc else ""
                self._wrong(node.line, key, f"there is no {name}", f"add `{name}:`{doc}")
        return values

    def _keys(self, node: Pairs, key: str) -> dict[str, tuple[int, Node]]:
        """The entries of a mapping by name; the first of those that are written twice."""
        entries: dict[str, tuple[int, Node]] = {}
        for name, value in node.pairs:
            if not isinstance(name, Scalar) or not name.text:
                self._wrong(name.line, key, "here is a key that is no text", "write a name")
            elif name.text in entries:
                first, _ = entries[name.text]
                where = f"{key}.{name.text}" if key else name.text
                problem = f"this key is already on line {first}"
                self._wrong(name.line, where, problem, "join the two, or rename one")
            else:
                entries[name.text] = (name.line, value)
        return entries

    def _unknown_key(self, name: str, shape: Record, line: int, where: str) -> None:
        if name == "<<":
            self._wrong(
                line, where, "merge keys are not read", "write the keys out, or *alias them"
            )
        else:
            known = list(shape.fields)
            close = nearest(name, known)
            remedy = f"did you mean {close}?" if close else f"the keys here are {', '.join(known)}"
            self._wrong(line, where, "this key is not known", remedy)

    def _wrong(self, line: int, key: str, problem: str, remedy: str) -> Any:
        self._bound.find(Finding(self._file, line, key, problem, remedy))
        return _NOTHING


def _named(node: Node) -> str:
    if isinstance(node, Scalar):
        return "nothing" if node.null else f"the text {node.text!r}"
    return "a list" if isinstance(node, Items) else "a mapping"


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
