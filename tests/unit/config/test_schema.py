from __future__ import annotations

import json
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
        (("trunks", "PJSIP/maroc-telecom", "media"), "none"),
        (("routes", "premium", "text"), "maybe"),
        (("routes", "premium", "dial"), "PJSIP/201"),
        (("profiles",), {"charter": {"announce_domestic": "maybe"}}),
        (("profiles",), {"charter": {"deadline": 601}}),
        (("profiles",), {"charter": {"stages": ["posible"]}}),
        (("profiles",), {"charter": {"choice": {}}}),
        (("profiles",), {"charter": {"choice": {"region": "EU", "key": "A"}}}),
        (("profiles",), {"Our charter": {}}),
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


def test_what_a_rule_of_ones_own_may_say(validator: Draft202012Validator, example: Any) -> None:
    choice = {"region": "EU", "stages": ["answered"], "key": 5, "seconds": 2.5}
    example["profiles"] = {
        "charter": {
            "title": "Charte",
            "stages": ["answered"],
            "directions": ["inbound"],
            "announce_domestic": False,
            "again": "never",
            "deadline": 30,
            "choice": choice,
            "segments": ["recording"],
        }
    }
    example["routes"]["premium"] |= {"profile": "charter", "choice": "premium", "text": True}
    example["agents"]["Yasmine Trabelsi"] = {"site": "tunis"}
    example["trunks"]["PJSIP/maroc-telecom"]["media"] = "answered"

    assert list(validator.iter_errors(example)) == []


def test_it_is_json() -> None:
    """Python would write the limits of a number without any as Infinity."""
    assert json.dumps(json_schema(), allow_nan=False)


def test_an_editor_can_explain_every_key() -> None:
    schema = json_schema()
    records = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]

    for part in records:
        assert part["description"]
        for key, field in part["properties"].items():
            documented = field.get("description") or schema["$defs"][field["$ref"][8:]]
            assert documented, key
        assert part["additionalProperties"] is False
