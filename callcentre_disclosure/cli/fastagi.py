"""``fastagi``: the FastAGI server."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import click

from callcentre_disclosure.asterisk import fastagi
from callcentre_disclosure.asterisk.workers import Workers
from callcentre_disclosure.service import Disclosure

from . import address, options
from .log import to_stderr

_log = logging.getLogger(__name__)


@click.command()
@options.config
@click.option(
    "--listen",
    default="127.0.0.1:4573",
    show_default=True,
    callback=lambda _, __, value: address.parse(value),
    metavar="HOST:PORT",
    help="FastAGI has no authentication: keep it on loopback or in a network of its own.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
def command(config: Path, listen: tuple[str, int], workers: int) -> None:
    """Run the FastAGI server until SIGTERM. SIGHUP reads the configuration again."""
    to_stderr()
    disclosure = Disclosure.from_file(config)
    listening = address.listen(listen, "name another one with --listen")
    disclosure.try_evidence()
    _log.info("listening on %s:%d", *listening.getsockname()[:2])
    serve = partial(
        fastagi.serve,
        listening=listening,
        begin=disclosure.begin,
        keep=disclosure.keep,
        reload=disclosure.reload,
    )
    Workers(serve, listening, workers, disclosure.reload).run()
