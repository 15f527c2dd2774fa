"""What a server does for its ledger besides writing it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from callcentre_disclosure.evidence.postgresql import PostgresqlStore
from callcentre_disclosure.evidence.sqlite import SqliteStore
from callcentre_disclosure.testing import FakeChannel
from tests.call_centre import CallCentre, Server


def arrived(url: str, count: int) -> list[str]:
    """The outcomes in PostgreSQL, once there are so many."""
    ledger, deadline = PostgresqlStore(url), time.monotonic() + 20
    while True:
        found = [outcome for (outcome,) in ledger.read("SELECT outcome FROM entries")]
        if len(found) >= count or time.monotonic() > deadline:
            ledger.close()
            return found
        time.sleep(0.05)


@pytest.fixture
def beyond(centre: CallCentre, postgresql_url: str) -> str:
    """The ledger of the centre is in PostgreSQL."""
    text = centre.path.read_text()
    evidence = f'evidence: {{file: evidence.sqlite, url: "{postgresql_url}"}}'
    centre.path.write_text(text.replace("evidence: {file: evidence.sqlite}", evidence))
    return postgresql_url


def call(centre: CallCentre, server: Server) -> None:
    channel = FakeChannel("0184880001", sounds=centre.prompts(), script="disclose")
    channel.call_server("127.0.0.1", server.port)


def test_records_of_the_server_go_to_the_ledger_of_all_machines(
    centre: CallCentre, beyond: str, server: Server
) -> None:
    call(centre, server)
    assert arrived(beyond, 1) == ["DISCLOSED"]
    call(centre, server)
    assert arrived(beyond, 2) == ["DISCLOSED", "DISCLOSED"]


def test_a_ledger_that_the_configuration_names_later_gets_the_old_records_too(
    centre: CallCentre, server: Server, postgresql_url: str
) -> None:
    call(centre, server)
    text = centre.path.read_text()
    evidence = f'evidence: {{file: evidence.sqlite, url: "{postgresql_url}"}}'
    centre.path.write_text(text.replace("evidence: {file: evidence.sqlite}", evidence))
    os.kill(server.process.pid, signal.SIGHUP)
    server.wait_for("the configuration was read again")
    call(centre, server)
    assert arrived(postgresql_url, 2) == ["DISCLOSED", "DISCLOSED"]


def test_the_day_is_signed_as_soon_as_there_is_a_record(centre: CallCentre) -> None:
    server = Server(centre)
    call(centre, server)
    folder, deadline = centre.folder / "checkpoints", time.monotonic() + 20
    while not list(folder.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    server.stop()
    assert len(list(folder.glob("*.json"))) == 1


def test_what_is_written_last_waits_in_the_file(centre: CallCentre, beyond: str) -> None:
    server = Server(centre)
    call(centre, server)
    server.stop()
    spool = SqliteStore(Path(centre.folder / "evidence.sqlite"))
    ((waiting,),) = spool.read("SELECT count(*) FROM entries")
    spool.close()
    assert waiting + len(arrived(beyond, 0)) == 1
