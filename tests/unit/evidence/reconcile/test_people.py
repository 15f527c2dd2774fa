from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.disclosure.call import Direction
from callcentre_disclosure.evidence.reconcile.calls import Connection, Party
from callcentre_disclosure.evidence.reconcile.people import People
from tests.unit.evidence.reconcile.scenes import at

CARRIER, PARTNER, DESK = "PJSIP/carrier-00000000", "PJSIP/partner-00000000", "PJSIP/77-00000001"
AMINA, LUC = "PJSIP/201-00000002", "PJSIP/401-00000003"


def roles(people: People, first: str, second: str, *known_by: str) -> tuple[str, str, str] | None:
    connection = Connection(Party(first), Party(second, "", known_by), at(0), at(9))
    found = people.roles(connection)
    if found is None:
        return None
    country = found.agent.country if found.agent else ""
    return found.consumer.channel, found.person.channel, country


@pytest.mark.parametrize(
    ("first", "second", "consumer", "country"),
    [
        pytest.param(CARRIER, AMINA, CARRIER, "MA", id="received"),
        pytest.param(AMINA, CARRIER, CARRIER, "MA", id="made"),
        pytest.param(CARRIER, DESK, CARRIER, "", id="somebody unknown"),
        pytest.param(DESK, PARTNER, PARTNER, "", id="by a known trunk"),
        pytest.param("", "Yasmine Trabelsi", "", "TN", id="a member's name"),
        pytest.param("", "PJSIP/partner", "", "", id="a member abroad"),
    ],
)
def test_who_is_the_consumer(
    people: People, first: str, second: str, consumer: str, country: str
) -> None:
    found = roles(people, first, second)
    assert found is not None
    assert (found[0], found[2]) == (consumer, country)


def test_agents_among_themselves_are_no_consumers(people: People) -> None:
    assert roles(people, AMINA, LUC) is None


def test_an_agent_known_by_the_local_channel_of_the_queue(people: People) -> None:
    local = "Local/501@from-queue-00000001;1"
    assert roles(people, CARRIER, DESK, local) == (CARRIER, DESK, "TN")


def test_with_trunks_everybody_else_is_a_colleague(config: Path) -> None:
    people = People(load(config), ["PJSIP/carr*"])
    assert roles(people, CARRIER, DESK) == (CARRIER, DESK, "")
    assert roles(people, DESK, CARRIER) == (CARRIER, DESK, "")
    assert roles(people, DESK, AMINA) is None
    assert roles(people, CARRIER, AMINA) == (CARRIER, AMINA, "MA")


def test_who_called_whom(people: People) -> None:
    received = people.roles(Connection(Party(CARRIER), Party(AMINA), at(0), at(9)))
    made = people.roles(Connection(Party(AMINA), Party(CARRIER), at(0), at(9)))
    assert received
    assert received.direction is Direction.INBOUND
    assert made
    assert made.direction is Direction.OUTBOUND
