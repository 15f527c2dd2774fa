from __future__ import annotations

import pytest

from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import ManifestEntry, write_manifest
from callcentre_disclosure.disclosure.sites import Agent

from .conftest import BASE, Write

CONFIG = (
    BASE
    + """\
numbering: {country_code: 33, trunk_prefix: 0}
sites:
  rabat: {name: Rabat, country: MA}
  tunis: {country: TN, timezone: Africa/Tunis, hours: [mon 08:00-18:00]}
agents:
  "*": {site: rabat}
  PJSIP/2*: {site: rabat}
  PJSIP/2?1: {site: tunis}
  PJSIP/20*: {site: tunis, country: MG}
  PJSIP/201: {site: rabat, country: FR}
queues: {sales: {sites: [tunis, rabat]}}
trunks: {PJSIP/carrier: {sites: [rabat]}}
routes: {sales: {numbers: ["+33 1 84 88 00 01"], queue: sales}}
"""
)


def test_a_route_is_found_by_every_written_form_of_its_numbers(write: Write) -> None:
    found = directory(load(write(CONFIG)))

    for form in ("+33184880001", "33184880001", "0033184880001", "0184880001"):
        assert found.numbers.get(form) == "sales"
    sales = found.routes.get("sales")
    assert sales is not None
    assert sales.sites == ("tunis", "rabat")  # those of its queue


def test_an_agent_has_the_country_of_their_own_or_of_their_site(write: Write) -> None:
    found = directory(load(write(CONFIG)))

    assert found.agents.get("PJSIP/201") == Agent("PJSIP/201", "FR", "rabat")
    assert found.agents.get("PJSIP/2*") is None
    assert found.agent_patterns[-1] == Agent("*", "MA", "rabat")


def test_patterns_come_most_specific_first(write: Write) -> None:
    found = directory(load(write(CONFIG)))

    patterns = [agent.interface for agent in found.agent_patterns]
    assert patterns == ["PJSIP/2?1", "PJSIP/20*", "PJSIP/2*", "*"]


def test_sites_have_names_and_hours(write: Write) -> None:
    found = directory(load(write(CONFIG)))

    rabat, tunis = found.sites.get("rabat"), found.sites.get("tunis")
    assert rabat is not None
    assert tunis is not None
    assert (rabat.name, rabat.hours) == ("Rabat", None)
    assert tunis.name == "tunis"
    assert tunis.hours is not None


def test_sounds_that_were_built_win_over_shipped_ones(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(CONFIG)
    shipped, built = path.parent / "prompts" / "sounds", path.parent / "sounds"
    monkeypatch.setattr("callcentre_disclosure.config.directory.shipped", path.parent.joinpath)
    for folder, engine in ((shipped, "package"), (built, "own")):
        folder.mkdir(parents=True)
        names = ["fr/generic-1", *(["fr/possible-ma-1"] if folder is shipped else [])]
        entry = ManifestEntry("text", {"ulaw": "0" * 64}, 2.5, -26.0, engine)
        write_manifest(folder, dict.fromkeys(names, entry))

    sounds = directory(load(path)).sounds

    generic, possible = sounds.get("fr/generic-1"), sounds.get("fr/possible-ma-1")
    assert generic is not None
    assert possible is not None
    assert (generic.source, generic.path) == ("own", str(built / "fr" / "generic-1"))
    assert (possible.source, possible.path) == ("package", str(shipped / "fr/possible-ma-1"))
    assert possible.seconds == 2.5


@pytest.mark.parametrize(
    ("treatment", "dial"),
    [
        ("sites: [rabat, tunis]", ("PJSIP/201&PJSIP/202", "PJSIP/203", "PJSIP/301")),
        ("sites: [tunis, rabat]", ("PJSIP/301", "PJSIP/201&PJSIP/202", "PJSIP/203")),
        ("sites: [rabat], dial: [PJSIP/301]", ("PJSIP/301",)),
        ("queue: sales", ()),
        ("sites: [lyon]", ()),
    ],
    ids=["its sites", "in their order", "its own agents", "a queue", "nobody"],
)
def test_who_is_called_on_a_route(write: Write, treatment: str, dial: tuple[str, ...]) -> None:
    path = write(
        BASE + "sites:\n"
        "  rabat: {country: MA, dial: [PJSIP/201&PJSIP/202, PJSIP/203]}\n"
        "  tunis: {country: TN, dial: [PJSIP/301]}\n"
        "  lyon: {country: FR}\n"
        "agents: {PJSIP/2*: {site: rabat}, PJSIP/3*: {site: tunis}}\n"
        "queues: {sales: {sites: [rabat]}}\n"
        f"routes: {{one: {{numbers: ['1'], {treatment}}}}}\n"
    )
    route = directory(load(path)).routes.get("one")
    assert route is not None
    assert route.dial == dial
