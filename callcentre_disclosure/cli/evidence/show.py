"""``evidence show``: one call, for whoever has to judge it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.errors import plain
from callcentre_disclosure.evidence.document import utc
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.reading import (
    UNREADABLE,
    Glance,
    Search,
    Store,
    glance,
    kept,
    opened,
    purged,
)
from callcentre_disclosure.evidence.screen import answered, screen, sentence
from callcentre_disclosure.evidence.story import Record, Story, story

from .searching import pseudonyms, still_waiting

#: How far from the time that a person remembers a call is looked for.
_AROUND = timedelta(hours=6)
_LATEST = 1000
_FEW = 10


def _at(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    return options.moment(context, parameter, value) if value else None


@click.command()
@click.argument("disclosure_id", required=False, metavar="[ID]")
@options.config
@click.option("--call", metavar="UNIQUEID", help="A unique or linked id of Asterisk.")
@click.option("--caller", metavar="NUMBER", help="The number of the consumer.")
@click.option(
    "--at", callback=_at, metavar="TIME", help="With --caller: about when (ISO 8601), within 6 h."
)
@options.as_json
def command(
    disclosure_id: str | None,
    config: Path,
    call: str | None,
    caller: str | None,
    at: datetime | None,
    as_json: bool,
) -> None:
    """Tell where one call was answered, whether the caller was told, in which words, to the end,
    and before what.

    ID is what DISCLOSURE_ID held, or `evidence list` shows.

    Exit 1 where there is no such call, or its records are not what was written.
    """
    if sum(map(bool, (disclosure_id, call, caller))) != 1:
        raise click.UsageError("name one call: by ID, --call UNIQUEID, or --caller NUMBER")
    if at and not caller:
        raise click.UsageError("--at goes with --caller")
    configuration = load(config)
    search = Search(id=disclosure_id, call=call)
    if caller:
        search = Search(consumer=pseudonyms(configuration, caller))
    if at:
        search = replace(search, since=utc(at - _AROUND), before=utc(at + _AROUND))
    with opened(configuration.evidence) as store:
        seen = glance(store, search, _LATEST)
        if not seen:
            _nothing(configuration, store, "this number" if caller else "this id")
        calls = {one.call: one for one in seen}
        if at:
            chosen = [min(seen, key=_distance(at)).call]
        elif caller and len(calls) > 1:
            raise click.UsageError(
                f"which of these calls (--at, or ID)?\n{_listed(calls.values())}"
            )
        else:
            chosen = list(calls)  # of which a transfer may have made one
        told = story(kept(store, Search(calls=chosen)), KeyRing.open(configuration.evidence.keys))
    if as_json:
        click.echo(json.dumps(_json(told), indent=2))
    else:
        for line in screen(told):
            click.echo(line)
        if others := [one for call, one in calls.items() if call not in chosen]:
            click.echo(f"\n{len(others)} other calls of this number within 6 hours:")
            click.echo(_listed(others))
    if not told.is_proved:
        raise click.exceptions.Exit(1)


def _distance(at: datetime) -> Callable[[Glance], timedelta]:
    return lambda one: abs(datetime.fromisoformat(one.at) - at)


def _listed(calls: Iterable[Glance]) -> str:
    return "\n".join(
        f"  {datetime.fromisoformat(one.at).astimezone():%Y-%m-%d %H:%M:%S%z}"
        f"  {plain(one.id)}  {plain(one.outcome)}"
        for one in list(calls)[-_FEW:]
    )


def _nothing(configuration: Configuration, store: Store, what: str) -> None:
    click.echo(f"there is nothing under {what}", err=True)
    if more := still_waiting(configuration.evidence):
        click.echo(more, err=True)
    count, day = purged(store)
    if count:
        click.echo(
            f"{count} records were purged, which had to be kept until {day} or less", err=True
        )
    raise click.exceptions.Exit(1)


def _json(told: Story) -> dict[str, Any]:
    facts: dict[str, Any] = {}  # which an edited record may not have
    try:
        facts = {
            "verdict": told.deciding["outcome"],
            "in_words": sentence(told),
            "answered": answered(told),
        }
    except UNREADABLE:
        if told.is_proved:
            raise
    records = [_record(record) for record in told.records]
    return {**facts, "is_proved": told.is_proved, "records": records}


def _record(record: Record) -> dict[str, Any]:
    entry = record.entry._asdict()
    del entry["document"]
    return {
        "disclosure": record.document,
        "entry": entry,
        "seal_holds": record.is_sealed,
        "digest_holds": record.is_whole,
        "columns_hold": record.is_filed,
    }
