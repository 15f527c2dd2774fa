from __future__ import annotations

from pathlib import Path

from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.config.shipped import shipped
from tests.command_line import run


def test_every_country_in_every_language_at_both_stages() -> None:
    done = run("prompts", "sentences")
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert len(lines) == len(set(lines)) == 250 * 5 * 2
    assert (
        "fr  possible  MG  Votre appel pourra être traité à Madagascar, merci de patienter."
        in lines
    )
    assert "de  answered  CH  Ihr Berater ist aus der Schweiz zugeschaltet." in lines


def test_calls_made_in_one_language() -> None:
    lines = run("prompts", "sentences", "--direction=outbound", "fr").stdout.splitlines()
    assert len(lines) == 2 * len(countries())
    assert "fr  possible  MA  Cet appel peut provenir du Maroc, merci de patienter." in lines


def test_a_translator_is_told_what_is_missing(tmp_path: Path) -> None:
    french = (shipped("prompts") / "texts/fr.yaml").read_text(encoding="utf-8")
    without = [line for line in french.splitlines() if not line.startswith("  VU: ")]
    translated = "\n".join(without).replace("language: fr", "language: pt")
    (tmp_path / "pt.yaml").write_text(translated, encoding="utf-8")
    done = run("prompts", "sentences", "pt", "--texts", tmp_path)
    assert done.exit_code == 1
    assert done.stderr == "pt: there are no words for VU\n"
    assert len(done.stdout.splitlines()) == 2 * 249
