"""The screens by which an inspector judges a call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.call import Stage, Told
from callcentre_disclosure.disclosure.outcome import Ending
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.reading import Search, kept
from callcentre_disclosure.evidence.screen import WIDTH, screen, sentence
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.evidence.story import Story, story
from tests.unit.disclosure.journeys import REFUSED, but, ending

from .told_calls import (
    ANSWERED,
    CALL,
    LATER,
    change,
    chosen,
    cut,
    hung_up,
    keep,
    made,
    ordinary,
    told,
    unnamed,
    unresolved,
)


def read(place: LedgerPlace) -> Story:
    store = SqliteStore(place.file)
    try:
        return story(kept(store, Search()), KeyRing.open(place.key_file))
    finally:
        store.close()


def shown(place: LedgerPlace, records: Iterable[LedgerRecord] = ()) -> str:
    if records:
        keep(place, records)
    lines = list(screen(read(place)))
    assert all(len(line) <= WIDTH for line in lines)
    return unnamed("\n".join(lines) + "\n")


def test_an_ordinary_call_is_on_one_screen(place: LedgerPlace) -> None:
    seen = shown(place, ordinary())
    assert (
        seen
        == """\
TOLD: Morocco, played to the end before Asterisk was told to connect the call

Call      1.1 on 2026-11-23, Asterisk pbx, times are +01:00
From      **********78 to 0184880001, inbound, queue support
Answered  in Morocco, by PJSIP/201 of site casablanca (known by the agent)
Rule      none: the dialplan asked for it; route service

Before an agent was sought
13:00:00  "Votre appel pourra être traité au Maroc ou en Tunisie, merci de
          patienter." (fr)
          played to the end, 3.7 s: fr/possible-ma-tn-0891080e, hash 00000000
          then Asterisk was told to go on with the call

Once PJSIP/201 had answered, 43.0 s after the start
13:00:42  "Votre conseiller, situé au Maroc, va vous répondre." (fr)
          played to the end, 2.5 s: fr/answered-ma-382426bf, hash 00000000
          then Asterisk was told to connect the call

Proof     chain pbx-1, key 9cbc73e0
          entry 1, id 1.1-a: seal and digest hold
          entry 2, id 1.1-b: seal and digest hold
          all of the chain: `evidence verify`; connections: `evidence reconcile`
"""
    )
    assert len(seen.splitlines()) <= 24


def test_an_announcement_that_was_cut(place: LedgerPlace) -> None:
    assert (
        shown(place, [cut()])
        == """\
PARTLY TOLD: Morocco or Tunisia, played up to 1.2 s of 3.7 s, cut by a key (5)

Call      1.1 on 2026-11-23, Asterisk pbx, times are +01:00
From      **********78 to 0184880001, inbound, queue support
Answered  by nobody that the ledger knows of, it may have been in Morocco or
          Tunisia
Rule      none: the dialplan asked for it; route service

Before an agent was sought
13:00:00  "Votre appel pourra être traité au Maroc ou en Tunisie, merci de
          patienter." (fr)
          played up to 1.2 s of 3.7 s, cut by a key (5):
          fr/possible-ma-tn-0891080e, hash 00000000
          then Asterisk was told to go on with the call

Proof     chain pbx-1, key 9cbc73e0
          entry 1, id id-1: seal and digest hold
          all of the chain: `evidence verify`; connections: `evidence reconcile`
"""
    )


def test_a_caller_who_chose_another_agent(place: LedgerPlace) -> None:
    assert (
        shown(place, chosen())
        == """\
TOLD: France, played to the end before Asterisk was told to connect the call

Call      1.1 on 2026-11-23, Asterisk pbx, times are +01:00
From      **********78 to 0184880001, inbound, queue support, eu
Answered  in France, by PJSIP/301 of site lyon (known by the agent)
Rule      it-24bis, as of 2026-11-22; route service

