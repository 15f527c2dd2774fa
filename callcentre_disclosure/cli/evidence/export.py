"""``evidence export``: disclosures for other programs, or for the person they are about."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import IO

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.model import Configuration
from callcentre_disclosure.config.replacing import replacing
from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.export import Format, write
from callcentre_disclosure.evidence.reading import Search, find, opened

from .searching import filters, search


@click.command()
@options.config
@click.option(
    "--format",
    "wanted",
    type=click.Choice([one.value for one in Format]),
    required=True,
    help="csv: for a spreadsheet; jsonl: with all that proves it; parquet: for analyses.",
)
@filters
@click.argument("file", metavar="FILE|-", type=click.Path(dir_okay=False, path_type=Path))
def command(
    config: Path,
    wanted: str,
    file: Path,
    caller: str | None,
    **given: str | None,
) -> None:
    """Write disclosures to a FILE (- for standard output), the oldest first.

    With --caller it is everything that is kept on a number: the right of access (GDPR, article 15).
    FILE is replaced once all of it is there, and only its owner can read it.
    """
    configuration = load(config)
    wanted_records = search(configuration, caller, **given)
    if str(file) == "-":
        count = _write(sys.stdout.buffer, Format(wanted), configuration, wanted_records)
    elif file.exists() and not file.is_file():
        raise click.BadParameter(f"{file} is no file; use - for standard output")
    else:
        try:
            with replacing(file, prefix=f".{file.name}-", mode=0o600) as out:
                count = _write(out, Format(wanted), configuration, wanted_records)
        except OSError as problem:
            raise EvidenceError(
                f"cannot be written: {problem.strerror}",
                where=str(file),
                remedy="name a file in a folder that you may write to",
            ) from problem
    click.echo(f"{count} records", err=True)


def _write(out: IO[bytes], wanted: Format, configuration: Configuration, search: Search) -> int:
    with (
        opened(configuration.evidence) as store,
        closing(find(store, search)) as found,
    ):
        return write(out, wanted, found)
