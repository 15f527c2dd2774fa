from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import product

from callcentre_disclosure.config.announcements import needed, open_countries
from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.hours import opening_hours
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage
from callcentre_disclosure.disclosure.decision import plan
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
            call,
            countries,
            nothing_built,
        )
        for name in (asked.missing.removeprefix("sound "), *asked.unsaid):
            assert name in names
