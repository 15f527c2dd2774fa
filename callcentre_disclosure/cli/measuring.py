"""``--metrics``: a server says how it is."""

from __future__ import annotations

import click

from callcentre_disclosure.asterisk.observing import UNOBSERVED, Observer
from callcentre_disclosure.asterisk.workers import Process
from callcentre_disclosure.errors import DisclosureError
from callcentre_disclosure.service import Disclosure

from . import address

option = click.option(
    "--metrics",
    callback=lambda _, __, value: address.parse(value) if value else None,
    metavar="HOST:PORT",
    help="Answer Prometheus at /metrics and health checks at /healthz, to anybody who asks: keep "
    "it on loopback or in a network of its own. Without it nothing is measured.",
)


def measured(
    where: tuple[str, int] | None, workers: int, disclosure: Disclosure
) -> tuple[Observer, list[Process]]:
    """What so many workers tell how they are, and what runs beside them to pass it on."""
    if where is None:
        return UNOBSERVED, []
    try:
        from callcentre_disclosure.metrics.endpoint import Endpoint
    except ImportError as missing:
        raise DisclosureError(
            f"--metrics needs {missing.name}", remedy="pip install 'callcentre-disclosure[metrics]'"
        ) from missing
    endpoint = Endpoint(
        address.listen(where, "name another one with --metrics"),
        workers,
        trouble=disclosure.trouble,
        spool=disclosure.waiting,
        reload=disclosure.reload,
    )
    disclosure.committed = endpoint.tally.committed
    return endpoint.tally, [Process(endpoint.serve, endpoint.listening)]
