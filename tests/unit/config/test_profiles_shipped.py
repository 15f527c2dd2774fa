"""The rules that come with the package ask for what their sources say, and can be said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from callcentre_disclosure.config.model import ChoiceEntry, ProfileEntry
from callcentre_disclosure.config.profiles import shipped_profiles
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.config.wordings import available_languages, wording
from callcentre_disclosure.disclosure.announcement import choice_announcement, refused_announcement
from callcentre_disclosure.disclosure.call import Stage
from callcentre_disclosure.disclosure.profile import Choice, Region

EVERYTHING = ProfileEntry()
"""Both stages, both directions, the domestic country too, no deadline and no choice."""

KNOBS = {
    # Amendment 1160 to the PACTE bill, art. L. 111-9: "ses correspondants téléphoniques" are told
    # "le ou les pays d'implantation desdits centres"; nobody is exempt, nothing is offered.
    "fr-2018": EVERYTHING,
    # Art. 24-bis DL 83/2012, commas 5 (calls received) and 6 (made); AGCOM, 30.7.2018: in Italy and
    # the EU, too. Outside of the EU an agent inside of it, "nell'ambito della medesima chiamata".
    "it-24bis": replace(EVERYTHING, choice=ChoiceEntry(Region.EU)),
    # S. 2495 (2025): the location at the beginning, a U.S. agent on request. Whether calls that
    # stay in the United States are exempt, as in S. 2409 (2021), was not found: they are told.
    "us-s2495": replace(EVERYTHING, choice=ChoiceEntry(Region.DOMESTIC)),
    # FCC, CG Docket 26-52: the foreign location, as the call connects; then domestic routing.
    "us-fcc-2026": replace(
        EVERYTHING,
        stages=(Stage.ANSWERED,),
        announce_domestic=False,
        choice=ChoiceEntry(Region.DOMESTIC, (Stage.ANSWERED,)),
    ),
    "none": replace(EVERYTHING, stages=()),
}

FILES = sorted((shipped("prompts") / "profiles").iterdir())
LANGUAGES = available_languages()


def test_every_file_is_a_profile_and_has_a_row_here() -> None:
    assert {file.name for file in FILES} == {f"{name}.yaml" for name in KNOBS}
    assert set(shipped_profiles()) == set(KNOBS)


@pytest.mark.parametrize("name", KNOBS)
def test_a_profile_asks_for_what_its_sources_say(name: str) -> None:
    entry = shipped_profiles()[name]
    assert replace(entry, title="", version="", status="", sources=()) == KNOBS[name]


@pytest.mark.parametrize("name", KNOBS)
def test_a_profile_says_where_it_is_written_and_when_it_was_compared(name: str) -> None:
    entry = shipped_profiles()[name]
    assert all((entry.title, entry.status, entry.sources, *entry.sources))
    assert date.fromisoformat(entry.version).isoformat() == entry.version


@pytest.mark.parametrize("name", KNOBS)
def test_a_choice_is_offered_only_where_something_is_said(name: str) -> None:
    entry = shipped_profiles()[name]
    if entry.choice:
        assert set(entry.choice.stages) <= set(entry.stages)


def test_the_status_says_which_rule_is_in_force() -> None:
    in_force = {name for name, entry in shipped_profiles().items() if entry.status == "in force"}
    assert in_force == {"it-24bis"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("region", [region for region in Region if region is not Region.DOMESTIC])
def test_every_language_offers_an_agent_of_every_region(language: str, region: Region) -> None:
    words = wording(language)
    said = choice_announcement(words, Choice(region, key="7"), None)
    assert said is not None
    assert said.text.count(words.regions[region.value].place) == 1
    assert said.text.count("7") == 1
    assert "{" not in said.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_offers_an_agent_at_home(language: str) -> None:
    words = wording(language)
    said = choice_announcement(words, Choice(Region.DOMESTIC), "US")
    assert said is not None
    assert said.text.count(words.countries["US"].place) == 1
    assert choice_announcement(words, Choice(Region.DOMESTIC), None) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_refuses_a_call_in_one_short_breath(language: str) -> None:
    said = refused_announcement(wording(language)).text
    assert "{" not in said
    assert len(said) < 80


def test_german_numbers_before_a_full_stop_are_ordinals() -> None:
    """A voice says "wählen Sie die erste" for "wählen Sie die 1."."""
    said = choice_announcement(wording("de"), Choice(Region.EU), None)
    assert said is not None
    assert "1." not in said.text
