"""``dialplan``: the lines of extensions.conf for a configuration."""

from __future__ import annotations

from pathlib import Path

import click

from callcentre_disclosure.asterisk.dialplan import SERVER, dialplan
from callcentre_disclosure.config.loader import load

from . import options


@click.command()
@options.config
@click.option(
    "--asterisk",
    type=click.IntRange(16),
    default=22,
    show_default=True,
    metavar="VERSION",
    help="The major version of Asterisk: 16, 18, 20, 22.",
)
@click.option(
    "--server", default=SERVER, show_default=True, metavar="HOST[:PORT]", help="The FastAGI server."
)
@click.option("--freepbx", is_flag=True, help="For extensions_custom.conf of FreePBX.")
def command(config: Path, asterisk: int, server: str, freepbx: bool) -> None:
    """Write the dialplan that announces the calls of a configuration, on standard output."""
    click.echo(dialplan(load(config), asterisk, server, freepbx=freepbx), nl=False)
