"""Anything at all in every place where somebody else writes, a little of it on every test run."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcentre_disclosure.config.loader import load
from callcentre_disclosure.errors import ConfigurationError
from callcentre_disclosure.metrics.endpoint import Endpoint

from .files import _written, configuration, written_safely
from .payloads import NAMES
from .targets import TARGETS

LITTLE = settings(max_examples=25, deadline=None)

#: Names that a dialplan takes for a name, and some that it does not.
_names = st.one_of(st.sampled_from(NAMES), st.text(max_size=20), st.from_regex(r"[ -~]{1,12}"))
_anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _names),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_names, inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes(target: str) -> None:
    @given(st.binary(max_size=200))
    @LITTLE
    def holds(data: bytes) -> None:
        TARGETS[target](data)

    holds()


def yaml_of(document: object) -> bytes:
    """As YAML, of which JSON is a part (but for characters that it spells differently)."""
    return json.dumps(document).encode()


@given(st.dictionaries(st.sampled_from(["languages", "sites", "agents", "routes", "x"]), _anything))
@settings(max_examples=100, deadline=None)
def test_any_types(document: object) -> None:
    configuration(yaml_of(document))


@given(site=_names, queue=_names, dial=_names, route=_names, agent=_names, folder=_names)
@settings(max_examples=200, deadline=None)
def test_any_names(site: str, queue: str, dial: str, route: str, agent: str, folder: str) -> None:
    """A name is refused, or is safe in a dialplan."""
    configuration(
        yaml_of(
            {
                "languages": ["fr"],
                "domestic_country": "FR",
                "sites": {site: {"country": "FR"}, "rabat": {"country": "MA"}},
                "queues": {queue: {"sites": [site]}, "eu": {"sites": [site]}},
                "agents": {dial: {"site": site}, agent: {"country": "MA"}},
                "sounds": {"folder": f"/{folder}"},
                "routes": {
                    route: {
                        "numbers": ["1"],
                        "queue": queue,
                        "profile": "us-fcc-2026",
                        "choice": queue,
                        "on_failure": "refuse",
                    },
                    "b": {"numbers": ["2"], "sites": [site], "dial": [dial]},
                },
            }
        )
    )


@pytest.mark.parametrize("place", ["site", "queue", "dial", "route", "folder"])
@pytest.mark.parametrize("name", [*'$(){},;|"\\', "${X}", "a,b", "a;b", "a\nb", "a\0b", "$[1]"])
def test_a_name_that_a_dialplan_would_evaluate_is_refused(place: str, name: str) -> None:
    names = dict.fromkeys(("site", "queue", "dial", "route", "folder"), "x") | {place: f"y{name}"}
    text = yaml_of(
        {
            "languages": ["fr"],
            "sites": {names["site"]: {"country": "MA"}},
            "queues": {names["queue"]: {"sites": [names["site"]]}},
            "agents": {names["dial"]: {"site": names["site"]}},
            "sounds": {"folder": f"/{names['folder']}"},
            "routes": {
                names["route"]: {"numbers": ["1"], "queue": names["queue"]},
                "b": {"numbers": ["2"], "sites": [names["site"]], "dial": [names["dial"]]},
            },
        }
    )
    with pytest.raises(ConfigurationError) as refusal:
        load(_written("config.yaml", text))
    assert refusal.value.findings[0].line == 1


def test_what_is_no_danger_is_none() -> None:
    text = yaml_of(
        {
            "languages": ["fr"],
            "sites": {"a'b": {"country": "MA"}},
            "queues": {"sales&more": {"sites": ["a'b"]}},
            "sounds": {"folder": "/srv/my sounds-é"},
            "default": {"queue": "sales&more"},
        }
    )
    written_safely(load(_written("config.yaml", text)))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Endpoint(
            listening,
            1,
            trouble=lambda: None,
            spool=lambda: None,
            reload=lambda: None,
            changed=lambda: (),
        )
        yield made
        made.close()


@given(accepted=st.text(st.characters(codec="latin-1"), max_size=60))
@LITTLE
def test_any_accept_header_has_a_page_of_metrics(endpoint: Endpoint, accepted: str) -> None:
    for header in (
        accepted,
        f"application/openmetrics-text; version={accepted}",
        f"text/plain; version=1.0.0; escaping={accepted}",
        "application/openmetrics-text; version=:",
    ):
        page, content_type = endpoint.metrics(header)
        assert b"callcentre_disclosure_healthy" in page
        assert content_type.isprintable()
