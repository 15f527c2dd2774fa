"""The story of a call on one screen, for whoever has to judge it.

It says what was played, never what was heard; and what Asterisk was told to do, not what it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from textwrap import wrap
from typing import Any

from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.disclosure.call import Direction, Stage
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome, Disposition, PlaybackResult
from callcentre_disclosure.disclosure.sites import Basis
from callcentre_disclosure.errors import plain

from .document import Document, telling
from .reading import UNREADABLE
from .story import Record, Story

WIDTH = 80
_MARGIN = 10
_DIGITS = 8

_KNOWN_BY = {
    Basis.AGENT: "known by the agent",
    Basis.SITE: "the dialplan named the site",
    Basis.QUEUE: "known by the queue",
    Basis.DNID: "known by the number that was dialled",
    Basis.TRUNK: "known by the trunk",
    Basis.DEFAULT: "the default of the configuration",
}
_CUT = {
    PlaybackResult.DTMF_INTERRUPTED: "cut by a key",
    PlaybackResult.CALLER_HUNG_UP: "cut by a hangup",
    PlaybackResult.FAILED: "Asterisk did not play it",
    PlaybackResult.STOPPED: "it stopped",
    PlaybackResult.TIMED_OUT: "Asterisk did not say that it ended",
    PlaybackResult.INDETERMINATE: "the connection to Asterisk broke",
}


def screen(story: Story) -> Iterator[str]:
    """Lines of at most 80 columns; nothing in them moves a terminal."""
    try:
        lines = list(_screen(story))
    except UNREADABLE:
        if story.is_proved:
            raise
        lines = [*_doubts(), "It cannot be read.", "", *_proof(story)]
    for line in lines:
        yield plain(line)


def sentence(story: Story) -> str:
    """Whether the call was told, in a sentence."""
    document = story.deciding
    outcome = DisclosureOutcome(document["outcome"])
    if outcome is DisclosureOutcome.NOT_REQUIRED:
        return f"NOT REQUIRED: {document['because']}"
    if outcome is DisclosureOutcome.DISCLOSED:
        told = f"TOLD: {places(document['announced'])}, played to the end {_before(document)}"
        answer = story.answer
        if answer is None or story.named.issuperset(answer["countries"]):
            return told
        return f"{told}; BUT answered in {places(answer['countries'])}"
    if outcome is DisclosureOutcome.PARTIAL:
        said = telling(document)
        extent = f", {_extent(said)}" if said else ""
        why = f"; {document['cause']}" if said and _is_complete(said) else ""
        return f"PARTLY TOLD: {places(document['announced'])}{extent}{why}"
    if outcome is DisclosureOutcome.ABANDONED:
        left = PlaybackResult.CALLER_HUNG_UP
        cut = next((p for p in document["playbacks"] if _result(p) is left), None)
        return f"HUNG UP: {_consumer(document)} hung up during the announcement" + (
            f", at {_seconds(cut['played'])} of {_seconds(cut['seconds'])}" if cut else ""
        )
    if said := telling(document):
        return f"NOT TOLD: {_extent(said)}"
    return f"NOT TOLD: {document['cause'] or 'no announcement was played'}"


def places(codes: Sequence[str]) -> str:
    """Countries by name: ``Morocco, Tunisia or France``."""
    names = [countries()[code].english if code in countries() else code for code in codes]
    if not names:
        return "no country"
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _screen(story: Story) -> Iterator[str]:
    first = story.documents[0]
    began = _moment(first["received_at"], first["zone"])
    if not story.is_proved:
        yield from _doubts()
    yield from wrap(sentence(story), WIDTH)
    yield ""
    asterisks = dict.fromkeys(document["asterisk"] or "unknown" for document in story.documents)
    call = f"{first['call']} on {began:%Y-%m-%d}, Asterisk {', '.join(asterisks)}"
    yield from _row("Call", f"{call}, times are {first['zone']}")
    queues = ", ".join(dict.fromkeys(d["queue"] for d in story.documents if d["queue"]))
    parties = f"{_parties(first)}, {first['direction']}"
    yield from _row("From", f"{parties}, queue {queues}" if queues else parties)
    yield from _row("Answered", answered(story))
    yield from _row("Rule", _rule(story.deciding))
    for document in story.documents:
        yield ""
        yield from _stage(document, first["zone"])
    yield ""
    yield from _proof(story)


def _doubts() -> Iterator[str]:
    yield "NOT PROVED: see Proof below. What the ledger says now:"


def answered(story: Story) -> str:
    """Where the call was answered, by whom, and how that is known."""
    document = story.answer
    if document is None:
        last = story.documents[-1]
        where = f"it may have been in {places(last['countries'])}" if last["countries"] else ""
        return ", ".join(filter(None, ("by nobody that the ledger knows of", where)))
    by = document["agent"] or "an agent whose telephone is not known"
    site = f" of site {document['site']}" if document["site"] else ""
    if document["disposition"] != Disposition.BRIDGE.value:
        return f"by {by}{site} in {places(document['countries'])}, but not to be connected"
    if not document["countries"]:
        return f"by {by}, and nothing tells in which country"
    known = _KNOWN_BY.get(Basis(document["basis"]), "")
    return f"in {places(document['countries'])}, by {by}{site} ({known})"


def _parties(document: Document) -> str:
    caller = document["caller_number"] or "a withheld number"
    to = document["dialled_number"] or "a number that is not known"
    return f"{caller} to {to}"


def _rule(document: Document) -> str:
    if not document["profile"]:
        return f"none: the dialplan asked for it; route {document['route']}"
    version = f", as of {document['profile_version']}" if document["profile_version"] else ""
    return f"{document['profile']}{version}; route {document['route']}"


def _stage(document: Document, zone: str) -> Iterator[str]:
    yield from wrap(_when(document), WIDTH)
    if not document["asked"]:
        yield from _row("", f"nothing had to be told: {document['because']}")
    for playback in document["playbacks"]:
        at = f"{_moment(playback['began_at'], zone):%H:%M:%S}"
        yield from _row(at, f'"{playback["text"]}" ({document["language"]})')
        yield from _row("", f"{_extent(playback)}: {_sound(playback)}")
    if document["offer"]:
        yield from _row("", _choice(document["offer"], zone))
    if why := _unsaid(document["cause"]):
        yield from _row("", f"because: {why}")
    yield from _row("", _then(document))


def _when(document: Document) -> str:
    if document["stage"] == Stage.POSSIBLE.value:
        return "Before an agent was sought"
    waited = f", {_seconds(document['waited'])} after the start" if document["waited"] else ""
    chosen = document["waited_since_choice"]
    since = f", {_seconds(chosen)} after the choice" if chosen is not None else ""
    return f"Once {document['agent'] or 'an agent'} had answered{waited}{since}"


def _extent(playback: Document) -> str:
    if _is_complete(playback):
        return f"played to the end, {_seconds(playback['seconds'])}"
    why = _CUT[_result(playback)]
    key = f" ({playback['digit']})" if playback["digit"] else ""
    played, seconds = _seconds(playback["played"]), _seconds(playback["seconds"])
    return f"played up to {played} of {seconds}, {why}{key}"


def _unsaid(cause: str) -> str:
    """Of a cause what is not shown anyway: what became of the sounds that were played."""
    results = tuple(f"{result.value}: " for result in PlaybackResult)
    parts = cause.split("; ")
    return "; ".join(
        part for part in parts if part.endswith(" unsent") or not part.startswith(results)
    )


def _sound(playback: Document) -> str:
    text = {True: ", as text too", False: ", not taken as text", None: ""}
    digits = playback["sha256"][:_DIGITS]
    return f"{playback['sound']}, hash {digits}{text[playback['text_sent']]}"


def _choice(offer: Document, zone: str) -> str:
    another = f"another agent, in the queue {offer['queue']}, by key {offer['key']}"
    if offer["chosen_at"]:
        return f"chosen at {_moment(offer['chosen_at'], zone):%H:%M:%S}: {another}"
    pressed = f"pressed {offer['digit']}" if offer["digit"] else "no key"
    return f"offered, and not chosen ({pressed}): {another}"


def _then(document: Document) -> str:
    disposition = Disposition(document["disposition"])
    if document["outcome"] == DisclosureOutcome.ABANDONED.value:
        then = f"then {_consumer(document)} had hung up"
    elif disposition is Disposition.REDIRECT:
        then = f"then Asterisk was told to go on in the queue {document['offer']['queue']}"
    else:
        then = {
            Disposition.BRIDGE: "then Asterisk was told to connect the call",
            Disposition.CONTINUE_IN_DIALPLAN: "then Asterisk was told to go on with the call",
            Disposition.HANG_UP: "then the call was refused",
        }[disposition]
    return then if document["carried_out"] else f"{then}, but Asterisk could not be told"


def _proof(story: Story) -> Iterator[str]:
    title, chain = "Proof", ("", "")
    for record in story.records:
        entry = record.entry
        if chain != (entry.writer, entry.key):
            chain = (entry.writer, entry.key)
            yield from _row(title, f"chain {entry.writer}, key {entry.key}")
            title = ""
        id_ = f", id {record.document['id']}" if "id" in record.document else ""
        yield from _row("", f"entry {entry.sequence}{id_}: {_state(record)}")
    more = "all of the chain: `evidence verify`; connections: `evidence reconcile`"
    yield from _row("", more)


def _state(record: Record) -> str:
    if record.is_sealed is None:
        return "NOT PROVED, this key is not in the key file"
    if not record.is_sealed:
        return "CHANGED, the seal does not hold"
    if not record.is_whole:
        return "CHANGED, not what was sealed"
    if not record.is_filed:
        return "CHANGED, found by what it does not say"
    return "seal and digest hold"


def _before(document: Document) -> str:
    if not document["carried_out"]:
        return "(then the connection to Asterisk broke)"
    disposition = Disposition(document["disposition"])
    if disposition is Disposition.BRIDGE:
        return "before Asterisk was told to connect the call"
    if disposition is Disposition.REDIRECT:
        return f"before {_consumer(document)} chose another agent"
    if document["stage"] == Stage.POSSIBLE.value:
        return "before an agent was sought"
    return "once an agent had answered"


def _consumer(document: Document) -> str:
    is_made = document["direction"] == Direction.OUTBOUND.value
    return "the person called" if is_made else "the caller"


def _result(playback: Document) -> PlaybackResult:
    return PlaybackResult(playback["result"])


def _is_complete(playback: Document) -> bool:
    return _result(playback) is PlaybackResult.COMPLETE


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _moment(text: str, zone: str) -> datetime:
    """A moment of a document by the clock of the machine that wrote it."""
    offset: Any = datetime.strptime(zone, "%z").tzinfo
    return datetime.fromisoformat(text).astimezone(offset)


def _row(title: str, text: str) -> list[str]:
    lines = wrap(text, WIDTH - _MARGIN, break_on_hyphens=False) or [""]
    return [f"{title if n == 0 else '':<{_MARGIN}}{line}" for n, line in enumerate(lines)]
