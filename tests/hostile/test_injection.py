"""A name is a name: in commands, paths, logs, on screens and in databases.

HTML is for tests/unit/speech/test_catalogue.py and tests/integration/test_report_page.py, sheets
for tests/unit/evidence/test_sheet.py, the dialplan for tests/integration/test_hostile_names.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcentre_disclosure.asterisk import facts
from callcentre_disclosure.asterisk.agi import AsteriskSide
from callcentre_disclosure.config.compiled import CompiledFile
from callcentre_disclosure.config.compiling import write_compiled
from callcentre_disclosure.config.place import LedgerPlace
from callcentre_disclosure.disclosure.call import CallFacts, Stage
from callcentre_disclosure.disclosure.numbers import Numbering
from callcentre_disclosure.evidence.forwarding import forward
from callcentre_disclosure.evidence.keys import KeyRing
from callcentre_disclosure.evidence.ledger import Ledger
from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.reading import Search, Store, find, glance
from callcentre_disclosure.evidence.sqlite import SqliteStore
from tests import command_line
from tests.unit.evidence.told_calls import CALL, told

from .calls import CENTRE, CUT, agi_session, asked
from .payloads import NAMES

CONFIGURATION = """\
languages: [fr]
numbering: {country_code: "33", trunk_prefix: "0"}
evidence: {file: evidence.sqlite}
sites: {casablanca: {country: MA}}
"""
KEYS = [key for key in facts.KEYS if key not in ("stage", "direction", "text")]


def conversation(query: str, told: str) -> bytes:
    """An Asterisk that says this of a call, and does whatever it is asked to."""
    opening = AsteriskSide.environment(
        {"channel": "PJSIP/t-00000001", "uniqueid": "1.1", "network_script": f"x?{query}"}
    )
    answers = [b"200 result=1 (1)\n", b"200 result=0 endpos=99999\n", b"200 result=49 endpos=8\n"]
    said = told.replace("\n", " ").encode("utf-8", "surrogateescape")
    return CUT.join([opening, b"200 result=1 (" + said + b")\n", *answers * 6])


@pytest.mark.parametrize("key", KEYS)
def test_no_key_of_a_query_string_becomes_a_command_or_a_path(key: str) -> None:
    for name in NAMES:
        value = quote_from_bytes(name.encode("utf-8", "surrogateescape"))
        for stage in Stage:
            agi_session(conversation(f"stage={stage.value}&{key}={value}", ""))
        asked(f"{key}={value}\n\n".encode())
        asked(f"\n{key}={name}\n".encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("variable", facts.VARIABLES)
def test_no_variable_of_a_channel_does(variable: str) -> None:
    values = ["Up", "1.1", "possible MA", "", "support", "PJSIP/201-0000001b", "", "PJSIP/201", ""]
    for name in NAMES:
        said = dict(zip(facts.VARIABLES, values, strict=True)) | {variable: name}
        agi_session(conversation("stage=answered", "|".join(said.values())))


@given(st.dictionaries(st.sampled_from(facts.KEYS), st.text(max_size=40)), st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_nor_does_any_other(keys: dict[str, str], variables: str) -> None:
    query = "&".join(f"{key}={quote_from_bytes(value.encode())}" for key, value in keys.items())
    agi_session(conversation(query, variables))


@given(st.lists(st.text(max_size=30)), st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_what_the_dialplan_says_chooses_and_names_nothing_else(words: list[str], q: str) -> None:
    asked("\n".join((q, "\t".join(words), "|".join(words))).encode("utf-8", "surrogateescape"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledFile:
    file = tmp_path_factory.mktemp("compiled") / "file"
    place = LedgerPlace("ledger", "keys", None)
    write_compiled(file, CENTRE, place, (), 0o600)
    opened = CompiledFile.open(str(file))
    assert opened is not None
    return opened


@given(name=st.one_of(st.sampled_from(NAMES), st.text(), st.just('PJSIP/201\t["PJSIP/201","FR"')))
@settings(max_examples=200, deadline=None)
def test_no_name_finds_what_it_is_not_in_a_compiled_file(compiled: CompiledFile, name: str) -> None:
    directory = compiled.compiled().directory
    for table, wanted in (
        (directory.agents, CENTRE.agents),
        (directory.sites, CENTRE.sites),
        (directory.routes, CENTRE.routes),
        (directory.sounds, CENTRE.sounds),
    ):
        found = table.get(name)
        assert found is None or found == wanted.get(name)


LOGGING = """
import logging, sys
from callcentre_disclosure.cli.log import to_stderr
from tests.hostile.payloads import NAMES
to_stderr()
log = logging.getLogger("callcentre_disclosure.asterisk.fastagi")
for name in NAMES:
    log.warning("%s", name)
    try:
        raise ValueError(name)
    except ValueError:
        log.exception("agent %s", name)
