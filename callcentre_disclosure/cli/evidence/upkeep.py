"""``evidence upkeep``: what the servers do for the ledger, where only AGI scripts run."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from callcentre_disclosure.cli import options
from callcentre_disclosure.cli.log import to_stderr
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.evidence.upkeep import Upkeep


@click.command()
@options.config
@click.option("--once", is_flag=True, help="Forward what waits now, and end.")
def command(config: Path, once: bool) -> None:
    """Forward records to PostgreSQL and sign the day's checkpoint until SIGTERM.

    The servers do it by themselves; this is for AGI scripts alone.
    """
    to_stderr()
    upkeep = Upkeep(load(config).evidence)
    if once:
        try:
            click.echo(f"{upkeep.once()} records were forwarded")
        finally:
            upkeep.close()
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    upkeep.run(stop)
