"""``evidence purge``: remove what has been kept long enough."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.purging import due, purge
from callcentre_disclosure.evidence.reading import opened
from callcentre_disclosure.evidence.sqlite import SqliteStore

_LEFT = "still holds what was purged, because somebody reads the ledger; purge once more after that"


@click.command()
@options.config
@click.option("--dry-run", is_flag=True, help="Only say how many records it would be.")
def command(config: Path, dry_run: bool) -> None:
    """Remove what has been kept long enough: the `keep_days` of its profile.

    The place of a record in the chain stays, so that `evidence verify` still proves the others.
    """
    entry = load(config).evidence
    today = date.today()  # noqa: DTZ011 - as the machine counts days, like `keep_until`
    with opened(entry) as ledger:
        ranges = due(ledger, today)
        if not dry_run:
            remote = ledger if isinstance(ledger, PostgresqlStore) else None
            with closing(SqliteStore(entry.file)) as file:
                if not purge(ranges, today, KeyRing.open(entry.keys), file, remote):
                    click.echo(f"{entry.file}-wal {_LEFT}", err=True)
    count = sum(last - first + 1 for _, first, last in ranges)
    click.echo(f"{count} records {'would be' if dry_run else 'were'} purged")
