"""The dashboard that we ship asks for what there is."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from callcentre_disclosure.metrics.endpoint import Endpoint

DASHBOARD = json.loads(Path(__file__).parents[3].joinpath("docs/grafana.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
TARGETS = [target for panel in PANELS for target in panel.get("targets", [])]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
#: What Grafana itself, and Prometheus, give every series.
GIVEN = {"job", "instance", "le"}


@pytest.fixture
def labels() -> dict[str, set[str]]:
    """The labels of all that is measured, by name."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        endpoint = Endpoint(
            listening,
            1,
            trouble=lambda: None,
            spool=lambda: 3,
            changed=list,
            reload=lambda: None,
        )
        kind = ("DISCLOSED", "MA", "service", "possible")
        endpoint.heed(
            {
                "worker": 1,
                "calls": 0,
                "asterisks": {"pbx": True},
                "counts": [["announcements", *kind, 1]],
            }
        )
        page, _ = endpoint.metrics("")
        endpoint.close()
    return {
        sample.name: {*sample.labels}
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    "expression",
    [
        *(target["expr"] for target in TARGETS),
        *(v["query"]["query"] for v in VARIABLES.values() if v["type"] == "query"),
    ],
)
def test_all_that_it_asks_for_is_measured(expression: str, labels: dict[str, set[str]]) -> None:
    wanted = re.findall(r"(callcentre_disclosure_\w+)(?:\{([^}]*)\})?", expression)
    assert wanted
    for name, matchers in wanted:
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        asked |= {
            word
            for listed in re.findall(r"\bby \(([^)]*)\)", expression)
            for word in listed.split(", ")
        }
        assert asked <= labels[name] | GIVEN


def test_nothing_that_is_measured_is_left_out(labels: dict[str, set[str]]) -> None:
    shown = " ".join(target["expr"] for target in TARGETS)
    assert not {name for name in labels if not name.endswith(("_created", "_sum", "_count"))} - set(
        re.findall(r"callcentre_disclosure_\w+", shown)
    )


def test_every_variable_is_one_of_its_own() -> None:
    used = {
        name for name in re.findall(r"\$\{?(\w+)", json.dumps(PANELS)) if not name.startswith("__")
    }
    assert used == set(VARIABLES)
    assert all(target["datasource"]["uid"] == "${datasource}" for target in TARGETS)


def test_its_panels_fit_together() -> None:
    """Grafana moves those apart that overlap, and loads no two of one id."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
