"""A small call centre, in memory, that the unit and contract tests share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from callcentre_disclosure.disclosure.announcement import (
    Announcement,
    CountryForms,
    Prompt,
    Sentences,
    Sound,
    Wording,
    announcement,
    choice_announcement,
    company_announcement,
    generic_announcement,
    refused_announcement,
    segment_announcement,
)
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.hours import OpeningHours, UtcOffsets
from callcentre_disclosure.disclosure.profile import Again, Choice, Profile, Region
from callcentre_disclosure.disclosure.route import FailurePolicy, Media, Route, Trunk
from callcentre_disclosure.disclosure.sites import Agent, Site
from tests.call_centre import CallCentre, Server
from tests.postgresql import Server as Postgresql

FRENCH = Wording(
    language="fr",
    conjunction="ou",
    inbound=Sentences(
        company="Bienvenue chez {company}.",
        possible="Votre appel pourra être traité {places}, merci de patienter.",
        answered="Votre conseiller, situé {places}, va vous répondre.",
        domestic="Votre appel sera traité {places}, merci de patienter.",
        generic="Votre appel pourra être traité dans un autre pays, merci de patienter.",
    ),
    outbound=Sentences(
        company="Bonjour, {company} vous appelle.",
        possible="Cet appel peut provenir {origins}, merci de patienter.",
        answered="Votre conseiller vous appelle {origins}, vous êtes en ligne.",
        domestic="Cet appel provient {origins}, merci de patienter.",
        generic="Cet appel peut provenir d'un autre pays, merci de patienter.",
    ),
    choice="Pour parler à un conseiller situé {places}, tapez {key}.",
    refused="Nous ne pouvons pas vous mettre en relation.",
    segments={"recording": "Cet appel peut être enregistré."},
    regions={"EU": CountryForms("dans l'Union européenne", "de l'Union européenne")},
    countries={
        "MA": CountryForms("au Maroc", "du Maroc"),
        "TN": CountryForms("en Tunisie", "de Tunisie"),
        "MG": CountryForms("à Madagascar", "de Madagascar"),
        "FR": CountryForms("en France", "de France"),
    },
)
ENGLISH = Wording(
    language="en",
    conjunction="or",
    inbound=Sentences(
        company="Welcome to {company}.",
        possible="Your call may be handled {places}, please hold.",
        answered="Your agent, located {places}, will now take your call.",
        domestic="Your call will be handled {places}, please hold.",
        generic="Your call may be handled in another country, please hold.",
    ),
    outbound=Sentences(
        company="Hello, this is {company} calling.",
        possible="This call may come {origins}, please hold.",
        answered="Your agent is calling {origins}, you are connected.",
        domestic="This call comes {origins}, please hold.",
        generic="This call may come from another country, please hold.",
    ),
    choice="For an agent {places}, press {key}.",
    refused="We cannot connect your call.",
    segments={"recording": "This call may be recorded."},
    regions={"EU": CountryForms("in the European Union", "from the European Union")},
    countries={
        "MA": CountryForms("in Morocco", "from Morocco"),
        "TN": CountryForms("in Tunisia", "from Tunisia"),
        "MG": CountryForms("in Madagascar", "from Madagascar"),
        "FR": CountryForms("in France", "from France"),
    },
)

#: Where tests have servers, an Asterisk and telephones run.
RUNNING = ("contract", "fire", "fleet", "integration")

OFFICE_HOURS = OpeningHours(
    zone=UtcOffsets(since=(0,), minutes=(60,)),
    spans=tuple((day * 1440 + 8 * 60, day * 1440 + 18 * 60) for day in range(5)),
)


PROFILES = {
    profile.id: profile
    for profile in (
        Profile("none", stages=()),
        Profile("received", directions=(Direction.INBOUND,)),
        Profile("abroad", announce_domestic=False),
        Profile("once", again=Again.NEVER),
        Profile("emphatic", repeat_exact=True),
        Profile("prompt", deadline=30.0),
        Profile("choice", choice=Choice(Region.EU)),
        Profile("recorded", segments=("recording",)),
    )
}


def sound_of(sentence: Announcement) -> Sound:
    """A sound that lasts a twentieth of a second a letter."""
    return Sound(f"/sounds/{sentence.sound_name}", "0" * 64, len(sentence.text) / 20, "test")


def sentences(wording: Wording) -> list[Announcement]:
    wanted = [segment_announcement(wording, "recording"), refused_announcement(wording)]
    wanted += [choice_announcement(wording, Choice(region), "FR") for region in Region]
    for direction in Direction:
        wanted.append(generic_announcement(wording, direction))
        wanted.append(company_announcement(wording, direction, "Alpha"))
        for codes in (
            ("MA",),
            ("TN",),
            ("MG",),
            ("FR",),
            ("MA", "TN"),
            ("FR", "MA"),
            ("MA", "TN", "FR", "MG"),
        ):
            wanted += [announcement(wording, direction, stage, codes, "FR") for stage in Stage]
            wanted += [announcement(wording, direction, stage, codes) for stage in Stage]
    return [sentence for sentence in wanted if sentence]


def small_call_centre() -> Directory:
    """Casablanca and Tunis behind one queue, Lyon with office hours, one agent at home."""
    spoken = [*sentences(FRENCH), *sentences(ENGLISH)]
    service = Route("service", FailurePolicy.GENERIC, ("casablanca", "tunis"), "fr")
    premium = Route("premium", FailurePolicy.REFUSE, ("lyon", "casablanca"))
    silent = Route("silent", FailurePolicy.SILENT, ("tunis",), "fr")
    return Directory(
        sites={
            "casablanca": Site("casablanca", "Casablanca", "MA"),
            "tunis": Site("tunis", "Tunis", "TN"),
            "lyon": Site("lyon", "Lyon", "FR", OFFICE_HOURS),
        },
        agents={
            "PJSIP/201": Agent("PJSIP/201", "MA", "casablanca"),
            "PJSIP/901": Agent("PJSIP/901", "MG"),
        },
        agent_patterns=(Agent("PJSIP/30*", "FR", "lyon"), Agent("PJSIP/3*", "TN", "tunis")),
        queues={"support": ("casablanca", "tunis"), "lyon-only": ("lyon",)},
        trunks={
            "PJSIP/maroc-telecom": Trunk(("casablanca",)),
            "PJSIP/deaf": Trunk(("casablanca",), Media.ANSWERED),
        },
        numbers={
            "+33184880001": "service",
            "0184880001": "service",
            "+33184880002": "premium",
            "+33184880003": "silent",
        },
        routes={route.id: route for route in (service, premium, silent)},
        profiles=PROFILES,
        default_route=Route("default", FailurePolicy.GENERIC),
        languages=("fr", "en"),
        wordings={"fr": FRENCH, "en": ENGLISH},
        sounds={sentence.sound_name: sound_of(sentence) for sentence in spoken},
        domestic_country=None,
        every_country=("MA", "TN", "FR", "MG"),
    )


@pytest.fixture
def directory() -> Directory:
    """``small_call_centre``."""
    return small_call_centre()


def small_prompts() -> list[Prompt]:
    """Every sound of ``small_call_centre`` with its text."""
    spoken = [*sentences(FRENCH), *sentences(ENGLISH)]
    return [Prompt(sentence, sound_of(sentence)) for sentence in spoken]


@pytest.fixture
def prompts() -> list[Prompt]:
    """``small_prompts``."""
    return small_prompts()


@pytest.fixture
def without_sounds(directory: Directory) -> Directory:
    """The same call centre before anybody built a sound."""
    return replace(directory, sounds={})


@pytest.fixture
def server(centre: CallCentre) -> Iterator[Server]:
    """A FastAGI server for the ``centre`` of the test, in processes of its own."""
    running = Server(centre)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Postgresql]:
    """One PostgreSQL for all tests of this process; a test that stops it must use ``postgresql``,
    after which it runs again."""
    with Postgresql() as running:
        yield running


@pytest.fixture
def postgresql(postgresql_server: Postgresql) -> Postgresql:
    """The server, up and running, for the test to stop, kill and freeze."""
    postgresql_server.ensure_running()
    return postgresql_server


@pytest.fixture
def postgresql_url(postgresql: Postgresql) -> Iterator[str]:
    """A new, empty database in it."""
    with postgresql.database() as url:
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A machine that is busy with others may be too slow for anything that waits. A test of running
    processes that failed is made again, twice at most; the summary names it."""
    for item in items:
        if item.path.parent.name in RUNNING:
            item.add_marker(pytest.mark.flaky(reruns=2))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if again := terminalreporter.getreports("rerun"):
        terminalreporter.section("FAILED AT FIRST, MADE AGAIN", sep="!", yellow=True, bold=True)
        for report in again:
            terminalreporter.write_line(f"{report.nodeid}\n{report.longreprtext}")
