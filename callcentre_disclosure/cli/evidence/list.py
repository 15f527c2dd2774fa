"""``evidence list``: disclosures, the newest last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import plain
from callcentre_disclosure.evidence.reading import UNREADABLE, changed, find, opened

from .searching import filters, local, search

_ROW = "{:<19} {:<20} {:<13} {:<8} {:<8} {:<16} {:<10}"
_HEADER = ("time", "id", "outcome", "stage", "country", "route", "agent")
_WIDTHS = (19, 20, 13, 8, 8, 16, 10)


@click.command()
@options.config
@filters
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="How many of the newest; 0 for all.",
)
@options.as_json
def command(
    config: Path, caller: str | None, limit: int, as_json: bool, **given: str | None
) -> None:
    """List disclosures, the newest last: a call has one before an agent is sought, and one for each
    agent who answered.

    Exit 1 where there are none. --json prints one record a line, with all of it.
    """
    configuration = load(config)
    wanted = search(configuration, caller, **given)
    count = 0
    with (
        opened(configuration.evidence) as store,
        closing(find(store, wanted, newest=limit or None)) as found,
    ):
        for count, (entry, document) in enumerate(found, 1):
            if count == 1 and not as_json:
                click.echo(_line(_HEADER))
            try:
                click.echo(json.dumps(document) if as_json else _line(_cells(document)))
            except UNREADABLE as problem:
                raise changed(entry) from problem
    if not count:
        click.echo("there are none", err=True)
        raise click.exceptions.Exit(1)
    if count == limit:
        click.echo(f"the newest {limit}; --limit 0 lists all", err=True)


def _cells(document: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{local(document):%Y-%m-%d %H:%M:%S}",
        document["id"],
        document["outcome"],
        document["stage"],
        ",".join(document["countries"]) or "unknown",
        document["route"],
        document["agent"] or "",
    )


def _line(cells: Iterable[str]) -> str:
    """At most 100 columns, of which none moves a terminal. Only an id is never cut."""
    shown = []
    for cell, width in zip(cells, _WIDTHS, strict=True):
        text = plain(cell)
        shown.append(text if len(text) <= width else text[: width - 1] + "…")
    return _ROW.format(*shown).rstrip()
