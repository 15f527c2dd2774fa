"""The commands, as a person at a terminal meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import run

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
MONDAY = "2026-11-23T10:00+01:00"
SUNDAY = "2026-11-22T10:00+01:00"


@pytest.fixture(autouse=True)
def example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(EXAMPLE))


def explained(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = run("explain", "--json", *arguments)
    told: dict[str, Any] = json.loads(done.stdout)
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


SERVICE, PREMIUM, CHARTER = "0184880001", "0184880002", "0184880004"
OFFER = "dans l'Union européenne"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--profile", "fr-2018"],
            {
                "rule": "fr-2018, as of 2026-11-22",
                "asked_for": "yes: fr-2018 asks for the country before an agent is sought, "
                "on inbound calls",
                "heard": "in the call, which is answered for it",
            },
        ),
        (["--profile", "it-24bis"], {"rule": "it-24bis, as of 2026-11-22"}),
        (["--profile", "us-s2495"], {"rule": "us-s2495, as of 2026-11-22"}),
        (
            ["--profile", "us-fcc-2026"],
            {"asked_for": "no: us-fcc-2026 asks for nothing at stage possible", "sentence": "none"},
        ),
        (["--profile", "none"], {"rule_title": "No rule", "sentence": "none"}),
        (
            ["--profile", "nobody"],
            {
                "rule": "fr-2018, as of 2026-11-22",
                "not_known": "profile nobody is not in the configuration",
            },
        ),
        (
            ["--told", "possible TN MA MG"],
            {"asked_for": "no: the caller was told TN, MA, MG before", "sentence": "none"},
        ),
        (["--told", "possible TN"], {"asked_for": "yes: fr-2018 asks for the country before "}),
        (["--route", "premium"], {"route": "premium", "countries": ["FR", "MA"]}),
        (["--route", "nobody"], {"not_known": "route nobody is not in the configuration"}),
        (["--site", "lyon"], {"because_of": "the site that the dialplan names"}),
    ],
    ids=" ".join,
)
def test_explain_tells_the_rule_and_what_it_asks_for(
    arguments: list[str], told: dict[str, object]
) -> None:
    code, found = explained("--did", SERVICE, "--at", MONDAY, *arguments)
    assert code == 0
    for key, value in told.items():
        assert found[key] == value or str(found[key]).startswith(str(value)), key
    if found["sentence"] == "none":
        assert not found.keys() & {"heard", "sound", "if_it_fails"}


def test_explain_tells_whom_a_caller_may_choose() -> None:
    found = explained("--did", CHARTER, "--at", MONDAY)[1]
    assert OFFER in str(found["offers"])
    assert found["who_chooses"] == "presses 1 up to 3 s after that, and goes on in the queue europe"
    assert found["heard"] == "in the call, which is answered for it, and sent as text messages"
    answered = explained("--did", CHARTER, "--stage=answered", "--agent=PJSIP/401")[1]
    assert answered["answered_by"] == ["PJSIP/401 (FR)"]
    assert "offers" not in answered, "Lyon is in the Union"
    found = explained("--did", SERVICE, "--profile", "it-24bis")[1]
    assert found["offers"] == "nothing: the route customer-service has no queue under choice"


def test_explain_tells_how_it_is_heard_and_who_works_at_home() -> None:
    assert explained("--did", PREMIUM)[1]["heard"] == "before the call is answered (SIP 183)"
    by_trunk = explained("--did", PREMIUM, "--trunk", "PJSIP/maroc-telecom")[1]
    assert by_trunk["heard"] == "in the call, which is answered for it"
    found = explained("--did", SERVICE, "--at", MONDAY)[1]
    assert found["answered_by"] == ["Casablanca (MA)", "Tunis (TN, agents at home in MG)"]
    assert explained("--did", PREMIUM, "--at", MONDAY)[1]["at"] == MONDAY


def test_explain_tells_of_an_agent_whom_nobody_knows() -> None:
    found = explained("--did", SERVICE, "--agent", "PJSIP/777", "--stage", "answered")[1]
    assert found["not_known"] == "agent PJSIP/777 is not in the configuration"
    assert found["because_of"] == "the dialled number"


def test_explain_tells_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "config.yaml"
    own.write_text(
        EXAMPLE.read_text().replace("sounds: {folder: ", "sounds: {level: -20, folder: ")
    )
    monkeypatch.setattr("callcentre_disclosure.config.directory.shipped", lambda _: tmp_path)
    arguments = ("--config", str(own), "--language", "fr", "--at", MONDAY)
    code, found = explained("--did", CHARTER, *arguments)
    assert code == 1
    assert str(found["not_told"]).startswith("missing: sound fr/possible-ma-tn-mg-")
    assert found["instead"] == "nothing is said"
    assert str(found["not_offered"]).startswith("missing: sound fr/choice-eu-")
    assert "heard" not in found
    found = explained("--did", PREMIUM, *arguments)[1]
    assert [name[:10] for name in found["without_a_sound"]] == [
        "fr/company",
        "fr/segment",
        "fr/segment",
    ]


def test_explain_is_read_line_by_line() -> None:
    done = run("explain", "--did", "999")
    lines = done.stdout.splitlines()
    assert "answered by  none" in lines
    assert "countries    none" in lines
    done = run("explain", "--did", PREMIUM, "--language", "fr")
    adds = "Cet appel peut être enregistré. Cet appel coûte quinze centimes par minute."
    assert f"adds         {adds}" in done.stdout.splitlines()


def test_what_was_told_is_written_as_the_channel_variable() -> None:
    done = run("explain", "--told", "MA TN")
    assert done.exit_code == 2
    assert "begin with possible or answered" in done.stderr


def test_simulate_prints_the_conversation_and_the_call() -> None:
    done = run("simulate", "--agent", "PJSIP/901", "--stage", "answered", "--language", "fr")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("-> GET FULL VARIABLE")
    assert lines[-5:] == [
        "answered",
        "Votre appel sera traité en Belgique, merci de patienter.",
        "connected",
        "",
        "DISCLOSED (BE), then BRIDGE",
    ]
    missed = run("simulate", "--did", "999")
    assert missed.exit_code == 1
    assert missed.stdout.endswith(
        "\n\nNOT_DISCLOSED, then CONTINUE_IN_DIALPLAN: no site resolved\n"
    )


def simulated(*arguments: str) -> tuple[int, list[str]]:
    """The exit code and what happened in a call, without what was said on the wire."""
    done = run("simulate", "--language", "fr", *arguments)
    _, timeline, verdict = done.stdout.split("\n\n")
    return done.exit_code, [*timeline.splitlines(), verdict.strip()]


def test_simulate_offers_another_agent() -> None:
    code, lines = simulated("--did", CHARTER)
    assert code == 0
    assert OFFER in lines[2]
    assert lines[3] == "connected"
    code, lines = simulated("--did", CHARTER, "--press", "1")
    assert lines[-2] == "redirected to disclosure-choice,europe,1"
    assert lines[-1].endswith(", then REDIRECT")


@pytest.mark.parametrize(
    "arguments", [["--profile", "none"], ["--told", "possible MA TN MG"], ["--profile=us-fcc-2026"]]
)
def test_simulate_of_a_call_that_needs_no_announcement(arguments: list[str]) -> None:
    code, lines = simulated("--did", SERVICE, *arguments)
    assert code == 0
    assert lines == ["connected", "NOT_REQUIRED, then CONTINUE_IN_DIALPLAN"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--did", CHARTER],
        ["--did", CHARTER, "--profile=us-fcc-2026", "--stage=answered", "--agent=PJSIP/201"],
        ["--did", PREMIUM, "--direction=outbound", "--caller", PREMIUM],
        ["--route", "premium", "--stage", "answered", "--site", "tunis", "--told", "possible MA"],
    ],
    ids=" ".join,
)
def test_what_is_explained_is_what_is_simulated(arguments: list[str]) -> None:
    found = explained("--language", "fr", *arguments)[1]
    wanted = [*found.get("begins_with", []), found["sentence"], *found.get("adds", [])]
    wanted += [found["offers"]] if "offers" in found else []
    code, lines = simulated(*arguments)
    assert code == 0
    assert [line for line in lines[1:-1] if line not in ("connected", "answered")] == wanted


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
    "command",
    [["check"], ["doctor"], ["explain"], ["simulate"], ["prompts", "list"], ["fastagi"], ["ari"]],
)
def test_a_configuration_that_is_not_there_is_wrong_use(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(tmp_path / "none.yaml"))
    done = run(*command)
    assert done.exit_code == 2
    assert "there is no such file" in done.stderr
    assert f"begin with a copy of {EXAMPLE}" in done.stderr


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_so_is_one_that_cannot_be_reached(command: str, tmp_path: Path) -> None:
    (tmp_path / "closed").symlink_to("closed")  # which keeps root out, too
    config = tmp_path / "closed" / "config.yaml"
    done = run(command, "--config", str(config))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{config}: cannot be read: ")


def test_a_file_that_the_machine_does_not_give_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("demo", "--fake", "--folder", str(tmp_path / "file" / "demo"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{tmp_path}/file/demo: Not a directory; ")


def test_the_help_names_the_folder_of_the_documentation() -> None:
    _, _, folder = run("--help").stdout.strip().rpartition("Documentation: ")
    assert (Path(folder) / "evidence.md").is_file()


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
