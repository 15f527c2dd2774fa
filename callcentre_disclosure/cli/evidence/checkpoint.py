"""``evidence checkpoint``: sign how far the ledger has come."""

from __future__ import annotations

from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.evidence.upkeep import Upkeep


@click.command()
@options.config
def command(config: Path) -> None:
    """Sign how far the ledger has come, in a file to be kept somewhere else.

    The servers do it once a day; exit 1 where there is nothing to sign yet.
    """
    upkeep = Upkeep(load(config).evidence)
    try:
        file = upkeep.sign()
    finally:
        upkeep.close()
    if file is None:
        click.echo("there is no evidence yet", err=True)
        raise click.exceptions.Exit(1)
    click.echo(str(file))
