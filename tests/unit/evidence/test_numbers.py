"""The list of numbers and countries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.evidence.document import document
from callcentre_disclosure.evidence.numbers import UNKNOWN, Number, numbers
from tests.unit.disclosure.journeys import REFUSED, but

from .told_calls import ANSWERED, CALL, chosen, made, ordinary, told, unresolved

CONFIGURATION = """\
languages: [fr]
numbering: {country_code: "33", trunk_prefix: "0"}
sites: {casablanca: {country: MA}, tunis: {country: TN}, lyon: {country: FR}}
agents: {PJSIP/901: {site: tunis, country: MG}}
queues:
  support: {sites: [casablanca, tunis]}
  eu: {sites: [lyon]}
profiles: {mine: {choice: {region: EU}}}
routes:
  service: {numbers: ["01 84 88 00 01"], queue: support, profile: mine, choice: eu}
  quiet: {numbers: ["+33184880007"], sites: [lyon]}
  dialplan: {numbers: ["0184880008"]}
default: {sites: [lyon]}
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    return load(path)


def listed(configuration: Configuration, records: Iterable[LedgerRecord]) -> list[Number]:
    return numbers(configuration, (document(record, lambda number: number) for record in records))


def test_numbers_that_nobody_called_are_there_too(configuration: Configuration) -> None:
    found = listed(configuration, [])
    assert [(one.number, one.route, tuple(one.possible)) for one in found] == [
        ("+33184880001", "service", ("MA", "TN", "MG", "FR")),
        ("+33184880007", "quiet", ("FR",)),
        ("+33184880008", "dialplan", ("FR",)),
    ]
    assert {(one.direction, one.calls, one.is_configured) for one in found} == {("", 0, True)}


def test_a_call_counts_once_in_each_country(configuration: Configuration) -> None:
    records = [*ordinary("1.1"), *ordinary("1.2"), told("x", replace(CALL, linked_id="1.3"))]
    service = listed(configuration, records)[0]
    assert (service.direction, service.calls) == ("inbound", 3)
    assert service.announced == {"MA": 3, "TN": 3}
    assert service.answered == {"MA": 2}


def test_who_answered_after_a_choice_is_who_answered(configuration: Configuration) -> None:
    assert listed(configuration, chosen())[0].answered == {"FR": 1}


def test_an_agent_who_was_not_connected_has_not_answered(configuration: Configuration) -> None:
    refused = told(
        "id-1", replace(ANSWERED, dialled_number="+33184880002", told=None), but({"": REFUSED})
    )
    (one,) = [one for one in listed(configuration, [refused]) if one.calls]
    assert (one.number, one.calls, one.answered) == ("+33184880002", 1, {})


def test_a_number_that_no_route_has(configuration: Configuration) -> None:
    last = listed(configuration, unresolved())[-1]
    assert (last.number, last.route, last.is_configured) == ("+4930123456", "default", False)
    assert (last.announced, last.answered) == ({}, {UNKNOWN: 1})


def test_the_number_that_is_shown_on_calls_made(configuration: Configuration) -> None:
    (one, *_) = listed(configuration, [made()])
    assert (one.number, one.direction, one.calls) == ("+33184880001", "outbound", 1)
    assert one.answered == {"MA": 1}
