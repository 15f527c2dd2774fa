"""What a rule asks for: at which stage a caller is told, of which countries, how often, and whether
another agent is to be offered. Profiles are data; ``config.profiles`` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .call import CallFacts, Direction, Stage


class Again(str, Enum):
    """Whether a caller who was told is told again, after a transfer or in another queue."""

    NEVER = "never"
    COUNTRY_CHANGED = "country-changed"


class Region(str, Enum):
    """Where the agent must be whom a caller may choose."""

    EU = "EU"
    DOMESTIC = "domestic"


#: ISO 3166-1 codes of the members of the European Union since 1 February 2020 (europa.eu).
# fmt: off
EUROPEAN_UNION = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class Choice:
    """An agent of a region, offered where the call is, or may be, answered outside of it.

    The caller presses ``key`` while the offer is made or up to ``seconds`` after it.
    """

    region: Region
    stages: tuple[Stage, ...] = tuple(Stage)
    key: str = "1"
    seconds: float = 3.0

    def is_due(self, countries: tuple[str, ...], domestic_country: str | None) -> bool:
        """Whether a call may be answered outside of the region; one of no known country may."""
        return not countries or not self.includes(countries, domestic_country)

    def includes(self, countries: tuple[str, ...], domestic_country: str | None) -> bool:
        """Whether all these countries are in the region."""
        inside = EUROPEAN_UNION if self.region is Region.EU else {domestic_country}
        return inside.issuperset(countries)


@dataclass(frozen=True, slots=True)
class Profile:
    """One rule, as it was on the day of its ``version``.

    ``deadline`` is the time, in seconds after the start of the call, by which the first
    announcement must be over. ``repeat_exact`` tells the country of the agent even where it was
    the only possible one before. Evidence is kept for ``keep_days`` (by default five years: after
    that no fine can be imposed any more in Italy, art. 28 of law 689/1981, from memory).

    As made without arguments it is the rule of a route that names none: whatever the dialplan asks
    for is announced, but nothing twice.
    """

    id: str = ""
    version: str = ""
    title: str = ""
    stages: tuple[Stage, ...] = tuple(Stage)
    directions: tuple[Direction, ...] = tuple(Direction)
    announce_domestic: bool = True
    repeat_exact: bool = False
    again: Again = Again.COUNTRY_CHANGED
    deadline: float | None = None
    choice: Choice | None = None
    segments: tuple[str, ...] = ()
    keep_days: int = 1826


@dataclass(frozen=True, slots=True)
class Duty:
    """Whether a call must be told its countries now, and which part of the rule says so."""

    asked: bool
    because: str


def duty(
    profile: Profile,
    call: CallFacts,
    countries: tuple[str, ...],
    domestic_country: str | None,
) -> Duty:
    """What a profile asks for of a call that is, or may be, answered in these countries."""
    rule = profile.id or "the dialplan"
    if call.direction not in profile.directions:
        return Duty(False, f"{rule} asks for nothing on {call.direction.value} calls")
    if call.stage not in profile.stages:
        return Duty(False, f"{rule} asks for nothing at stage {call.stage.value}")
    if countries == (domestic_country,) and not profile.announce_domestic:
        return Duty(False, f"{rule} exempts calls answered in {domestic_country}")
    told = call.told
    if told is not None and told.countries:
        if told.covers(call.stage, countries):
            exact = told.stage is Stage.POSSIBLE and call.stage is Stage.ANSWERED
            if not (exact and profile.repeat_exact):
                return Duty(False, f"the caller was told {', '.join(told.countries)} before")
        elif profile.again is Again.NEVER and not _is_second_stage(call):
            return Duty(False, f"{rule} asks for one announcement a call")
    when = "before an agent is sought" if call.stage is Stage.POSSIBLE else "once one has answered"
    return Duty(True, f"{rule} asks for the country {when}, on {call.direction.value} calls")


def _is_second_stage(call: CallFacts) -> bool:
    """Whether this is the agent's answer to a call that was told only what is possible."""
    assert call.told is not None
    return call.told.stage is Stage.POSSIBLE and call.stage is Stage.ANSWERED
