"""The commands, as a person at a terminal meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import run

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
MONDAY = "2026-11-23T10:00+01:00"
SUNDAY = "2026-11-22T10:00+01:00"


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(EXAMPLE))


def explained(*arguments: str) -> tuple[int, dict[str, object]]:
    done = run("explain", "--json", *arguments)
    told: dict[str, object] = json.loads(done.stdout)
    return done.exit_code, told


def test_explain_tells_countries_reason_and_sentence() -> None:
    did, queue = "+33 1 84 88 00 01", "customer-service"
    done = run("explain", "--did", did, "--queue", queue, "--language", "fr", "--at", MONDAY)
    assert done.exit_code == 0
    told = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    told = {key.strip(): value.strip() for key, value in told.items()}
    assert told["countries"] == "MA, TN, MG"
    assert told["because of"] == "the queue"
    assert told["sentence"] == (
        "Votre appel pourra être traité au Maroc, en Tunisie ou à Madagascar, merci de patienter."
    )


def test_explain_tells_what_else_is_said() -> None:
    told = explained("--did", "0184880003", "--language", "fr", "--at", MONDAY)[1]
    assert told["begins_with"] == ["Bienvenue chez Alpha Assurances."]
    assert told["adds"] == [
        "Cet appel peut être enregistré.",
        "Cet appel coûte quinze centimes par minute.",
    ]


@pytest.mark.parametrize(
    ("arguments", "countries", "because"),
    [
        (["--did", "0184880002", "--at", MONDAY], ["FR", "MA"], "the dialled number"),
        (["--did", "0184880002", "--at", SUNDAY], ["FR"], "the dialled number"),
        (
            ["--agent", "PJSIP/300", "--stage", "answered"],
            ["MG"],
            "the agent who answered",
        ),
        (["--trunk", "PJSIP/maroc-telecom"], ["MA"], "the trunk"),
    ],
)
def test_explain_follows_the_nearest_fact(
    arguments: list[str], countries: list[str], because: str
) -> None:
    code, told = explained(*arguments)
    assert (code, told["countries"], told["because_of"]) == (0, countries, because)


def test_explain_of_a_call_that_would_not_be_told_is_a_finding() -> None:
    code, told = explained("--did", "+4930123456", "--language", "en")
    assert code == 1
    assert told["not_told"] == "no site resolved"
    assert told["instead"] == "Your call may be handled in another country, please hold."


def test_a_time_that_is_none_is_wrong_use() -> None:
    assert run("explain", "--at", "tomorrow").exit_code == 2


def test_simulate_prints_the_conversation_and_the_call() -> None:
    done = run("simulate", "--agent", "PJSIP/901", "--stage", "answered", "--language", "fr")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("-> GET FULL VARIABLE")
    assert lines[-3:] == [
        "answered",
        "Votre appel sera traité en Belgique, merci de patienter.",
        "connected",
    ]
    assert run("simulate", "--did", "999").exit_code == 1


def test_check_names_every_finding(tmp_path: Path) -> None:
    bad = tmp_path / "config.yaml"
    bad.write_text("langages: [fr]\nsites: {lyon: {country: Maroc}}\n")
    done = run("check", str(bad))
    assert done.exit_code == 1
    assert f"{bad}:1: langages: this key is not known; did you mean languages?" in done.stdout
    assert f"{bad}:2: sites.lyon.country: " in done.stdout
    found = json.loads(run("check", "--json", str(bad)).stdout)
    assert {finding["key"] for finding in found} >= {"langages", "sites.lyon.country"}
    assert json.loads(run("check", "--json", str(EXAMPLE)).stdout) == []


@pytest.mark.parametrize(
    "command", [["check"], ["explain"], ["simulate"], ["prompts", "list"], ["fastagi"]]
)
def test_a_configuration_that_is_not_there_is_wrong_use(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(tmp_path / "none.yaml"))
    done = run(*command)
    assert done.exit_code == 2
    assert "there is no such file" in done.stderr


def test_schema_is_json() -> None:
    assert json.loads(run("schema").stdout)["additionalProperties"] is False


def test_prompts_are_built_checked_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "config.yaml"
    own.write_text(
        "languages: [en]\nsounds: {folder: sounds, level: -23}\nsites: {dakar: {country: SN}}\n"
        "routes: {one: {numbers: ['1'], sites: [dakar]}}\n"
    )
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(own))
    missing = run("prompts", "check")
    assert missing.exit_code == 1
    assert ", to 1 (routes.one), " in missing.stdout
    assert " built, 0 kept in " in run("prompts", "build").stdout.splitlines()[-1]
    listed = json.loads(run("prompts", "list", "--json").stdout)
    assert run("prompts", "check").stdout == f"{len(listed)} sounds, no findings\n"
    needed_by = [row["needed_by"] for row in listed if "possible" in row["sound"]]
    assert needed_by == [["routes.one", "sites.dakar"]] * 2  # received and made calls
    assert all(row["seconds"] < 5 for row in listed)
    assert "missing" not in run("prompts", "list").stdout
