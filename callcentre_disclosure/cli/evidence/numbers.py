"""``evidence numbers``: which number is answered in which countries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import plain
from callcentre_disclosure.evidence.numbers import Number, numbers
from callcentre_disclosure.evidence.reading import Search, documents, opened
from callcentre_disclosure.evidence.sheet import write_sheet

from .searching import before, since
from .written import Written

_HEADER = ("number", "direction", "route", "possible", "calls", "announced", "answered in")


@click.command()
@options.config
@since
@before
@click.option(
    "--csv",
    "sheet",
    type=Written("wb"),
    help="Write it for a spreadsheet; - for standard output.",
)
@options.as_json
def command(
    config: Path, since: str | None, before: str | None, sheet: IO[bytes] | None, as_json: bool
) -> None:
    """List every number with the countries that its calls may be answered in, by the configuration,
    and were announced and answered in, by the evidence.

    Italy wants it filed (art. 24-bis DL 83/2012; the register of operators, AGCOM 1/17/CONS).
    Exit 1 where calls came to a number, or showed one, that no route has.
    """
    configuration = load(config)
    with (
        opened(configuration.evidence) as store,
        documents(store, Search(since=since, before=before)) as found,
    ):
        listed = numbers(configuration, found)
    if sheet:
        write_sheet(sheet, _HEADER, map(_row, listed))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in listed], indent=2))
    elif not sheet:
        for line in _table([_HEADER, *map(_row, listed)]):
            click.echo(line)
    forgotten = [one for one in listed if one.number and not one.is_configured]
    if forgotten:
        click.echo(plain(f"no route has {', '.join(one.number for one in forgotten)}"), err=True)
        raise click.exceptions.Exit(1)


def _row(one: Number) -> tuple[str, ...]:
    number = one.number or "none"
    possible = " ".join(one.possible) or "unknown"
    counts = (str(one.calls), _counts(one.announced), _counts(one.answered))
    return (number, one.direction or "none seen", one.route, possible, *counts)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{country} {count}" for country, count in counts.items())


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield plain(line).rstrip()
