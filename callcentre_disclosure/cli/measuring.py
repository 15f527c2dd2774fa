"""``--metrics``: a server says how it is."""

from __future__ import annotations

import click

from callcentre_disclosure.asterisk.observing import UNOBSERVED, Observer
from callcentre_disclosure.asterisk.workers import Process
from callcentre_disclosure.config.compiling import sources
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
    read = _Read(disclosure)
    endpoint = Endpoint(
        address.listen(where, "name another one with --metrics"),
        workers,
        trouble=disclosure.trouble,
        spool=disclosure.waiting,
        changed=read.changed,
        reload=read.again,
    )
    disclosure.committed = endpoint.tally.committed
    return endpoint.tally, [Process(endpoint.serve, (endpoint.listening,))]


class _Read:
    """What a server has read, as it was then."""

    def __init__(self, disclosure: Disclosure) -> None:
        self._disclosure = disclosure
        self._look()

    def again(self) -> None:
        self._disclosure.reload()
        self.changed()

    def changed(self) -> list[str]:
        """The files that have changed since: of the configuration, its sounds, and the package."""
        if self._configuration is not self._disclosure.configuration:
            self._look()
        return [source.path for source in self._sources if not source.is_current()]

    def _look(self) -> None:
        self._configuration = self._disclosure.configuration
        assert self._configuration is not None
        self._sources = sources(self._configuration)
