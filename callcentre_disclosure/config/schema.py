"""The JSON Schema of the configuration, for editors; written from the same types as the loader."""

from __future__ import annotations

from enum import Enum
from inspect import getdoc
from pathlib import Path
from typing import Any

from .model import ConfigurationFile
from .shape import (
    Between,
    Choice,
    Field,
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

Schema = dict[str, Any]


def json_schema() -> Schema:
    """JSON Schema, draft 2020-12. What it cannot say (that a site exists) only the loader says."""
    definitions: dict[str, Schema] = {}
    root = _record(record(ConfigurationFile), definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "callcentre-disclosure",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema(shape: Shape, definitions: dict[str, Schema]) -> Schema:
    if isinstance(shape, Text):
        return _defined(shape.kind.name, _kind(shape.kind), definitions)
    if isinstance(shape, FilePath):
        return {"type": "string", "minLength": 1}
    if isinstance(shape, Flag):
        return {"type": "boolean"}
    if isinstance(shape, Between):
        return {"type": "number", "minimum": shape.least, "maximum": shape.most}
    if isinstance(shape, Choice):
        return {"enum": [member.value for member in shape.enum]}
    if isinstance(shape, ListOf):
        least = {"minItems": 1} if shape.filled else {}
        items = _schema(shape.item, definitions)
        return {"type": "array", "items": items, "uniqueItems": True, **least}
    if isinstance(shape, MappingOf):
        least = {"minProperties": 1} if shape.filled else {}
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{shape.key.pattern}$"},
            "additionalProperties": _schema(shape.value, definitions),
            **least,
        }
    return _defined(shape.cls.__name__, _record(shape, definitions), definitions)


def _record(shape: Record, definitions: dict[str, Schema]) -> Schema:
    schema: Schema = {
        "type": "object",
        "description": " ".join((getdoc(shape.cls) or "").split()),
        "properties": {n: _field(field, definitions) for n, field in shape.fields.items()},
        "additionalProperties": False,
    }
    if required := [name for name, field in shape.fields.items() if field.required]:
        schema["required"] = required
    return schema


def _field(field: Field, definitions: dict[str, Schema]) -> Schema:
    schema = dict(_schema(field.shape, definitions))
    if field.doc:
        schema["description"] = field.doc
    default = field.default
    if isinstance(default, Enum):
        schema["default"] = default.value
    elif isinstance(default, (bool, float)):
        schema["default"] = default
    elif isinstance(default, (str, Path)):
        schema["default"] = str(default)
    return schema


def _kind(kind: Kind) -> Schema:
    schema: Schema = {"description": kind.meaning}
    if kind.choices:
        return {**schema, "enum": list(kind.choices())}
    text = {"type": "string", "pattern": f"^{kind.pattern}$"}
    return {**schema, "anyOf": [text, {"type": "integer"}]} if kind.digits else {**schema, **text}


def _defined(name: str, schema: Schema, definitions: dict[str, Schema]) -> Schema:
    definitions[name] = schema
    return {"$ref": f"#/$defs/{name}"}
