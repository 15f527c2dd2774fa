"""A YAML file as a tree of plain text that knows its lines.

No value is interpreted here, so ``NO`` stays the code of Norway and ``0184880001`` keeps its zero.
The tree is built from PyYAML's events rather than by its composer, which crashes the interpreter
on a file that is nested deep enough, drops duplicate keys and expands aliases without a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import yaml

from callcentre_disclosure.errors import ConfigurationError, Finding

from .shipped import shipped

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEPTH = 20
#: The longest text of a file, in characters, and file, in bytes: 100,000 agents are 4 MB.
_LONGEST, _LARGEST = 4096, 64 * 2**20
#: What is read of a file in all, what aliases repeat included: nodes, of which each is so many
#: characters.
_NODES, _NODE = 1_000_000, 256
#: A whole configuration, ready to be changed.
EXAMPLE = shipped("config.example.yaml")
#: A quoted ``"\e"`` puts these into a text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text as it was written; ``null`` where nothing, ``~`` or ``null`` was."""

    line: int
    text: str
    null: bool = False
    size: int = 1


@dataclass(frozen=True, slots=True)
class Items:
    line: int
    items: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping as it was written: in order, with its duplicates."""

    line: int
    pairs: tuple[tuple[Node, Node], ...]
    size: int


Node: TypeAlias = "Scalar | Items | Pairs"


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder. One that cannot be reached is: who reads it is told
    why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def read_text(path: Path, example: Path | None = None) -> str:
    """A file of UTF-8 text, with or without a byte order mark. Raises ``ConfigurationError``."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        begin = f"begin with a copy of {example}" if example else "create it"
        _refuse(path, 0, "there is no such file", f"{begin}, or give the path of yours")
    except IsADirectoryError:
        _refuse(path, 0, "this is a folder", "give the path of a file in it")
    except OSError as problem:
        _refuse(path, 0, f"cannot be read: {problem.strerror}", "let this user read it")
    if len(raw) > _LARGEST:
        _refuse(path, 0, f"this is more than {_LARGEST} bytes", "give the path of a configuration")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        _refuse(path, line, "this is not UTF-8 text", "save the file in the encoding UTF-8")


def read_yaml(path: Path, example: Path = EXAMPLE) -> Node:
    """The tree of a file that is to be as the ``example``. Raises ``ConfigurationError`` where
    there is none to be had."""
    text = read_text(path, example)
    try:
        return _Tree(path, example, yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, here = (mark.line + 1, text[mark.index : mark.index + 1]) if mark else (0, "")
        _refuse(path, line, *_no_yaml(problem.problem or problem.context or "", here))
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        _refuse(path, line, "there is a control character here", "remove it")


def _no_yaml(said: str, here: str) -> tuple[str, str]:
    """What a parser says that stopped at this character, in words that say what to do."""
    if here == "\t":
        return "there is a tab before this line's text", "indent with spaces"
    if here and here in "@%`":
        return f"in YAML no text begins with {here}", "put it in quotes"
    if "alphabetic or numeric" in said:  # the name of an anchor or alias
        return "in YAML no text begins with * or &", "put it in quotes"
    remedy = "mend the line, or the one above it"
    if here == ":":
        remedy += ": write a space after a key's colon, and quotes around a text that has a colon"
    return f"this is not YAML: {said}", remedy


class _Tree:
    def __init__(self, path: Path, example: Path, events: Iterator[Any]) -> None:
        self.path = path
        self.example = example
        self.events = events
        self.anchors: dict[str, Node] = {}
        self.size = 0

    def document(self) -> Node:
        next(self.events)  # the stream begins
        if isinstance(next(self.events), yaml.StreamEndEvent):
            _refuse(self.path, 0, "the file is empty", f"begin with a copy of {self.example}")
        root = self.node(next(self.events), 0)
        next(self.events)  # the document ends
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            line = after.start_mark.line + 1
            _refuse(self.path, line, "a second document begins here", "keep one in a file")
        return root

    def node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            node = self.anchors.get(str(event.anchor))
            if node is None:
                _refuse(self.path, line, f"*{event.anchor} has no anchor", f"write &{event.anchor}")
            self.grow(node.size, line)
            return node
        if depth > _DEPTH:
            _refuse(self.path, line, "this is nested too deep", f"see {self.example}")
        if event.tag:
            _refuse(self.path, line, f"the tag {event.tag} means nothing here", "remove it")
        if isinstance(event, yaml.ScalarEvent):
            self.check(event.value, line)
        before = self.size
        self.grow(1, line)
        node = self.grown(event, line, depth, before)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def grown(self, event: Any, line: int, depth: int, before: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0]
            null = not event.value or (plain and event.value in ("~", "null"))
            self.grow(len(event.value) // _NODE, line)
            return Scalar(line, event.value, null, self.size - before)
        nodes = []
        while not isinstance(event := next(self.events), yaml.CollectionEndEvent):
            nodes.append(self.node(event, depth + 1))
        if isinstance(event, yaml.SequenceEndEvent):
            return Items(line, tuple(nodes), self.size - before)
        return Pairs(line, tuple(zip(nodes[::2], nodes[1::2], strict=True)), self.size - before)

    def check(self, text: str, line: int) -> None:
        if len(text) > _LONGEST:
            _refuse(self.path, line, f"a text of {len(text)} characters", f"see {self.example}")
        if _CONTROL.search(text):
            _refuse(self.path, line, "there is a control character here", "remove it")

    def grow(self, nodes: int, line: int) -> None:
        self.size += nodes
        if self.size > _NODES:
            _refuse(self.path, line, "this is too much", "use agent files, and fewer aliases")


def _refuse(path: Path, line: int, problem: str, remedy: str) -> NoReturn:
    raise ConfigurationError([Finding(str(path), line, "", problem, remedy)])
