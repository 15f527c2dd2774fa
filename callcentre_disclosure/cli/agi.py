"""``agi``: the AGI script, with a configuration of one's choice."""

from __future__ import annotations

from pathlib import Path

import click

from . import options
from .script import announce


@click.command()
@options.config
def command(config: Path) -> None:
    """Hold one AGI session on standard input and output."""
    announce(config)
