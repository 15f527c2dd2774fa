"""Options that say which disclosures are wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import click

from callcentre_disclosure.config.checks import numbering_of
from callcentre_disclosure.config.countries import countries, nearest
from callcentre_disclosure.config.model import Configuration, EvidenceEntry
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome
from callcentre_disclosure.evidence.document import utc
from callcentre_disclosure.evidence.forwarding import waiting
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.reading import Search
from callcentre_disclosure.evidence.sqlite import SqliteStore

F = TypeVar("F", bound=Callable[..., Any])

_ONE_DAY = timedelta(days=1)
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def begin(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """``--from``: a day is wanted from midnight on, by the clock of this machine."""
    return _moment(value) if value else None


def end(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    """``--to``: a day is wanted to its end."""
    if not value:
        return None
    if len(value) == len("2026-11-23"):
        day = _moment(value).replace(tzinfo=None) + _ONE_DAY  # of 23 or 25 hours, too
        return day.astimezone()
    return _moment(value)


def _since(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    moment = begin(context, parameter, value)
    return utc(moment) if moment else None


def _before(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    moment = end(context, parameter, value)
    return utc(moment) if moment else None


def _moment(text: str) -> datetime:
    try:
        if not _DAY.match(text):  # Python 3.11 knows more forms of a day than 3.10
            raise ValueError(text)
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as problem:
        raise click.BadParameter(
            "not a day or a time; write 2026-11-23 or 2026-11-23T21:00+01:00"
        ) from problem
    return moment if moment.tzinfo else moment.astimezone()


def _country(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None or value.upper() in countries():
        return value and value.upper()
    meant = nearest(value)
    hint = f": {meant.alpha_2} is {meant.english}" if meant else ", such as MA"
    raise click.BadParameter(f"write the ISO 3166-1 code{hint}")


since = click.option(
    "--from", "since", callback=_since, metavar="DAY|TIME", help="Calls since then."
)
before = click.option(
    "--to", "before", callback=_before, metavar="DAY|TIME", help="Calls up to that day, or time."
)


def filters(command: F) -> F:
    """The options that ``search`` makes a ``Search`` of."""
    for option in (
        click.option("--call", metavar="ID", help="A unique or linked id of Asterisk."),
        click.option(
            "--outcome",
            type=click.Choice([o.value for o in DisclosureOutcome], case_sensitive=False),
            help="What became of it.",
        ),
        click.option(
            "--country",
            callback=_country,
            metavar="CODE",
            help="Where the call was, or might have been, answered.",
        ),
        click.option("--queue", help="A queue."),
        click.option("--route", help="A route."),
        click.option("--caller", metavar="NUMBER", help="The number of a consumer (by its key)."),
        before,
        since,
    ):
        command = option(command)
    return command


def search(configuration: Configuration, caller: str | None, **given: Any) -> Search:
    """Which disclosures the options of ``filters`` ask for. Raises ``EvidenceError`` where a number
    is to be found without the key."""
    return Search(consumer=pseudonyms(configuration, caller) if caller else (), **given)


def pseudonyms(configuration: Configuration, number: str) -> list[str]:
    """What a number goes by in the ledger. Raises ``EvidenceError``."""
    keys = KeyRing.open(configuration.evidence.keys)
    return keys.pseudonyms(number, numbering_of(configuration.numbering))


def still_waiting(own: EvidenceEntry) -> str | None:
    """What of this machine is not in the ledger of all of them yet, if so; who reads that need not
    be able to read the file."""
    if not (own.url and os.access(own.file, os.R_OK | os.W_OK)):
        return None
    with closing(SqliteStore(own.file)) as spool:
        count = waiting(spool)
    return f"{count} entries of this machine have still to go there" if count else None


def local(document: Mapping[str, Any]) -> datetime:
    """When a disclosure was asked for, by the clock of the machine that wrote it."""
    zone = datetime.strptime(document["zone"], "%z").tzinfo or timezone.utc
    return datetime.fromisoformat(document["received_at"]).astimezone(zone)
