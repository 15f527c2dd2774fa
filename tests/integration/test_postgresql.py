"""The PostgreSQL that the tests run does what a real one does to those who use it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.postgresql import Server
from tests.postgresql_programs import OLDEST, copied, fetched


def kept(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("end", ["fast", "immediate", "kill"])
def test_what_was_committed_is_there_after_any_end(
    postgresql: Server, postgresql_url: str, end: str
) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number INTEGER)")
        connection.execute("INSERT INTO kept VALUES (1)")
        if end == "kill":
            postgresql.kill()
        else:
            postgresql.stop("fast" if end == "fast" else "immediate")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(postgresql_url)
    postgresql.start()
    assert kept(postgresql_url) == 1


def test_a_frozen_server_takes_connections_and_does_not_answer(
    postgresql: Server, postgresql_url: str
) -> None:
    postgresql.freeze()
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        psycopg.connect(postgresql_url, connect_timeout=2)
    postgresql.thaw()
    psycopg.connect(postgresql_url).close()


def test_every_test_has_a_database_of_its_own(postgresql: Server) -> None:
    with postgresql.database() as one, postgresql.database() as other:
        names = {conninfo_to_dict(url)["dbname"] for url in (one, other)}
    assert len(names) == 2
    for name in map(str, names):
        for url in (postgresql.url(name), postgresql.socket_url(name)):
            with pytest.raises(psycopg.OperationalError, match="does not exist"):
                psycopg.connect(url)


def test_debians_oldest_runs_wherever_its_files_are(tmp_path: Path) -> None:
    """As on a machine without PostgreSQL; where root tests, nobody else may enter ``tmp_path``."""
    programs = copied(fetched(), tmp_path / "root")
    with Server(programs) as server, psycopg.connect(server.url()) as connection:
        assert connection.info.server_version // 10_000 == OLDEST
