from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import product

from callcentre_disclosure.config.announcements import needed, open_countries
from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.hours import opening_hours
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage
from callcentre_disclosure.disclosure.decision import decide, plan
from callcentre_disclosure.disclosure.profile import Profile
from callcentre_disclosure.disclosure.sites import (
    Basis,
    Site,
    SiteResolution,
    disclosed_countries,
)

from .conftest import BASE, Write


def site(country: str, zone: str = "UTC", *hours: str) -> Site:
    return Site(country, country, country, opening_hours(zone, hours) if hours else None)


def test_sites_that_are_always_open_are_always_named_together() -> None:
    assert open_countries([site("MA"), site("TN"), site("FR")]) == (("MA", "TN", "FR"),)


def test_each_site_closes_in_its_turn() -> None:
    found = open_countries(
        [site("MA", "UTC", "mon 08:00-16:00"), site("TN", "UTC", "mon 12:00-20:00")]
    )

    assert set(found) == {("MA", "TN"), ("MA",), ("TN",)}


def test_all_are_named_when_none_is_open_even_if_never_open_together() -> None:
    found = open_countries(
        [site("TN", "UTC", "mon 08:00-09:00"), site("MA", "UTC", "tue 8:00-9:00")]
    )

    assert set(found) == {("TN", "MA"), ("MA",), ("TN",)}


def test_clocks_that_change_at_other_times_are_seen() -> None:
    """New York is six hours behind Paris for most of the year, and five for some weeks."""
    paris = site("FR", "Europe/Paris", "mon 09:00-15:30")
    tunis = site("TN", "Africa/Tunis", "tue 08:00-18:00")

    for zone, together in (("America/New_York", True), ("America/Bogota", False)):
        american = site("US", zone, "mon 10:00-12:00")
        assert (("FR", "US") in open_countries([paris, american, tunis])) is together


def test_whatever_a_call_is_told_in_ten_years_was_foreseen() -> None:
    sites = [
        site("MA", "Africa/Casablanca", "mon-fri 08:00-18:00", "sat 09:00-13:00"),
        site("FR", "Europe/Paris", "mon-fri 09:00-19:00", "sun 22:00-06:00"),
        site("PH", "Asia/Manila", "daily 17:00-02:15"),
    ]
    foreseen = set(open_countries(sites))
    resolution = SiteResolution(Basis.QUEUE, tuple(sites))
    moment = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0)
    end = moment + timedelta(days=3650)

    while moment < end:
        assert disclosed_countries(resolution, moment).codes in foreseen, moment
        moment += timedelta(minutes=97)


def test_needed_covers_what_every_call_is_told_and_says_who_needs_it(write: Write) -> None:
    configuration = load(
        write(
            BASE
            + """\
sites:
  rabat: {country: MA}
  tunis: {country: TN, timezone: Africa/Tunis, hours: [mon 08:00-18:00]}
agents: {PJSIP/1: {country: MG}, PJSIP/2: {site: rabat}}
queues: {sales: {sites: [tunis, rabat]}}
routes:
  a: {numbers: [1], queue: sales, company: Alpha}
  b: {numbers: [2], sites: [rabat], segments: [recording]}
  c: {numbers: [3], company: Beta, segments: [recording, tariff]}
segments: {tariff: {fr: Appel gratuit.}}
domestic_country: TN
"""
        )
    )

    users = {
        sentence.text.removesuffix("."): names
        for sentence, names in needed(configuration).items()
        if "/outbound-" not in sentence.sound_name
    }

    assert users == {
        "Appel traité ailleurs": ("every route",),
        "Chez Alpha": ("routes.a",),
        "Chez Beta": ("routes.c",),
        "Appel enregistré": ("routes.b", "routes.c"),
        "Appel gratuit": ("routes.c",),
        "Appel traité en Tunisie ou au Maroc, merci": ("routes.a", "queues.sales"),
        "Appel traité au Maroc, merci": ("routes.a", "queues.sales", "routes.b", "sites.rabat"),
        "Appel pris en Tunisie, merci": ("sites.tunis",),
        "Appel traité en Tunisie, merci": ("sites.tunis",),
        "Conseiller au Maroc en ligne": ("sites.rabat",),
        "Conseiller en Tunisie en ligne": ("sites.tunis",),
        "Conseiller à Madagascar en ligne": ("agents",),
    }


def test_the_names_of_sounds_are_those_that_a_call_asks_for(write: Write) -> None:
    configuration = load(
        write(
            BASE
            + "sites: {rabat: {country: MA}}\n"
            + "default: {company: Alpha, segments: [recording]}\n"
        )
    )
    names = {sentence.sound_name for sentence in needed(configuration)}
    resolution = SiteResolution(Basis.DNID, (Site("rabat", "Rabat", "MA"),))
    countries = disclosed_countries(resolution, datetime.now(timezone.utc))
    nothing_built = directory(configuration)

    for direction, stage in product(Direction, Stage):
        call = CallFacts("1.1", "PJSIP/x-1", "agi", direction, stage)
        asked = plan(
            configuration.wordings["fr"],
            nothing_built.default_route,
            Profile(),
            call,
            countries,
            nothing_built,
        )
        for name in (asked.missing.removeprefix("sound "), *asked.unsaid):
            assert name in names


