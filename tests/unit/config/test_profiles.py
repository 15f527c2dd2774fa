"""Rules of one's own, next to those of the package."""

from __future__ import annotations

import pytest

from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.profiles import shipped_profiles
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.profile import Again, Choice, Profile, Region

from .conftest import BASE, Write, findings

SITES = BASE + "sites:\n  rabat: {country: MA}\n"


def own(entry: str) -> str:
    """A configuration with a profile of its own."""
    return SITES + f"profiles: {{charter: {{{entry}}}}}\ndefault: {{profile: charter}}\n"


def test_what_is_written_is_what_a_call_looks_up(write: Write) -> None:
    path = write(
        SITES
        + """\
domestic_country: MA
profiles:
  charter:
    title: Charte de qualité
    version: 2026-11-22
    status: in force
    sources: [intranet]
    stages: [answered]
    directions: [outbound]
    announce_domestic: false
    repeat_exact: true
    again: never
    deadline: 30
    choice: {region: domestic, stages: [answered], key: 5, seconds: 0.5}
    segments: [recording]
queues: {rabat: {sites: [rabat]}}
default: {profile: charter, choice: rabat}
"""
    )

    found = directory(load(path))

    assert found.default_route.profile == "charter"
    assert found.profiles.get("charter") == Profile(
        id="charter",
        version="2026-11-22",
        title="Charte de qualité",
        stages=(Stage.ANSWERED,),
        directions=(Direction.OUTBOUND,),
        announce_domestic=False,
        repeat_exact=True,
        again=Again.NEVER,
        deadline=30.0,
        choice=Choice(Region.DOMESTIC, (Stage.ANSWERED,), "5", 0.5),
        segments=("recording",),
    )


def test_an_empty_profile_asks_for_every_announcement(write: Write) -> None:
    found = directory(load(write(own(""))))

    assert found.profiles.get("charter") == Profile("charter")


def test_those_of_the_package_can_be_named_by_every_route(write: Write) -> None:
    ids = sorted(shipped_profiles())
    routes = "".join(
        f'  r{n}: {{numbers: ["{n}"], profile: {name}, choice: rabat}}\n'
        for n, name in enumerate(ids)
        if shipped_profiles()[name].choice
    )
    config = SITES.replace("MA", "FR") + "domestic_country: FR\nqueues: {rabat: {sites: [rabat]}}\n"

    found = directory(load(write(f"{config}routes:\n{routes}")))

    assert {"fr-2018", "it-24bis", "us-s2495", "us-fcc-2026", "none"}.issubset(ids)
    for name in ids:
        profile = found.profiles.get(name)
        assert profile is not None
        assert profile.id == name


@pytest.mark.parametrize(
    ("text", "flag"),
    [("yes", True), ("true", True), ("On", True), ("no", False), ("False", False), ("OFF", False)],
)
def test_yes_and_no_in_any_way_that_yaml_has(write: Write, text: str, flag: bool) -> None:
    configuration = load(
        write(own(f"repeat_exact: {text}, announce_domestic: {text}") + "domestic_country: FR")
    )

    entry = configuration.profiles["charter"]
    assert (entry.repeat_exact, entry.announce_domestic) == (flag, flag)


@pytest.mark.parametrize(
    ("key", "finding"),
    [
        ("repeat_exact: maybe", "repeat_exact: 'maybe' is neither yes nor no; write true or false"),
        ("repeat_exact: 1", "repeat_exact: '1' is neither yes nor no; write true or false"),
        ("repeat_exact: [yes]", "repeat_exact: here is a list; write one text instead"),
        ("deadline: 0", "deadline: '0' does not fit; write a number between 1 and 600"),
        ("deadline: 601", "deadline: '601' does not fit; write a number between 1 and 600"),
        ("deadline: soon", "deadline: 'soon' does not fit; write a number between 1 and 600"),
        ("again: always", "again: 'always' is not known; write one of country-changed, never"),
        ("stages: [posible]", "stages[0]: 'posible' is not known; did you mean possible?"),
        ("choice: {}", "choice: there is no region; add `region:`"),
        ("choice: {region: US}", "choice.region: 'US' is not known; "),
        ("choice: {region: EU, stages: []}", "choice.stages: the list is empty; "),
        ("choice: {region: EU, key: 12}", "choice.key: '12' does not fit; "),
        ("choice: {region: EU, seconds: 31}", "choice.seconds: '31' does not fit; "),
        ("segments: [recordin]", "segments[0]: there is no sentence 'recordin' in 'fr'; did you"),
        ("announce_home: no", "announce_home: this key is not known; did you mean"),
    ],
)
def test_a_profile_that_cannot_be_used(write: Write, key: str, finding: str) -> None:
    first = findings(write(own(key)))[0]

    assert first.startswith(f"config.yaml:6: profiles.charter.{finding}")


def test_a_profile_of_ones_own_does_not_replace_one_of_the_package(write: Write) -> None:
    (said,) = findings(write(SITES + "profiles: {it-24bis: {}}\n"))

    assert said == (
        "config.yaml:6: profiles.it-24bis: it-24bis is a profile of the package; "
        "choose another id for yours"
    )


@pytest.mark.parametrize(
    ("named", "remedy"),
    [
        ("it-24b", "did you mean it-24bis?"),
        ("chatrer", "did you mean charter?"),
        ("loi", "write one of charter, fr-2018, "),
    ],
)
def test_a_profile_that_nobody_has(write: Write, named: str, remedy: str) -> None:
    config = SITES + f"profiles: {{charter: {{}}}}\ndefault: {{profile: {named}}}\n"

    (said,) = findings(write(config))

    assert said.startswith(f"config.yaml:7: default.profile: there is no profile '{named}'; ")
    assert remedy in said


@pytest.mark.parametrize("name", ["Charter", "our charter", "2018", "-x"])
def test_an_id_that_the_dialplan_could_not_name(write: Write, name: str) -> None:
    (said,) = findings(write(SITES + f'profiles: {{"{name}": {{}}}}\n'))

    assert f"profiles.{name}: '{name}' does not fit; write a name for a rule" in said
