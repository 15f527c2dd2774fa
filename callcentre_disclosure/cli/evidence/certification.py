"""``evidence certification``: a year's calls, for those who must certify that all were told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import IO

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.countries import countries
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import plain
from callcentre_disclosure.evidence.reading import opened
from callcentre_disclosure.evidence.report.certification import (
    PROFILE,
    Certification,
    Certified,
    certification,
)
from callcentre_disclosure.evidence.sheet import write_sheet

from .written import Written

_COLUMNS = (
    "calls",
    "told",
    "in part",
    "not told",
    "hung up",
    "no duty",
    "at home",
    "abroad",
    "unknown",
    "on request",
)


@click.command()
@options.config
@click.option(
    "--year",
    type=click.IntRange(2000, 9999),
    default=lambda: date.today().year - 1,  # noqa: DTZ011 - as the machine counts years
    show_default="the last one",
    help="The year, by the clocks that made the records.",
)
@click.option("--profile", default=PROFILE, show_default=True, help="The rule to be certified.")
@click.option(
    "--csv",
    "sheet",
    type=Written("wb"),
    help="Write the table for a spreadsheet; - for standard output.",
)
@options.as_json
def command(config: Path, year: int, profile: str, sheet: IO[bytes] | None, as_json: bool) -> None:
    """Make the table of a year's calls under one rule, by month and by country.

    For the yearly certification that the Keep Call Centers in America Act (a bill) asks for.
    Exit 1 when there were no such calls, or callers who were not told or only in part.
    """
    configuration = load(config)
    with opened(configuration.evidence) as ledger, ledger.snapshot():
        found = certification(ledger.read, year, profile, configuration.domestic_country)
    if sheet:
        write_sheet(sheet, ("of", *_COLUMNS), _rows(found))
    if as_json:
        click.echo(json.dumps(asdict(found) | {"kept": found.kept}, indent=2))
    elif not sheet:
        for text in _table(found):
            click.echo(plain(text))
    if not found.kept or not found.total.tally.calls:
        raise click.exceptions.Exit(1)


def _table(found: Certification) -> Iterator[str]:
    home = _country(found.domestic) if found.domestic else "no domestic_country is configured"
    yield f"Calls of {found.year} under {found.profile}; home: {home}"
    if not found.total.tally.calls:
        yield "There were none."
        return
    yield ""
    width = max(len(name) for name, _ in _lines(found))
    yield " ".join([" " * width, *(f"{column:>10}" for column in _COLUMNS)])
    for name, *numbers in _rows(found):
        yield " ".join([f"{name:<{width}}", *(f"{number:>10}" for number in numbers)])
    if found.parity.kept is not None:
        yield ""
        yield (
            f"Median wait after a request: {found.parity.first:.1f} s; "
            f"of other calls answered at home: {found.parity.second:.1f} s"
        )


def _rows(found: Certification) -> Iterator[tuple[str | int, ...]]:
    for name, line in _lines(found):
        yield (name, *_numbers(line))


def _lines(found: Certification) -> Iterator[tuple[str, Certified]]:
    yield str(found.year), found.total
    for month in found.months:
        yield month.name, month
    for country in found.countries:
        yield " or ".join(map(_country, country.name.split(","))), country


def _numbers(line: Certified) -> tuple[int, ...]:
    tally = line.tally
    return (
        tally.calls,
        tally.disclosed,
        tally.partial,
        tally.not_disclosed,
        tally.abandoned,
        tally.not_required,
        line.home,
        line.abroad,
        line.unknown,
        line.chosen,
    )


def _country(code: str) -> str:
    found = countries().get(code)
    return found.english if found else "unresolved"
