"""``fastagi``: the FastAGI server."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import click

from callcentre_disclosure.asterisk import fastagi
from callcentre_disclosure.asterisk.workers import Process, Workers
from callcentre_disclosure.service import Disclosure

from . import address, measuring, options
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
@measuring.option
def command(
    config: Path, listen: tuple[str, int], workers: int, metrics: tuple[str, int] | None
) -> None:
    """Run the FastAGI server until SIGTERM. SIGHUP reads the configuration again."""
    to_stderr()
    disclosure = Disclosure.from_file(config)
    listening = address.listen(listen, "name another one with --listen")
    observer, beside = measuring.measured(metrics, workers, disclosure)
    disclosure.try_evidence()
    _log.info("listening on %s:%d", *listening.getsockname()[:2])
    serve = partial(
        fastagi.serve,
        listening=listening,
        begin=disclosure.begin,
        keep=disclosure.keep,
        reload=disclosure.reload,
        observer=observer,
    )
    beside.append(Process(disclosure.attend, None))
    Workers(Process(serve, listening), workers, disclosure.reload, beside).run()
