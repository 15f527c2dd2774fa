"""CEL in the forms that Asterisk's modules write."""

from __future__ import annotations

import csv
import gzip
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest

from callcentre_disclosure.errors import EvidenceError
from callcentre_disclosure.evidence.reconcile import cel
from callcentre_disclosure.evidence.reconcile.rows import Reading, columns_of
from tests.unit.evidence.reconcile.scenes import AMINA, CALLER, NOON, talked

BRIDGE = json.dumps({"bridge_id": "b", "bridge_technology": "simple_bridge"})
EVENTS = [
    ("CHAN_START", 0, CALLER, ""),
    ("STREAM_END", 1, CALLER, ""),
    ("CHAN_START", 2, AMINA, ""),
    ("BRIDGE_ENTER", 5, AMINA, BRIDGE),
    ("BRIDGE_ENTER", 5.25, CALLER, BRIDGE),
    ("BRIDGE_EXIT", 9, CALLER, BRIDGE),
    ("BRIDGE_EXIT", 9, AMINA, BRIDGE),
    ("CHAN_END", 9, AMINA, ""),
    ("CHAN_END", 9, CALLER, ""),
]
SAMPLE = columns_of(
    "eventtype eventtime cidname cidnum cidani cidrdnis ciddnid exten context channame appname "
    "appdata amaflags accountcode uniqueid linkedid peer userfield userdeftype eventextra"
)
FIELDS = columns_of(
    "eventtype eventenum userdeftype literal eventtime name num ani rdnis dnid exten context "
    "channame appname appdata amaflags accountcode uniqueid linkedid peer peeraccount userfield "
    "eventextra tenantid"
)
TABLE = [name for name in SAMPLE if name != "linkedid"]
EXPECTED = [(CALLER, AMINA, 5.25, 9)]


def row(kind: str, seconds: float, channel: str, extra: str) -> dict[str, str]:
    return {
        "eventtype": kind,
        "eventtime": f"{NOON.timestamp() + seconds:.6f}",
        "channame": channel,
        "uniqueid": f"1795000000.{int(channel[-8:], 16)}",
        "linkedid": "1795000000.0",
        "exten": "0184880001",
        "eventextra": extra,
    }


ROWS = [row(*event) for event in EVENTS]


def write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]] = ROWS) -> str:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([one.get(name, "") for name in columns] for one in rows)
    return str(path)


@pytest.mark.parametrize("columns", [SAMPLE, FIELDS], ids=["sample", "fields"])
def test_csv(tmp_path: Path, columns: Sequence[str]) -> None:
    (call,) = cel.calls([write(tmp_path / "Master.csv", columns)], Reading())
    assert talked(call) == EXPECTED
    assert call.numbers == ("0184880001",)


def test_csv_of_a_form_of_ones_own(tmp_path: Path) -> None:
    own = ["eventextra", "uniqueid", "channame", "eventtime", "eventtype"]
    path = write(tmp_path / "own.csv", own)
    with pytest.raises(EvidenceError, match="5 columns is in none of the forms"):
        list(cel.calls([path], Reading()))
    (call,) = cel.calls([path], Reading(own))
    assert talked(call) == EXPECTED


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    own = ["uniqueid", "channame", "eventtime", "eventtype"]
    with pytest.raises(EvidenceError, match="has no eventextra"):
        list(cel.calls([write(tmp_path / "own.csv", own)], Reading(own)))


def test_csv_of_which_the_last_line_is_on_its_way(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "Master.csv", SAMPLE))
    path.write_text(path.read_text() + '"CHAN_START","17950')
    (call,) = cel.calls([str(path)], Reading())
    assert talked(call) == EXPECTED


@pytest.mark.parametrize(
    ("left", "lost"),
    [("", []), ('"CHAN_START","17950', [2]), ('"CHAN_START",', [2]), ("\0" * 900, [])],
)
def test_csv_of_which_a_line_was_cut_when_asterisk_crashed(
    tmp_path: Path, left: str, lost: list[int]
) -> None:
    """It goes on right behind: one line is lost, which is said."""
    path = Path(write(tmp_path / "Master.csv", SAMPLE))
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([first, left, *rest]))
    reading = Reading()
    (call,) = cel.calls([str(path)], reading)
    assert talked(call) == EXPECTED
    assert reading.broken.found == [f"{path}:{number}" for number in lost]


def test_json_of_which_a_line_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "cel.json"
    lines = [json.dumps(one) + "\n" for one in ROWS]
    path.write_text("".join([*lines[:4], '{"eventtype": "HANG\n', *lines[4:]]))
    reading = Reading()
    (call,) = cel.calls([str(path)], reading)
    assert (talked(call), reading.broken.found) == (EXPECTED, [f"{path}:5"])


def test_a_form_that_changes_and_is_not_known_is_no_cut_line(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "Master.csv", SAMPLE))
    own = Path(write(tmp_path / "own.csv", SAMPLE[:-1]))
    path.write_text(path.read_text() + own.read_text())
    with pytest.raises(EvidenceError, match="19 columns is in none of the forms") as raised:
        list(cel.calls([str(path)], Reading()))
    assert raised.value.where == f"{path}:11"


def test_json_of_which_the_last_line_is_on_its_way(tmp_path: Path) -> None:
    path = tmp_path / "cel.json"
    lines = [json.dumps({"EventType": one["eventtype"], **one}) + "\n" for one in ROWS]
    path.write_text("".join(lines) + '{"EventType": "CHAN_')
    (call,) = cel.calls([str(path)], Reading())
    assert talked(call) == EXPECTED


