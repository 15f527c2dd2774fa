"""The places and people that answer calls, and the countries that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .hours import OpeningHours


class Basis(str, Enum):
    """The fact that told where the call is, or may be, answered."""

    AGENT = "AGENT"
    SITE = "SITE"
    QUEUE = "QUEUE"
    DNID = "DNID"
    TRUNK = "TRUNK"
    DEFAULT = "DEFAULT"
    UNRESOLVED = "UNRESOLVED"


@dataclass(frozen=True, slots=True)
class Site:
    """A place where calls are answered; countries are ISO 3166-1 alpha-2 codes.

    ``home_countries`` are those of its agents who work at home in another country.
    """

    id: str
    name: str
    country: str
    hours: OpeningHours | None = None
    home_countries: tuple[str, ...] = ()

    @property
    def countries(self) -> tuple[str, ...]:
        """Every country that a call of this site may be answered in, its own first."""
        return (self.country, *self.home_countries)

    def open_at(self, moment: datetime) -> bool:
        """Whether calls may be answered here at an aware ``moment``; always, without hours."""
        return self.hours is None or self.hours.open_at(moment)


@dataclass(frozen=True, slots=True)
class Agent:
    """A person who answers, known by interface. The country is theirs (they may work at home)."""

    interface: str
    country: str
    site: str | None = None


@dataclass(frozen=True, slots=True)
class SiteResolution:
    """The sites (or the one agent) that a call may be answered by, and how that is known."""

    basis: Basis
    sites: tuple[Site, ...] = ()
    agent: Agent | None = None

    @property
    def site(self) -> str | None:
        """The id of the one site, where it is just one."""
        if self.agent is not None:
            return self.agent.site
        return self.sites[0].id if len(self.sites) == 1 else None


@dataclass(frozen=True, slots=True)
class DisclosedCountries:
    """What must be said: ISO 3166-1 alpha-2 codes, each once, in the order of the sites."""

    codes: tuple[str, ...] = ()


def disclosed_countries(resolution: SiteResolution, moment: datetime | None) -> DisclosedCountries:
    """The countries to name at an aware ``moment``, or at any (None).

    Sites that are closed are not named. When none is open all are: naming a country too many is
    the lesser fault, and whoever answers after hours does so at one of them.
    """
    if resolution.agent is not None:
        return DisclosedCountries((resolution.agent.country,))
    open_sites = [s for s in resolution.sites if moment is not None and s.open_at(moment)]
    candidates = open_sites or resolution.sites
    countries = (country for site in candidates for country in site.countries)
    return DisclosedCountries(tuple(dict.fromkeys(countries)))
