"""Looking things up, in the file of one machine and in the PostgreSQL of all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.evidence.document import utc
from callcentre_disclosure.evidence.forwarding import forward
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.reading import (
    Search,
    Store,
    find,
    glance,
    ids_of,
    kept,
    of_calls,
    purged,
)
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.evidence.story import story

from .told_calls import AT, keep, ordinary, unresolved

HOUR = timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, place: LedgerPlace) -> Iterator[Store]:
    """Two ordinary calls, and between them one whose country nothing told."""
    keep(place, [*ordinary("1.1"), *unresolved(), *ordinary("1.2", AT + HOUR)])
    file = SqliteStore(place.file)
    if request.param == "sqlite":
        yield file
    else:
        remote = PostgresqlStore(request.getfixturevalue("postgresql_url"))
        forward(file, KeyRing.open(place.key_file), remote)
        yield remote
        remote.close()
    file.close()


def ids(store: Store, search: Search, newest: int | None = None) -> list[str]:
    return [document["id"] for _, document in find(store, search, newest)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), ["1.1-a", "id-1", "1.1-b", "id-2", "1.2-a", "1.2-b"]),
        (Search(id="1.1-b"), ["1.1-b"]),
        (Search(call="1.1"), ["1.1-a", "id-1", "1.1-b", "id-2"]),
        (Search(calls=["1.2", "1.3"]), ["1.2-a", "1.2-b"]),
        (Search(country="MA", since=utc(AT + HOUR)), ["1.2-a", "1.2-b"]),
        (Search(country="T"), []),
        (Search(outcome="NOT_DISCLOSED", before=utc(AT + HOUR)), ["id-1", "id-2"]),
        (Search(consumer=["x"]), []),
    ],
)
def test_what_is_wanted_comes_in_the_order_of_time(
    store: Store, search: Search, found: list[str]
) -> None:
    assert ids(store, search) == found
    assert ids(store, search, 2) == found[-2:]
    assert [seen.id for seen in glance(store, search, 10)] == found


def test_calls_are_looked_up_by_their_ids(store: Store) -> None:
    """However many there are, and each record once."""
    many = ["1.1", *map(str, range(2000))]
    found = [document["id"] for _, document in of_calls(store, many)]
    assert sorted(found) == ["1.1-a", "1.1-b", "id-1", "id-2"]
    assert list(ids_of(store, since=utc(AT + HOUR))) == [("1.2", "1.2")] * 2


def test_the_proof_holds_wherever_a_record_is(store: Store, place: LedgerPlace) -> None:
    ring = KeyRing.open(place.key_file)
    told = story(kept(store, Search(call="1.2")), ring)
    assert told.is_proved
    assert told.deciding["id"] == "1.2-b"


def test_nothing_was_purged(store: Store) -> None:
    assert purged(store) == (0, "")


def test_a_whole_ledger_is_not_sorted_for_its_newest(place: LedgerPlace) -> None:
    """Of a million records that takes 8 s."""
    keep(place, ordinary())
    file = SqliteStore(place.file)
    plans: list[str] = []

    class Explained:
        def read(self, statement: str, values: list[str]) -> Iterator[tuple[object, ...]]:
            rows = file.read(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.append(" ".join(str(row[-1]) for row in rows))
            return iter(())

    for search in (Search(), Search(route="service"), Search(country="MA"), Search(id="1.1-a")):
        glance(Explained(), search, 10)  # type: ignore[arg-type]
    file.close()
    by_time, by_id = "USING INDEX entries_by_time", "USING INDEX entries_by_id"
    assert [by_time in plan or by_id in plan for plan in plans] == [True] * 4
    assert by_id in plans[-1]