def test_rotated_and_packed_files_one_after_the_other(tmp_path: Path) -> None:
    first = Path(write(tmp_path / "one", SAMPLE, ROWS[:4]))
    packed = tmp_path / "one.gz"
    packed.write_bytes(gzip.compress(first.read_bytes()))
    (call,) = cel.calls([str(packed), write(tmp_path / "two", SAMPLE, ROWS[4:])], Reading())
    assert talked(call) == EXPECTED


def test_the_sample_table_of_sqlite_which_has_no_linked_id(tmp_path: Path) -> None:
    path = tmp_path / "master.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE events (AcctId INTEGER PRIMARY KEY, {', '.join(TABLE)})")
        marks = ", ".join("?" * len(TABLE))
        database.executemany(
            f"INSERT INTO events ({', '.join(TABLE)}) VALUES ({marks})",
            [[one.get(name, "") for name in TABLE] for one in ROWS],
        )
    (call,) = cel.calls([f"{path}#events"], Reading())
    assert talked(call) == EXPECTED
    with pytest.raises(EvidenceError, match="no such table: cel"):
        list(cel.calls([str(path)], Reading()))


@pytest.mark.parametrize(
    "written",
    ["2026-11-22 12:00:05.25", "2026-11-22T12:00:05.250000Z", "2026-11-22 13:00:05.25+0100"],
)
def test_times_that_people_can_read(tmp_path: Path, written: str) -> None:
    rows = [
        {**one, "eventtime": written if one["channame"] == CALLER else one["eventtime"]}
        for one in ROWS[:5]
    ]
    (call,) = cel.calls([write(tmp_path / "cel.csv", SAMPLE, rows)], Reading(zone=timezone.utc))
    assert talked(call) == [(CALLER, AMINA, 5.25, None)]


@pytest.fixture
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where clocks are set back on 25 October 2026 at 01:00 UTC, from 03:00 to 02:00."""
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


#: Of a call that is answered when clocks have been set back; its channels were made before.
SET_BACK = [
    ("CHAN_START", "2026-10-25 02:59:50", CALLER, ""),
    ("BRIDGE_ENTER", "2026-10-25 02:00:09.5", AMINA, BRIDGE),
    ("BRIDGE_ENTER", "2026-10-25 02:00:10", CALLER, BRIDGE),
    ("CHAN_END", "2026-10-25 02:01:00", AMINA, ""),
    ("CHAN_END", "2026-10-25 02:01:00", CALLER, ""),
]
MADE = datetime(2026, 10, 25, 0, 59, 50, tzinfo=timezone.utc)
CONNECTED, PARTED = (MADE + timedelta(seconds=seconds) for seconds in (20, 70))


@pytest.mark.usefixtures("paris")
def test_in_the_hour_that_comes_twice(tmp_path: Path) -> None:
    ids = {"uniqueid": f"pbx-{MADE.timestamp():.0f}.{{}}", "linkedid": ""}
    rows = [
        {**row(kind, 0, channel, extra), **ids, "eventtime": at}
        for kind, at, channel, extra in SET_BACK
    ]
    for one in rows:
        one["uniqueid"] = one["uniqueid"].format(one["channame"][-1])
    (call,) = cel.calls([write(tmp_path / "cel.csv", SAMPLE, rows)], Reading())
    (connection,) = call.connections
    assert (connection.since, connection.until) == (CONNECTED, PARTED)


@pytest.mark.usefixtures("paris")
def test_a_table_of_times_that_come_twice_is_read_as_it_was_written(postgresql_url: str) -> None:
    columns = "eventtype, eventtime, channame, uniqueid, extra"
    with psycopg.connect(postgresql_url, autocommit=True) as database:
        database.execute(
            "CREATE TABLE cel (id SERIAL, eventtype TEXT, eventtime TIMESTAMP, channame TEXT,"
            " uniqueid TEXT, extra TEXT)"
        )
        for kind, at, channel, extra in SET_BACK:
            unique_id = f"{MADE.timestamp():.0f}.{channel[-1]}"
            database.execute(
                f"INSERT INTO cel ({columns}) VALUES (%s, %s, %s, %s, %s)".encode(),
                (kind, at, channel, unique_id, extra),
            )
    (call,) = cel.calls([postgresql_url], Reading())
    (connection,) = call.connections
    assert (connection.since, connection.until) == (CONNECTED, PARTED)


def test_what_is_no_time_is_said(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "eventtime": "yesterday"}]
    with pytest.raises(EvidenceError, match="no time: 'yesterday'"):
        list(cel.calls([write(tmp_path / "cel.csv", SAMPLE, rows)], Reading()))


def test_events_by_number(tmp_path: Path) -> None:
    numbers = {"CHAN_START": "1", "CHAN_END": "2", "BRIDGE_ENTER": "7", "BRIDGE_EXIT": "8"}
    rows = [{**one, "eventtype": numbers.get(one["eventtype"], "99")} for one in ROWS]
    (call,) = cel.calls([write(tmp_path / "cel.csv", SAMPLE, rows)], Reading())
    assert talked(call) == EXPECTED


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="No such file"):
        list(cel.calls([str(tmp_path / "none.csv")], Reading()))
