from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.reading import Items, Pairs, Scalar, read_yaml
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.errors import ConfigurationError, Finding

from .conftest import Write


def refusal(path: Path) -> Finding:
    with pytest.raises(ConfigurationError) as caught:
        read_yaml(path)
    (finding,) = caught.value.findings
    assert finding.file == str(path)
    return finding


def test_plain_scalars_stay_as_they_were_written(write: Write) -> None:
    root = read_yaml(write("[NO, 0184880001, +33184880001, 1.10, on, 08:30, 2026-01-01]"))

    assert isinstance(root, Items)
    assert [item.text for item in root.items if isinstance(item, Scalar)] == [
        "NO",
        "0184880001",
        "+33184880001",
        "1.10",
        "on",
        "08:30",
        "2026-01-01",
    ]


@pytest.mark.parametrize(
    ("text", "null"), [("a:", True), ("a: ~", True), ("a: ''", True), ("a: 'null'", False)]
)
def test_nothing_is_told_from_text(write: Write, text: str, null: bool) -> None:
    root = read_yaml(write(text))

    assert isinstance(root, Pairs)
    ((_, value),) = root.pairs
    assert isinstance(value, Scalar)
    assert value.null is null


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 0, "empty"),
        ("# only a comment\n", 0, "empty"),
        ("a: [1\nb: 2\n", 2, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: *nobody\n", 1, "no anchor"),
        ("a: &a [*a]\n", 1, "no anchor"),
        ("a: !Ref b\n", 1, "tag"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "tag"),
        ("a: 1\nb: \x07\n", 2, "control character"),
        ("[" * 500, 1, "nested too deep"),
        (b"a: 1\nb: \xe9t\xe9\n", 2, "UTF-8"),
    ],
)
def test_what_is_no_configuration_is_one_finding_with_its_line(
    write: Write, text: str | bytes, line: int, problem: str
) -> None:
    finding = refusal(write(text))

    assert finding.line == line
    assert problem in finding.problem


@pytest.mark.parametrize(
    ("text", "line", "problem", "remedy"),
    [
        ("sites:\n\tlyon: {country: FR}\n", 2, "a tab", "spaces"),
        ("a: 1\n\tb: 2\n", 2, "a tab", "spaces"),
        ("sites:\n  lyon:\n\t\tcountry: FR\n", 3, "a tab", "spaces"),
        ("name: @lyon\n", 1, "begins with @", "quotes"),
        ("agents:\n  *: {site: lyon}\n", 2, "begins with *", "quotes"),
        ("languages:[fr]\nsites: {}\n", 2, "mapping values", "a space after a key's colon"),
        ("lyon: {name: Centre: Lyon}\n", 1, "expected", "quotes around"),
    ],
)
def test_what_people_mistype_most_is_told_in_words(
    write: Write, text: str, line: int, problem: str, remedy: str
) -> None:
    finding = refusal(write(text))

    assert finding.line == line
    assert problem in finding.problem
    assert remedy in finding.remedy


def test_a_file_that_is_not_there_and_a_folder_are_findings(tmp_path: Path) -> None:
    missing = refusal(tmp_path / "config.yaml")
    assert "no such file" in missing.problem
    assert str(shipped("config.example.yaml")) in missing.remedy
    assert "folder" in refusal(tmp_path).problem


def test_aliases_repeat_what_they_name_but_not_without_end(write: Write) -> None:
    root = read_yaml(write("{a: &office [mon 08:00-18:00], b: *office}"))
    assert isinstance(root, Pairs)
    assert root.pairs[0][1] == root.pairs[1][1]

    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    assert "too much" in refusal(write(bomb)).problem
