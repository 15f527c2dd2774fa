"""``fastagi``: the FastAGI server."""

from __future__ import annotations

import logging
import os
import socket
from functools import partial
from pathlib import Path

import click

from callcentre_disclosure.asterisk import fastagi, relay
from callcentre_disclosure.asterisk.guard import Guard, Network, make_room
from callcentre_disclosure.asterisk.workers import Process, Workers
from callcentre_disclosure.config.location import cache_folders
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
    help="FastAGI has no authentication: beyond loopback, say who may connect with --allow.",
)
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    callback=lambda _, __, values: tuple(map(address.network, values)),
    metavar="NETWORK",
    help="An address or network (10.1.2.0/24) whose Asterisks may connect; may be said again.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--calls",
    default=Guard.calls,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="How many each worker holds at once. One more is closed at once: its dialplan goes on.",
)
@measuring.option
def command(
    config: Path,
    listen: tuple[str, int],
    allowed: tuple[Network, ...],
    workers: int,
    calls: int,
    metrics: tuple[str, int] | None,
) -> None:
    """Run the FastAGI server until SIGTERM. SIGHUP reads the configuration again."""
    to_stderr()
    if not (allowed or address.is_loopback(listen[0])):
        raise click.UsageError(
            f"whoever reaches {listen[0]} could speak for Asterisk: say with --allow from where "
            "your Asterisks connect"
        )
    disclosure = Disclosure.from_file(config)
    tcp = address.listen(listen, "name another one with --listen")
    observer, beside = measuring.measured(metrics, workers, disclosure)
    listening = (tcp, *_for_scripts(config))
    disclosure.try_evidence()
    _log.info("listening on %s:%d", *tcp.getsockname()[:2])
    if (possible := make_room(calls)) < calls:
        _log.warning(
            "a worker can hold %d calls at once, not %d; raise its limit of open files "
            "(LimitNOFILE=, ulimit -Hn)",
            possible,
            calls,
        )
    serve = partial(
        fastagi.serve,
        listening=listening,
        guard=Guard(allowed, possible),
        begin=disclosure.begin,
        keep=disclosure.keep,
        reload=disclosure.reload,
        observer=observer,
    )
    beside.append(Process(disclosure.attend))
    Workers(Process(serve, listening), workers, disclosure.reload, beside).run()


def _for_scripts(config: Path) -> list[socket.socket]:
    """Where AGI scripts of this machine hand their sessions over."""
    try:
        return [relay.listen(config, cache_folders(os.environ))]
    except OSError as problem:
        _log.warning("each AGI script holds its session itself, which takes longer: %s", problem)
        return []
