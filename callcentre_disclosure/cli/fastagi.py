"""``fastagi``: the FastAGI server."""

from __future__ import annotations

import logging
import socket
from functools import partial
from pathlib import Path

import click

from callcentre_disclosure.asterisk import fastagi
from callcentre_disclosure.asterisk.workers import Workers
from callcentre_disclosure.service import Disclosure

from . import options
from .log import to_stderr

_log = logging.getLogger(__name__)


def _address(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int]:
    host, _colon, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter("write HOST:PORT, such as 127.0.0.1:4573")
    return host.strip("[]"), int(port)


@click.command()
@options.config
@click.option(
    "--listen",
    default="127.0.0.1:4573",
    show_default=True,
    callback=_address,
    metavar="HOST:PORT",
    help="FastAGI has no authentication: keep it on loopback or in a network of its own.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
def command(config: Path, listen: tuple[str, int], workers: int) -> None:
    """Run the FastAGI server until SIGTERM. SIGHUP reads the configuration again."""
    to_stderr()
    disclosure = Disclosure.from_file(config)
    family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
    try:
        listening = socket.create_server(listen, family=family, backlog=1024)
    except OSError as problem:
        raise click.ClickException(
            f"cannot listen on {listen[0]}:{listen[1]}: {problem.strerror}; "
            "see which program uses that port, or name another one with --listen"
        ) from problem
    disclosure.try_evidence()
    _log.info("listening on %s:%d", *listening.getsockname()[:2])
    serve = partial(
        fastagi.serve,
        begin=disclosure.begin,
        keep=disclosure.keep,
        reload=disclosure.reload,
    )
    Workers(serve, listening, workers, disclosure.reload).run()