Before an agent was sought
13:00:00  "Votre appel pourra être traité au Maroc ou en Tunisie, merci de
          patienter." (fr)
          played to the end, 3.7 s: fr/possible-ma-tn-0891080e, hash 00000000
13:00:03  "Pour parler à un conseiller situé dans l'Union européenne, tapez 1."
          (fr)
          played to the end, 3.4 s: fr/choice-eu-ef634479, hash 00000000
          chosen at 13:00:07: another agent, in the queue eu, by key 1
          then Asterisk was told to go on in the queue eu

Once PJSIP/301 had answered, 43.0 s after the start, 35.0 s after the choice
13:00:42  "Votre conseiller, situé en France, va vous répondre." (fr)
          played to the end, 2.6 s: fr/answered-fr-f8eca337, hash 00000000
          then Asterisk was told to connect the call

Proof     chain pbx-1, key 9cbc73e0
          entry 1, id id-1: seal and digest hold
          entry 2, id id-2: seal and digest hold
          all of the chain: `evidence verify`; connections: `evidence reconcile`
"""
    )


def test_a_call_that_was_made(place: LedgerPlace) -> None:
    seen = shown(place, [made()])
    assert seen.startswith(
        """\
TOLD: Morocco, played to the end before Asterisk was told to connect the call

Call      1.1 on 2026-11-23, Asterisk pbx, times are +01:00
"""
    )
    assert "to **********32, outbound\n" in seen
    assert '"Votre conseiller vous appelle du Maroc, vous êtes en ligne." (fr)\n' in seen


def test_a_country_that_nothing_told(place: LedgerPlace) -> None:
    assert (
        shown(place, unresolved())
        == """\
NOT TOLD: agent PJSIP/999 is not in the configuration

Call      1.1 on 2026-11-23, Asterisk pbx, times are +01:00
From      **********78 to +4930123456, inbound
Answered  by PJSIP/999, and nothing tells in which country
Rule      none: the dialplan asked for it; route default

Before an agent was sought
13:00:00  "Votre appel pourra être traité dans un autre pays, merci de
          patienter." (fr)
          played to the end, 3.5 s: fr/generic-b3751c5e, hash 00000000
          because: no site resolved
          then Asterisk was told to go on with the call

Once PJSIP/999 had answered, 43.0 s after the start
          because: agent PJSIP/999 is not in the configuration
          then Asterisk was told to connect the call

Proof     chain pbx-1, key 9cbc73e0
          entry 1, id id-1: seal and digest hold
          entry 2, id id-2: seal and digest hold
          all of the chain: `evidence verify`; connections: `evidence reconcile`