def users_of(write: Write, text: str) -> dict[str, tuple[str, ...]]:
    """The sentences of received calls that a configuration needs, with who needs each."""
    needs = needed(load(write(BASE + text)))
    return {s.text: names for s, names in needs.items() if "/outbound-" not in s.sound_name}


def test_a_choice_is_needed_by_the_routes_that_have_a_queue_for_it(write: Write) -> None:
    users = users_of(
        write,
        """\
sites: {rabat: {country: MA}, lyon: {country: FR}}
queues: {lyon: {sites: [lyon]}}
domestic_country: FR
profiles: {near: {choice: {region: domestic, key: 9}}, never: {choice: {region: EU, key: 5}}}
routes:
  italy: {numbers: [1], sites: [rabat], profile: it-24bis, choice: lyon}
  near: {numbers: [2], sites: [rabat], profile: near, choice: lyon}
  plain: {numbers: [3], sites: [rabat]}
""",
    )

    # The dialplan may insist on the profile of one route in a call of the other.
    both = ("routes.italy", "routes.near")
    assert users["Pour un conseiller dans l'Union, tapez 1."] == both
    assert users["Pour un conseiller en France, tapez 9."] == both
    assert not any("tapez 5" in text for text in users), "no route has that profile"
    assert "Appel impossible." not in users


def test_only_a_route_that_refuses_needs_to_say_so(write: Write) -> None:
    users = users_of(
        write,
        """\
sites: {rabat: {country: MA}}
routes:
  premium: {numbers: [1], sites: [rabat], on_failure: refuse}
  other: {numbers: [2], sites: [rabat]}
""",
    )

    assert users["Appel impossible."] == ("routes.premium",)


def test_every_country_is_named_where_the_site_is_not_known(write: Write) -> None:
    users = users_of(
        write,
        """\
sites: {rabat: {country: MA}, tunis: {country: TN}, sale: {country: MA}}
agents: {PJSIP/1: {country: MG}, PJSIP/2: {site: tunis, country: MA}, PJSIP/3: {site: tunis}}
domestic_country: FR
default: {on_failure: all}
""",
    )

    every = "Appel traité au Maroc, en Tunisie ou à Madagascar, merci."
    assert users[every] == ("default",)
    assert users["Appel traité ailleurs."] == ("every route",)


def test_one_country_is_every_country_and_not_certain(write: Write) -> None:
    """A call of no known site may be answered anywhere, even where all sites are at home."""
    users = users_of(
        write, "sites: {lyon: {country: FR}}\ndomestic_country: FR\ndefault: {on_failure: all}\n"
    )

    assert users["Appel traité en France, merci."] == ("default", "sites.lyon")
    assert users["Appel pris en France, merci."] == ("sites.lyon",)


def test_what_a_profile_adds_is_needed_by_every_route(write: Write) -> None:
    users = users_of(
        write,
        """\
sites: {rabat: {country: MA}}
segments: {tariff: {fr: Appel taxé.}, unused: {fr: Jamais dit.}}
profiles: {charter: {segments: [recording]}, idle: {segments: [unused]}}
routes:
  one: {numbers: [1], profile: charter}
  two: {numbers: [2], segments: [tariff]}
""",
    )

    assert users["Appel enregistré."] == ("routes.one", "routes.two", "default")
    assert users["Appel taxé."] == ("routes.two",)
    assert "Jamais dit." not in users


def test_whatever_a_decision_may_say_was_foreseen(write: Write) -> None:
    configuration = load(
        write(
            BASE
            + """\
sites: {rabat: {country: MA}, lyon: {country: FR}}
agents: {PJSIP/1: {country: MG}}
queues: {lyon: {sites: [lyon]}, all: {sites: [rabat, lyon]}}
domestic_country: FR
profiles:
  near: {choice: {region: domestic}, segments: [recording], announce_domestic: false}
  far: {choice: {region: EU, key: 2}}
routes:
  a: {numbers: [1], queue: all, profile: near, choice: lyon, on_failure: refuse, company: Alpha}
  b: {numbers: [2], profile: far, choice: lyon, on_failure: all}
  c: {numbers: [3], sites: [lyon], on_failure: silent, segments: [recording]}
"""
        )
    )
    names = {sentence.sound_name for sentence in needed(configuration)}
    nothing_built = directory(configuration)
    now = datetime.now(timezone.utc)
    offers = set()

    for route, profile, agent in product("abc", (None, "near", "far"), (None, "PJSIP/1", "?")):
        for direction, stage in product(Direction, Stage):
            who = agent if stage is Stage.ANSWERED else None
            call = CallFacts(
                "1.1", "c", "t", direction, stage, route=route, profile=profile, agent=who
            )
            decision = decide(call, nothing_built, now)
            said = [fallback.announcement.sound_name for fallback in decision.fallbacks]
            if decision.offer:
                offers.add(decision.offer.announcement.sound_name)
            if decision.plan.countries:
                said.append(decision.plan.missing.removeprefix("sound "))
            assert names.issuperset([*said, *decision.plan.unsaid, *offers]), call

    assert len(offers) == 2
