"""What a piece of configuration looks like, read from the types of the dataclass it fills.

The loader binds a file to these shapes and the JSON Schema is written from them, so neither can
say what the other does not. A field's type is its shape; ``Annotated`` adds a ``Kind`` for text, a
sentence of documentation, ``NOT_EMPTY``, and ``Between`` for a number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from math import inf
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

#: A list or mapping that needs at least one entry.
NOT_EMPTY = "not empty"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text stands for: its ``meaning`` in words, and the ``pattern`` all of it matches.

    ``complaint`` says what is wrong with a text and what to do about it; ``refers_to`` names the
    mapping that its text must be a key of; ``choices`` are all there are, for an editor to offer.
    ``digits`` marks what people write unquoted although it is all digits.
    """

    name: str
    meaning: str
    pattern: str = r"\S(.*\S)?"
    digits: bool = False
    complaint: Callable[[str], tuple[str, str] | None] | None = None
    refers_to: str = ""
    choices: Callable[[], Iterable[str]] | None = None


@dataclass(frozen=True, slots=True)
class Text:
    kind: Kind


@dataclass(frozen=True, slots=True)
class FilePath:
    pass


@dataclass(frozen=True, slots=True)
class Between:
    """A number between two others, both allowed."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no, in any way in which YAML 1.1 writes them."""


@dataclass(frozen=True, slots=True)
class Choice:
    enum: type[Enum]


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Shape
    filled: bool


@dataclass(frozen=True, slots=True)
class MappingOf:
    key: Kind
    value: Shape
    filled: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys: one dataclass."""

    cls: Callable[..., Any]
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Field:
    shape: Shape
    doc: str
    required: bool
    default: Any = None


Shape: TypeAlias = "Text | FilePath | Flag | Between | Choice | ListOf | MappingOf | Record"

_ANY_TEXT = Kind("text", "text")


@cache
def record(cls: Any) -> Record:
    """The shape of a dataclass."""
    hints = get_type_hints(cls, include_extras=True)
    fields = {}
    for field in dataclasses.fields(cls):
        has_default = field.default is not dataclasses.MISSING
        has_factory = field.default_factory is not dataclasses.MISSING
        fields[field.name] = Field(
            shape=_shape(hints[field.name]),
            doc=next((text for text in _extras(hints[field.name], str) if text != NOT_EMPTY), ""),
            required=not (has_default or has_factory),
            default=field.default if has_default else None,
        )
    return Record(cls, fields)


def _shape(hint: Any) -> Shape:
    kind = next(iter(_extras(hint, Kind)), _ANY_TEXT)
    filled = NOT_EMPTY in _extras(hint, str)
    between = next(iter(_extras(hint, Between)), Between(-inf, inf))
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return between if inner is float else _shape(inner)
    if origin is tuple:
        return ListOf(_shape(arguments[0]), filled)
    if origin is Mapping:
        key = _shape(arguments[0])
        assert isinstance(key, Text)
        return MappingOf(key.kind, _shape(arguments[1]), filled)
    if hint is str:
        return Text(kind)
    if hint is bool:
        return Flag()
    if hint is float:
        return between
    if hint is Path:
        return FilePath()
    if issubclass(hint, Enum):
        return Choice(hint)
    return record(hint)


def _extras(hint: Any, wanted: type) -> list[Any]:
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return [extra for extra in extras if isinstance(extra, wanted)]
