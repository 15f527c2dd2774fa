"""``evidence rotate``: take a new key into use."""

from __future__ import annotations

from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.evidence.keys import rotate


@click.command()
@options.config
def command(config: Path) -> None:
    """Take a new key into use; the old ones stay, for what they have sealed.

    Machines that share a ledger need the same file.
    """
    file = load(config).evidence.keys
    click.echo(f"{file}: key {rotate(file).id} is in use from the next record on")
