"""``evidence report``: who was told, who was not, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import IO

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import DisclosureError
from callcentre_disclosure.evidence.reading import opened
from callcentre_disclosure.evidence.report.figures import figures

from .written import Written

_LANGUAGES = ("fr", "en")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@options.config
@click.option("--from", "since", type=_DAY, metavar="DAY", help="The first day (2026-11-01).")
@click.option("--to", "until", type=_DAY, metavar="DAY", help="The last day.")
@click.option(
    "--html",
    type=Written("w", encoding="utf-8"),
    help="Write a page to read, send and print; - for standard output.",
)
@click.option(
    "--csv",
    "sheet",
    type=Written("wb"),
    help="Write every number, for a spreadsheet; - for standard output.",
)
@click.option(
    "--language",
    type=click.Choice(_LANGUAGES),
    help="Of the report. The first of the configuration's that there is one in, else English.",
)
@options.as_json
def command(
    config: Path,
    since: datetime | None,
    until: datetime | None,
    html: IO[str] | None,
    sheet: IO[bytes] | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Count who was told where the call is answered, who was not, and why.

    Also: calls by day, country, site, queue and rule, and how long callers waited for an agent.
    Days are those of the clocks that made the records, both included; without them, everything on
    record is counted.
    """
    first, last = _day(since), _day(until)
    if first and last and first > last:
        raise click.UsageError("--from is after --to")
    configuration = load(config)
    spoken = (one for one in configuration.languages if one in _LANGUAGES)
    language = language or next(spoken, "en")
    with opened(configuration.evidence) as ledger, ledger.snapshot():
        found = figures(ledger.read, first, last, configuration.domestic_country)
    try:
        if html:
            from callcentre_disclosure.evidence.report.page import page
            from callcentre_disclosure.evidence.report.words import Words

            html.write(page(found, Words(language), datetime.now().astimezone()))
        if sheet:
            from callcentre_disclosure.evidence.report.sheet import write

            write(sheet, found, "," if language == "fr" else ".")
        if as_json:
            click.echo(json.dumps(asdict(found), ensure_ascii=False, indent=2))
        elif not html and not sheet:
            from callcentre_disclosure.evidence.report.summary import summary
            from callcentre_disclosure.evidence.report.words import Words

            for line in summary(found, Words(language)):
                click.echo(line)
    except ImportError as missing:
        raise DisclosureError(
            f"the report needs {missing.name}",
            remedy="pip install 'callcentre-disclosure[evidence]'",
        ) from missing


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None
