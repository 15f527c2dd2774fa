"""Calls of the small call centre, and a ledger that has them under a key and a name that stay."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.call import CallFacts, Direction, Stage, Told
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import Ending, PlaybackReport
from callcentre_disclosure.disclosure.profile import Choice, Profile, Region
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.evidence.ledger import Ledger
from tests.conftest import small_call_centre
from tests.unit.disclosure.journeys import Door, but, completely, journey, treated

AT = datetime(2026, 11, 23, 13, 0, tzinfo=timezone(timedelta(hours=1)))
LATER = AT + timedelta(seconds=42)
CALL = CallFacts(
    "1.1",
    "PJSIP/trunk-00000001",
    "fastagi",
    linked_id="1.1",
    dialled_number="0184880001",
    caller_number="+33612345678",
    queue="support",
    asterisk="pbx",
    started_at=AT - timedelta(seconds=1),
)
ANSWERED = replace(
    CALL, stage=Stage.ANSWERED, agent="PJSIP/201", told=Told(Stage.POSSIBLE, ("MA", "TN"))
)
CENTRE = small_call_centre()
ITALIAN = replace(
    treated(CENTRE, profile="it-24bis", choice="eu"),
    profiles={"it-24bis": Profile("it-24bis", "2026-11-22", choice=Choice(Region.EU))},
)


def told(
    id_: str,
    call: CallFacts = CALL,
    door: Door = completely,
    at: datetime = AT,
    centre: Directory = CENTRE,
) -> LedgerRecord:
    return replace(journey(centre, call, door, at)[0], disclosure_id=id_)


def ordinary(call: str = "1.1", at: datetime = AT) -> list[LedgerRecord]:
    """Told before the queue, and again by the agent who answered."""
    first, again = (replace(one, unique_id=call, linked_id=call) for one in (CALL, ANSWERED))
    return [told(f"{call}-a", first, at=at), told(f"{call}-b", again, at=at + (LATER - AT))]


def cut() -> LedgerRecord:
    """The caller pressed a key, and heard no more."""
    return told("id-1", door=but({"possible": PlaybackReport(Ending.KEY, 1.2, 1.25, "5")}))


def hung_up() -> LedgerRecord:
    return told("id-1", door=but({"possible": PlaybackReport(Ending.HANGUP, 1.2, 1.25)}))


def chosen() -> list[LedgerRecord]:
    """The caller chose an agent in the European Union, and got one in France."""
    first = told("id-1", door=but({"choice": "1"}), centre=ITALIAN)
    assert first.offer is not None
    again = replace(ANSWERED, agent="PJSIP/301", queue="eu", chosen_at=first.offer.chosen_at)
    return [first, told("id-2", again, at=LATER, centre=ITALIAN)]


def made() -> LedgerRecord:
    """A consumer was called."""
    call = replace(
        ANSWERED,
        direction=Direction.OUTBOUND,
        caller_number="0184880001",
        dialled_number="+33698765432",
        queue=None,
        told=None,
    )
    return told("id-1", call)


def unresolved() -> list[LedgerRecord]:
    """A number that was forgotten, and an agent whom nobody knows."""
    call = replace(CALL, dialled_number="+4930123456", queue=None)
    first = told("id-1", call)
    before = Told(Stage.POSSIBLE, (), generic=True)
    again = replace(call, stage=Stage.ANSWERED, agent="PJSIP/999", told=before)
    return [first, told("id-2", again, at=LATER)]


def keep(place: LedgerPlace, records: Iterable[LedgerRecord]) -> None:
    """Write records, under a key that is the same in every test."""
    key = Path(place.key_file)
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text("ab" * 32 + "\n")
        key.chmod(0o640)
    ledger = Ledger(place)
    ledger.append(list(records))
    ledger.close()


def change(place: LedgerPlace, statement: str, values: Iterable[Any] = ()) -> None:
    """What somebody does who edits a ledger by hand."""
    with closing(sqlite3.connect(place.file)) as database, database:
        assert database.execute(statement, tuple(values)).rowcount > 0


def unnamed(text: str) -> str:
    """A screen without the name that a chain was given by chance."""
    return re.sub(r"chain \S+,", "chain pbx-1,", text)
