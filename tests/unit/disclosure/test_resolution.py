from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.resolution import language_of, resolve, route_of
from callcentre_disclosure.disclosure.sites import (
    Basis,
    Site,
    SiteResolution,
    disclosed_countries,
)

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
SUNDAY = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
CALL = CallFacts("1.1", "PJSIP/trunk-00000001", "test")


@pytest.mark.parametrize(
    ("facts", "basis", "countries", "site"),
    [
        ({"agent": "PJSIP/201"}, Basis.AGENT, ("MA",), "casablanca"),
        ({"agent": "PJSIP/201-0000001a"}, Basis.AGENT, ("MA",), "casablanca"),
        ({"agent": "PJSIP/901"}, Basis.AGENT, ("MG",), None),
        ({"agent": "PJSIP/311"}, Basis.AGENT, ("TN",), "tunis"),
        ({"agent": "PJSIP/301"}, Basis.AGENT, ("FR",), "lyon"),
        ({"agent": "PJSIP/999", "queue": "support"}, Basis.QUEUE, ("MA", "TN"), None),
        ({"site": "tunis", "queue": "support"}, Basis.SITE, ("TN",), "tunis"),
        ({"site": "nowhere", "queue": "support"}, Basis.QUEUE, ("MA", "TN"), None),
        ({"queue": "lyon-only", "dialled_number": "0184880001"}, Basis.QUEUE, ("FR",), "lyon"),
        ({"dialled_number": "01 84 88 00 01"}, Basis.DNID, ("MA", "TN"), None),
        ({"trunk": "PJSIP/maroc-telecom"}, Basis.TRUNK, ("MA",), "casablanca"),
        ({"trunk": "other", "queue": "other"}, Basis.UNRESOLVED, (), None),
        ({}, Basis.UNRESOLVED, (), None),
    ],
)
def test_the_nearest_fact_tells_the_country(
    directory: Directory,
    facts: dict[str, str],
    basis: Basis,
    countries: tuple[str, ...],
    site: str | None,
) -> None:
    call = replace(CALL, **facts)  # type: ignore[arg-type]
    resolution = resolve(call, route_of(call, directory), directory)
    assert resolution.basis is basis
    assert disclosed_countries(resolution, MONDAY_NOON).codes == countries
    assert resolution.site == site


def test_other_calls_go_to_the_default_sites(directory: Directory) -> None:
    default = replace(directory.default_route, sites=("lyon",))
    elsewhere = replace(directory, default_route=default)
    resolution = resolve(CALL, route_of(CALL, elsewhere), elsewhere)
    assert resolution.basis is Basis.DEFAULT


def test_a_country_is_named_once_in_the_order_of_the_sites(directory: Directory) -> None:
    call = replace(CALL, dialled_number="+33184880002")
    resolution = resolve(call, route_of(call, directory), directory)
    assert disclosed_countries(resolution, MONDAY_NOON).codes == ("FR", "MA")
    assert disclosed_countries(resolution, SUNDAY).codes == ("MA",)


def test_agents_at_home_add_their_country_to_their_site(directory: Directory) -> None:
    tunis = Site("tunis", "Tunis", "TN", home_countries=("MG", "MA"))
    sites = {"tunis": tunis, "casablanca": Site("casablanca", "Casablanca", "MA")}
    resolution = SiteResolution(Basis.QUEUE, (sites["casablanca"], sites["tunis"]))
    assert disclosed_countries(resolution, MONDAY_NOON).codes == ("MA", "TN", "MG")


def test_when_every_site_is_closed_all_are_named(directory: Directory) -> None:
    call = replace(CALL, queue="lyon-only")
    resolution = resolve(call, route_of(call, directory), directory)
    assert disclosed_countries(resolution, SUNDAY).codes == ("FR",)


@pytest.mark.parametrize(
    ("facts", "language"),
    [
        ({"language": "en", "dialled_number": "0184880001"}, "en"),
        ({"dialled_number": "0184880001", "channel_language": "en"}, "fr"),
        ({"channel_language": "en"}, "en"),
        ({"channel_language": "en_GB"}, "en"),
        ({"channel_language": "en-US"}, "en"),
        ({"channel_language": "de"}, "fr"),
        ({}, "fr"),
    ],
)
def test_the_caller_is_spoken_to_in_their_language(
    directory: Directory, facts: dict[str, str], language: str
) -> None:
    call = replace(CALL, **facts)  # type: ignore[arg-type]
    assert language_of(call, route_of(call, directory), directory) == language
