"""What the written dialplan says; that it works is for tests/integration/test_roads.py."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest

from callcentre_disclosure.asterisk.dialplan import dialplan
from callcentre_disclosure.config.loader import load

CONFIGURATION = """\
languages: [fr]
domestic_country: FR
numbering: {country_code: "33", trunk_prefix: "0"}
sites: {rabat: {country: MA}, lyon: {country: FR}}
agents:
  PJSIP/201: {site: rabat}
  PJSIP/3??: {site: rabat}
  PJSIP/4*: {site: lyon}
  PJSIP/amina: {site: rabat}
  Local/2??@desks/n: {site: rabat}
queues: {"sales&more": {sites: [rabat]}, eu: {sites: [lyon]}}
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(CONFIGURATION + text)
        return path

    return write


def context(text: str, name: str) -> list[str]:
    """The lines of a context, without comments."""
    lines = takewhile(bool, text.partition(f"[{name}]\n")[2].splitlines())
    return [line for line in lines if not line.startswith((";", "exten => h,"))]


def line_of(text: str, word: str) -> str:
    (found,) = (line for line in text.splitlines() if word in line and not line.startswith(";"))
    return found


QUEUE = 'default: {queue: "sales&more", sites: []}\n'


@pytest.mark.parametrize(
    ("version", "end"),
    [
        (16, ",,disclosure-member)"),
        (18, ",,disclosure-member)"),
        (20, ",,disclosure-member)"),
        (21, ",disclosure-member)"),
        (22, ",disclosure-member)"),
    ],
)
def test_the_order_of_the_arguments_of_queue(write: Write, version: int, end: str) -> None:
    text = dialplan(load(write(QUEUE)), version)
    calls = context(text, "disclosure-calls-inbound")
    (queue,) = (line for line in calls if "Queue(" in line)
    hook = queue.split(",")[6]
    assert hook.startswith("agi://127.0.0.1/disclose?stage=answered&queue=sales%26more&")
    assert queue.endswith(f"{hook}{end}")


@pytest.mark.parametrize(
    ("route", "answers", "tells", "hook"),
    [
        ("queue: eu", True, True, "agi://"),
        ("queue: eu, media: early", False, True, "agi://"),
        ("queue: eu, profile: none", True, False, ""),
        ("queue: eu, profile: us-fcc-2026, choice: eu", True, False, "agi://"),
        ("queue: eu, on_failure: refuse", True, True, '"callcentre-disclosure-agi,stage=answered,'),
        ("sites: [lyon], dial: [PJSIP/401]", True, True, "G(disclosure-answered^s^1)"),
        ("sites: [lyon], dial: [PJSIP/401], profile: none", True, False, "Dial(PJSIP/401,20)"),
    ],
    ids=["queue", "early", "none", "answered only", "refuse", "dial", "dial without a rule"],
)
def test_a_route(write: Write, route: str, answers: bool, tells: bool, hook: str) -> None:
    calls = context(dialplan(load(write(f"default: {{{route}}}\n"))), "disclosure-calls-inbound")
    assert (" same => n,Answer()" in calls) is answers
    assert any("Gosub(disclosure-tell" in line for line in calls) is tells
    (connected,) = (line for line in calls if "Queue(" in line or "Dial(" in line)
    assert hook in connected
    assert ("disclosure-member" in connected) is ("Queue" in connected and bool(hook))


def test_numbers_are_found_in_every_written_form(write: Write) -> None:
    text = dialplan(load(write('routes: {a: {numbers: ["+33184880001"], queue: eu}}\n')))
    inbound = context(text, "disclosure-inbound")
    assert [line.split(",")[0].removeprefix("exten => ") for line in inbound] == [
        "+33184880001",
        "33184880001",
        "0033184880001",
        "0184880001",
    ]


def test_a_route_that_nobody_answers_is_left_to_the_administrator(write: Write) -> None:
    text = dialplan(load(write('routes: {a: {numbers: ["3949"], sites: [lyon]}}\n')))
    assert "; not a: it has neither a queue nor agents to dial" in text
    assert context(text, "disclosure-inbound") == []
    assert context(text, "disclosure-calls-inbound") == []


def test_agents_by_extension(write: Write) -> None:
    text = dialplan(load(write(QUEUE)))
    agents = context(text, "disclosure-agents")
    for interface in ("PJSIP/4*", "PJSIP/amina", "Local/2??@desks/n"):
        assert f"; no extension for {interface}" in text
    assert [line.split(",")[0] for line in agents] == [
        "exten => 201",
        "exten => _3XX",
    ], "nothing that other numbers could begin with"


def test_a_comment_never_swallows_the_end_of_a_line(write: Write) -> None:
    """In extensions.conf a ; begins a comment wherever it stands."""
    for line in dialplan(load(write(QUEUE))).splitlines():
        assert line.startswith(";") or ";" not in line, line


def test_freepbx(write: Write) -> None:
    text = dialplan(load(write("default: {queue: eu}\n")), 18, freepbx=True)
    assert "[disclosure-inbound]" not in text, "its inbound routes have the numbers"
    calls = context(text, "disclosure-calls-inbound")
    assert calls[-3].startswith(' same => n,Set(VQ_AGI="agi://127.0.0.1/disclose?')
    assert calls[-2:] == [
        " same => n,Set(VQ_GOSUB=disclosure-member)",
        " same => n,Goto(ext-queues,eu,1)",
    ]


def test_the_server_may_be_elsewhere(write: Write) -> None:
    text = dialplan(load(write(QUEUE)), server="192.0.2.1:4574")
    assert "agi://127.0.0.1" not in text
    assert text.count("agi://192.0.2.1:4574/disclose") == 3


def test_a_route_without_agents_calls_those_of_its_sites(write: Write) -> None:
    text = CONFIGURATION.replace("rabat: {country: MA}", "rabat: {country: MA, dial: [PJSIP/201]}")
    path = write("")
    path.write_text(text + "routes: {one: {numbers: ['1'], sites: [rabat]}}\n")
    said = context(dialplan(load(path)), "disclosure-calls-inbound")
    assert any("Dial(PJSIP/201,20," in line for line in said)