"""
    )


def test_a_record_that_was_edited(place: LedgerPlace) -> None:
    keep(place, ordinary())
    change(
        place,
        "UPDATE entries SET document = replace(document, 'au Maroc', 'en France')"
        " WHERE sequence = 2",
    )
    seen = shown(place)
    assert seen.startswith("NOT PROVED: see Proof below. What the ledger says now:\nTOLD: Morocco")
    assert '"Votre conseiller, situé en France, va vous répondre." (fr)' in seen
    assert "entry 1, id 1.1-a: seal and digest hold\n" in seen
    assert "entry 2, id 1.1-b: CHANGED, not what was sealed\n" in seen


@pytest.mark.parametrize("document", ["{}", "[1]", "no JSON", '{"outcome":"DISCLOSED"}'])
def test_a_record_that_cannot_be_read_any_more(place: LedgerPlace, document: str) -> None:
    keep(place, ordinary())
    change(place, "UPDATE entries SET document = ? WHERE sequence = 2", [document])
    seen = shown(place)
    assert seen.startswith("NOT PROVED: ")
    assert "It cannot be read." in seen
    assert "entry 2: CHANGED, not what was sealed\n" in seen


def test_a_document_that_was_edited_with_its_digest(place: LedgerPlace) -> None:
    keep(place, ordinary())
    change(place, "UPDATE entries SET digest = ? WHERE sequence = 1", ["0" * 64])
    assert "entry 1, id 1.1-a: CHANGED, the seal does not hold\n" in shown(place)


def test_a_record_that_was_put_to_another_call(place: LedgerPlace) -> None:
    """The proof of one call does not prove another."""
    keep(place, ordinary("1.1"))
    change(place, "UPDATE entries SET call = '1.2'")
    seen = shown(place)
    assert seen.startswith("NOT PROVED: ")
    assert "entry 1, id 1.1-a: CHANGED, found by what it does not say\n" in seen


def test_a_key_that_is_not_known_proves_nothing(place: LedgerPlace) -> None:
    keep(place, ordinary())
    Path(place.key_file).write_text("cd" * 32 + "\n")
    seen = shown(place)
    assert seen.startswith("NOT PROVED: ")
    assert "entry 1, id 1.1-a: NOT PROVED, this key is not in the key file\n" in seen


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([hung_up()], "HUNG UP: the caller hung up during the announcement, at 1.2 s of 3.7 s"),
        (
            [told("id-1", door=ending(Ending.LOST, 1.0, 1.0))],
            "NOT TOLD: played up to 1.0 s of 3.7 s, the connection to Asterisk broke",
        ),
        (
            [told("id-1", door=but({"possible": REFUSED}))],
            "NOT TOLD: played up to 0.0 s of 3.7 s, Asterisk did not play it",
        ),
        (
            [told("id-1", replace(CALL, profile="none"))],
            "NOT REQUIRED: none asks for nothing at stage possible",
        ),
        (
            [told("id-1", replace(ANSWERED, agent="PJSIP/999", told=None))],
            "PARTLY TOLD: Morocco or Tunisia, played to the end, 3.7 s; "
            "agent PJSIP/999 is not in the configuration",
        ),
    ],
)
def test_a_verdict_in_words(place: LedgerPlace, records: list[LedgerRecord], words: str) -> None:
    keep(place, records)
    assert sentence(read(place)) == words


def test_what_had_not_to_be_told_again_changes_no_verdict(place: LedgerPlace) -> None:
    knows = replace(ANSWERED, told=Told(Stage.ANSWERED, ("MA",)))
    seen = shown(place, [told("id-1"), told("id-2", knows, at=LATER)])
    assert seen.startswith("TOLD: Morocco or Tunisia, played to the end before an agent was sought")
    assert "Answered  in Morocco, by PJSIP/201" in seen
    assert "nothing had to be told: the caller was told MA before\n" in seen


def test_an_agent_in_a_country_that_nobody_named(place: LedgerPlace) -> None:
    elsewhere = replace(ANSWERED, agent="PJSIP/901", profile="none")
    seen = shown(place, [told("id-1"), told("id-2", elsewhere, at=LATER)])
    assert seen.startswith(
        "TOLD: Morocco or Tunisia, played to the end before an agent was sought; BUT\n"
        "answered in Madagascar\n"
    )


def test_a_clock_that_was_set_back_does_not_turn_a_call_round(place: LedgerPlace) -> None:
    first, again = ordinary()
    keep(place, [first, replace(again, received_at=first.received_at - timedelta(hours=1))])
    seen = shown(place)
    assert seen.startswith("TOLD: Morocco, played to the end before Asterisk was told to connect")
    assert seen.index("Before an agent was sought") < seen.index("Once PJSIP/201 had answered")
    assert "after the start" not in seen


def test_what_asterisk_passes_on_does_not_move_the_terminal(place: LedgerPlace) -> None:
    strange = replace(CALL, queue="a\x1b[2Jb\nc\udce9", caller_number=None)
    seen = shown(place, [told("id-1", strange)])
    assert "a withheld number to" in seen
    assert "\x1b" not in seen
    seen.encode()