"""


def test_a_log_line_is_one_json_object_whatever_it_tells_of() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    lines = done.stderr.decode("ascii").split("\n")
    assert lines.pop() == ""
    entries = [json.loads(line) for line in lines]
    assert len(entries) == 2 * len(NAMES)
    assert [entry["message"] for entry in entries[::2]] == list(NAMES)
    assert {entry["level"] for entry in entries} == {"warning", "error"}
    assert all(line.isprintable() for line in lines)


def test_a_slip_of_the_dialplan_is_one_short_line_of_a_log() -> None:
    for name in NAMES:
        for slip in facts.slips({name: name, "stage": name, f"{name}x": "1"}):
            assert slip.isprintable()
            assert len(slip) < 250


def test_whoever_says_much_is_not_logged_at_length() -> None:
    keys = facts.asked((), "&".join(f"k{n}=v" for n in range(10_000)))
    assert len(list(facts.slips(keys))) <= 5


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LedgerPlace:
    """A ledger of a call from each of the names, which are everything that is known of it."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIGURATION)
    monkeypatch.setenv("CALLCENTRE_DISCLOSURE_CONFIG", str(path))
    place = LedgerPlace(
        str(tmp_path / "evidence.sqlite"), str(tmp_path / "evidence.key"), Numbering("33", "0")
    )
    with closing(Ledger(place)) as ledger:
        ledger.append([told(f"id-{n}", _call_of(name)) for n, name in enumerate(NAMES)])
    return place


def _call_of(name: str) -> CallFacts:
    return replace(
        CALL,
        unique_id=name,
        linked_id=name,
        channel=name,
        dialled_number=name,
        queue=name,
        agent=name,
        member=name,
        route=name,
        profile=name,
        site=name,
        trunk=name,
        asterisk=name,
        language=name,
        stage=Stage.ANSWERED,
    )


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "command",
    [
        ["list", "--limit", "0"],
        ["list", "--json", "--limit", "0"],
        ["verify"],
        ["numbers"],
        *(["show", f"id-{n}"] for n in range(0, len(NAMES), 3)),
        ["show", "--json", "id-0"],
        *(["export", "--format", wanted] for wanted in ("csv", "jsonl")),
    ],
    ids=" ".join,
)
def test_no_name_moves_a_terminal_or_makes_a_line(command: list[str]) -> None:
    done = command_line.run("evidence", *command)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    lines = (done.stdout + done.stderr).split("\n")
    if command[0] == "export":
        lines = [line.rstrip("\r").lstrip("\ufeff") for line in lines]
    if command[:2] != ["export", "--format"] or command[2] == "jsonl":
        assert all(line.isprintable() for line in lines), lines
    if "--json" in command and command[0] == "list":
        assert len([json.loads(line) for line in done.stdout.splitlines()]) == len(NAMES)


def _searches(name: str) -> Iterator[Search]:
    for option in ("id", "call", "since", "before", "route", "queue", "outcome", "country"):
        yield Search(**{option: name})
    yield Search(calls=[name, name])
    yield Search(consumer=[name])


def _finds_names_and_nothing_else(store: Store) -> None:
    for number, name in enumerate(NAMES):
        if name:
            assert [document["id"] for _, document in find(store, Search(call=name))] == [
                f"id-{number}"
            ]
            assert [one.id for one in glance(store, Search(queue=name), 10)] == [f"id-{number}"]
            for search in _searches(name):
                if search.since is None and search.before is None:
                    assert len(glance(store, search, 10)) <= 1
    assert len(list(find(store, Search()))) == len(NAMES)
    assert list(store.oddities()) == []


def test_what_is_searched_for_is_never_a_statement(place: LedgerPlace) -> None:
    with closing(SqliteStore(place.file)) as store:
        _finds_names_and_nothing_else(store)


def test_nor_is_it_in_postgresql(place: LedgerPlace, postgresql_url: str) -> None:
    with (
        closing(SqliteStore(place.file)) as spool,
        closing(PostgresqlStore(postgresql_url)) as ledger,
    ):
        forward(spool, KeyRing.open(place.key_file), ledger)
        _finds_names_and_nothing_else(ledger)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("option", ["--call", "--queue", "--route", "--caller"])
@pytest.mark.parametrize("name", ["' OR 1=1 --", "'; DROP TABLE entries; --", "%", "\udcff", "?"])
def test_nor_on_a_command_line(option: str, name: str) -> None:
    done = command_line.run("evidence", "list", option, name)
    assert done.exit_code in (0, 1)
    assert done.stdout.count("\n") <= 2
    assert command_line.run("evidence", "verify").exit_code == 0
