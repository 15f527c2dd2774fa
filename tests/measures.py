"""What a server of ours says about itself, as Prometheus and a health check ask for it."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.call_centre import CallCentre

PREFIX = "callcentre_disclosure_"

#: outcome, countries, route, stage
Announcements = Counter[tuple[str, str, str, str]]


class Measures:
    """Its ``option`` is for the server."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.option = f"--metrics=127.0.0.1:{self.port}"

    def get(self, path: str, accept: str = "text/plain") -> tuple[int, str, str]:
        """Status, type and text of a page."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Accept": accept})
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
        finally:
            connection.close()

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of a name, by the values of their labels."""
        _, _, page = self.get("/metrics")
        return {
            tuple(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == PREFIX + name
        }

    def value(self, name: str) -> float:
        """Of a name without labels."""
        (value,) = self.values(name).values()
        return value

    def announcements(self) -> Announcements:
        """How many there were of each kind."""
        _, _, page = self.get("/metrics")
        found: Announcements = Counter()
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name == f"{PREFIX}announcements_total":
                    label = sample.labels
                    key = (label["outcome"], label["countries"], label["route"], label["stage"])
                    found[key] += int(sample.value)
        return found

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and page of the health check."""
        status, _, page = self.get("/healthz")
        return status, json.loads(page)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Ask again until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.health(), self.get("/metrics")[2])
            time.sleep(0.05)


def recorded(centre: CallCentre) -> Announcements:
    """The same as ``Measures.announcements``, by the evidence."""
    return Counter(
        (r["outcome"], ",".join(r["countries"]) or "unknown", r["route"], r["stage"])
        for r in centre.evidence()
    )
