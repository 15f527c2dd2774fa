"""Whether the pieces of a configuration fit together: choices, agents to dial, trunks, names."""

from __future__ import annotations

import pytest

from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.disclosure.call import CallFacts, Stage
from callcentre_disclosure.disclosure.resolution import resolve
from callcentre_disclosure.disclosure.route import Media, Trunk

from .conftest import BASE, Write, findings

CONFIG = (
    BASE
    + """\
sites: {rabat: {country: MA}, lyon: {country: FR}, oslo: {country: NO}}
queues:
  rabat: {sites: [rabat]}
  lyon: {sites: [lyon]}
  north: {sites: [lyon, oslo]}
agents:
  PJSIP/201: {site: rabat}
  PJSIP/3??: {site: lyon}
  Local/401@desks/n: {site: lyon}
  Yasmine Trabelsi: {site: rabat}
profiles:
  anywhere: {}
  abroad: {announce_domestic: false}
  eu: {choice: {region: EU}}
  home: {choice: {region: domestic}}
"""
)


def said(write: Write, treatment: str, *more: str) -> list[str]:
    """The findings about the default route, without the place of each."""
    text = CONFIG + f"default: {{{treatment}}}\n" + "".join(f"{line}\n" for line in more)
    return [line.split(": default: ")[1] for line in findings(write(text))]


NO_COUNTRY = "{} needs to know the country of the callers; add `domestic_country:`"


@pytest.mark.parametrize(
    ("treatment", "finding"),
    [
        (
            "profile: eu",
            "eu offers callers another agent, but there is no queue for them; "
            "name one under `choice:`",
        ),
        ("profile: anywhere, choice: lyon", "anywhere offers no choice; remove `choice:`"),
        ("choice: lyon", "no profile offers this choice; name one under `profile:`"),
        (
            "profile: eu, choice: rabat",
            "rabat is answered in rabat (MA), not EU; choose a queue of agents there",
        ),
        (
            "profile: eu, choice: north",
            "north is answered in oslo (NO), not EU; choose a queue of agents there",
        ),
        ("profile: home, choice: lyon", NO_COUNTRY.format("home")),
        ("profile: abroad", NO_COUNTRY.format("abroad")),
    ],
)
def test_a_choice_that_cannot_be_had(write: Write, treatment: str, finding: str) -> None:
    assert said(write, treatment) == [finding]


def test_a_domestic_choice_is_of_agents_at_home(write: Write) -> None:
    treatment = "profile: home, choice: lyon"

    assert said(write, treatment, "domestic_country: MA") == [
        "lyon is answered in lyon (FR), not domestic; choose a queue of agents there"
    ]
    text = f"{CONFIG}default: {{{treatment}}}\ndomestic_country: FR\n"
    assert directory(load(write(text))).default_route.choice == "lyon"


def test_a_choice_of_a_queue_that_is_not_there_has_one_finding(write: Write) -> None:
    text = CONFIG + "default: {profile: eu, choice: lyons}\n"

    (finding,) = findings(write(text))

    assert finding.endswith("default.choice: there is no queue 'lyons'; did you mean lyon?")


@pytest.mark.parametrize(
    "dial",
    ["PJSIP/201", "PJSIP/201&PJSIP/301, PJSIP/399", "Local/401@desks/n", "Local/401@desks"],
)
def test_agents_that_can_be_dialled(write: Write, dial: str) -> None:
    assert load(write(CONFIG + f"default: {{dial: [{dial}]}}\n"))


@pytest.mark.parametrize(
    ("treatment", "finding"),
    [
        ("dial: [PJSIP/202]", "PJSIP/202 is none of the agents; did you mean PJSIP/201?"),
        ("dial: [PJSIP/201&SIP/7]", "SIP/7 is none of the agents; "),
        ("dial: [PJSIP/3000]", "PJSIP/3000 is none of the agents; "),
        ("dial: [Local/402@desks/n]", "Local/402@desks/n is none of the agents; did you mean Loc"),
        (
            "dial: [PJSIP/201], queue: lyon",
            "there are both a queue and agents to dial; keep one of them",
        ),
    ],
)
def test_agents_that_cannot_be_dialled(write: Write, treatment: str, finding: str) -> None:
    (one,) = said(write, treatment)

    assert one.startswith(finding)


def test_an_agent_may_have_the_name_that_a_queue_knows(write: Write) -> None:
    found = directory(load(write(CONFIG)))
    call = CallFacts(
        "1.1", "c", "t", stage=Stage.ANSWERED, agent="Local/7@nowhere/n", member="Yasmine Trabelsi"
    )

    agent = resolve(call, found.default_route, found).agent

    assert agent is not None
    assert (agent.interface, agent.country) == ("Yasmine Trabelsi", "MA")


@pytest.mark.parametrize("name", ["Yasmine  Trabelsi", " Yasmine", "Trabelsi, Yasmine", 'Y "T"'])
def test_a_name_that_could_not_be_looked_up(write: Write, name: str) -> None:
    (finding,) = findings(
        write(BASE + f"sites: {{a: {{country: MA}}}}\nagents: {{'{name}': {{site: a}}}}")
    )

    assert "does not fit; write an agent's interface as Asterisk names it" in finding


def test_a_trunk_may_let_nothing_be_heard_before_the_answer(write: Write) -> None:
    trunks = "trunks: {PJSIP/a: {sites: [rabat]}, PJSIP/b: {sites: [rabat], media: answered}}\n"

    found = directory(load(write(CONFIG + trunks))).trunks

    assert found.get("PJSIP/a") == Trunk(("rabat",), Media.EARLY)
    assert found.get("PJSIP/b") == Trunk(("rabat",), Media.ANSWERED)
    (finding,) = findings(write(CONFIG + trunks.replace("answered", "none")))
    assert "trunks.PJSIP/b.media: 'none' is not known; write one of answered, early" in finding


def test_whom_a_site_calls_are_agents(write: Write) -> None:
    (finding,) = findings(write(BASE + "sites: {a: {country: MA, dial: [PJSIP/7]}}\n"))

    assert "sites.a: PJSIP/7 is none of the agents; " in finding
