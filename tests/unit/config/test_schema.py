from __future__ import annotations

from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from callcentre_disclosure.config.schema import json_schema
from callcentre_disclosure.config.shipped import shipped


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def example() -> Any:
    return yaml.safe_load(shipped("config.example.yaml").read_text(encoding="utf-8"))


def test_the_example_is_valid(validator: Draft202012Validator, example: Any) -> None:
    assert list(validator.iter_errors(example)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("langages",), ["fr"]),
        (("languages",), []),
        (("languages",), "fr"),
        (("sites", "lyon", "country"), "UK"),
        (("sites", "lyon", "contry"), "FR"),
        (("sites", "with space"), {"country": "FR"}),
        (("routes", "premium", "on_failure"), "refused"),
        (("routes", "premium", "numbers"), ["call me"]),
        (("trunks", "maroc-telecom"), {"sites": ["lyon"]}),
        (("numbering", "country_code"), "+33"),
    ],
)
def test_an_editor_sees_what_is_wrong(
    validator: Draft202012Validator, example: Any, path: tuple[str, ...], value: Any
) -> None:
    *parents, last = path
    place = example
    for key in parents:
        place = place[key]
    place[last] = value

    assert list(validator.iter_errors(example))


def test_numbers_may_be_written_without_quotes(
    validator: Draft202012Validator, example: Any
) -> None:
    example["numbering"] = {"country_code": 33, "trunk_prefix": 0}
    example["routes"]["premium"]["numbers"] = [33184880002]

    assert list(validator.iter_errors(example)) == []


def test_an_editor_can_explain_every_key() -> None:
    schema = json_schema()
    records = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]

    for part in records:
        assert part["description"]
        for key, field in part["properties"].items():
            documented = field.get("description") or schema["$defs"][field["$ref"][8:]]
            assert documented, key
        assert part["additionalProperties"] is False
