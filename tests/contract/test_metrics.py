"""What the servers say about themselves is what happened, whichever of their processes it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from callcentre_disclosure.testing import FakeChannel
from callcentre_disclosure.testing.fake_ari import FakeAsterisk
from tests.call_centre import AriHandler, CallCentre, Server
from tests.contract.conftest import CONFIGURATION, by_ari
from tests.measures import Measures, recorded
from tests.postgresql import Server as Postgresql

SERVICE, PREMIUM, FREE = "0184880001", "0184880002", "0184880008"


@pytest.fixture
def measures() -> Measures:
    return Measures()


@pytest.fixture
def two_workers(centre: CallCentre, measures: Measures) -> Iterator[Server]:
    running = Server(centre, 2, measures.option)
    yield running
    running.stop()


def channel(centre: CallCentre, number: str = SERVICE, seconds: float = 0.2) -> FakeChannel:
    sounds = [replace(p, sound=replace(p.sound, seconds=seconds)) for p in centre.prompts()]
    return FakeChannel(number, script="disclose", sounds=sounds)


def call(centre: CallCentre, server: Server, *numbers: str) -> None:
    """Some calls at once."""
    calls = [
        threading.Thread(
            target=channel(centre, number).call_server, args=("127.0.0.1", server.port)
        )
        for number in numbers
    ]
    for one in calls:
        one.start()
    for one in calls:
        one.join(20)


def test_all_workers_are_added_up_and_those_that_died(
    centre: CallCentre, two_workers: Server, measures: Measures
) -> None:
    measures.wait_until(lambda: measures.health()[0] == 200)
    call(centre, two_workers, SERVICE, SERVICE, PREMIUM, FREE)
    assert sum(recorded(centre).values()) == 4
    measures.wait_until(lambda: measures.announcements() == recorded(centre))
    for worker in two_workers.workers():
        os.kill(worker, signal.SIGKILL)
        two_workers.wait_for("is replaced")
    call(centre, two_workers, SERVICE, SERVICE, PREMIUM)
    assert recorded(centre)["DISCLOSED", "MA,TN", "service", "possible"] == 4
    measures.wait_until(lambda: measures.announcements() == recorded(centre))
    assert measures.value("answer_to_sound_seconds_count") == 6, "one route has nothing to say"
    assert measures.value("sound_to_release_seconds_count") == 6
    assert 0 < measures.value("sound_to_release_seconds_sum") < 6
    assert 1 <= measures.value("commit_seconds_count") <= 7
    assert measures.value("unrecorded_total") == 0


def test_a_worker_that_stands_still_is_no_healthy_one(
    centre: CallCentre, two_workers: Server, measures: Measures
) -> None:
    measures.wait_until(lambda: measures.health()[0] == 200)
    os.kill(two_workers.workers()[0], signal.SIGSTOP)
    measures.wait_until(lambda: measures.health()[0] == 503)
    assert measures.health()[1] == {
        "healthy": False,
        "problems": ["1 of 2 workers do not serve"],
        "workers": {"serving": 1, "expected": 2},
        "changed_since_read": [],
    }
    assert (measures.value("workers"), measures.value("healthy")) == (1, 0)
    two_workers.wait_for("is replaced")
    measures.wait_until(lambda: measures.health()[0] == 200)
    assert (measures.value("workers"), measures.value("healthy")) == (2, 1)


def test_calls_in_progress_until_the_last_has_ended(centre: CallCentre) -> None:
    measures = Measures()
    server = Server(centre, 1, measures.option)
    long = channel(centre, seconds=3.0)
    playing = threading.Thread(target=long.call_server, args=("127.0.0.1", server.port))
    playing.start()
    measures.wait_until(lambda: measures.value("calls") == 1)
    server.process.send_signal(signal.SIGTERM)
    assert measures.value("calls") == 1
    playing.join(20)
    server.has_ended()
    with pytest.raises(ConnectionRefusedError):
        measures.get("/healthz")


def test_who_answers_is_replaced_too(
    centre: CallCentre, two_workers: Server, measures: Measures
) -> None:
    measures.wait_until(lambda: measures.health()[0] == 200)
    for process in two_workers.beside():
        os.kill(process, signal.SIGKILL)
        two_workers.wait_for("is replaced")
    call(centre, two_workers, SERVICE)
    measures.wait_until(lambda: measures.announcements() == recorded(centre))


def test_a_ledger_that_takes_nothing(
    centre: CallCentre, two_workers: Server, measures: Measures
) -> None:
    call(centre, two_workers, SERVICE)
    measures.wait_until(lambda: measures.health()[0] == 200)
    for file in centre.folder.glob("evidence.sqlite*"):
        file.unlink()
    (centre.folder / "evidence.sqlite").mkdir()
    measures.wait_until(lambda: len(measures.health()[1]["problems"]) == 1)
    status, page = measures.health()
    assert status == 503
    assert str(centre.folder / "evidence.sqlite") in page["problems"][0]
    call(centre, two_workers, SERVICE, PREMIUM)
    measures.wait_until(lambda: measures.value("unrecorded_total") == 2)


def test_how_many_records_wait_for_a_postgresql_that_is_away(
    centre: CallCentre, measures: Measures, postgresql: Postgresql, postgresql_url: str
) -> None:
    text = centre.path.read_text()
    beyond = f"evidence.sqlite, url: '{postgresql_url}'}}"
    centre.path.write_text(text.replace("evidence.sqlite}", beyond))
    server = Server(centre, 1, measures.option)
    call(centre, server, SERVICE)
    measures.wait_until(lambda: measures.value("spool_records") == 0)
    postgresql.stop()
    call(centre, server, SERVICE, PREMIUM, SERVICE)
    assert measures.value("spool_records") == 3
    measures.wait_until(lambda: measures.health()[0] == 200)  # no call waits for it
    postgresql.start()
    measures.wait_until(lambda: measures.value("spool_records") == 0, 40.0)
    server.stop()


def test_records_that_stay_here_do_not_wait(two_workers: Server, measures: Measures) -> None:
    measures.wait_until(lambda: measures.health()[0] == 200)
    assert measures.values("spool_records") == {}


def test_a_configuration_that_was_read_again(
    centre: CallCentre, two_workers: Server, measures: Measures
) -> None:
    measures.wait_until(lambda: measures.health()[0] == 200)
    (centre.folder / "elsewhere").mkdir()
    text = centre.path.read_text()
    centre.path.write_text(text.replace("evidence.sqlite", "elsewhere"))
    two_workers.process.send_signal(signal.SIGHUP)
    measures.wait_until(lambda: measures.health()[0] == 503)


def test_the_pages(two_workers: Server, measures: Measures) -> None:
    status, kind, _ = measures.get("/metrics")
    assert (status, kind.partition(";")[0]) == (200, "text/plain")
    status, kind, page = measures.get("/metrics", "application/openmetrics-text; version=1.0.0")
    assert (status, kind.partition(";")[0]) == (200, "application/openmetrics-text")
    families = openmetrics.text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    names = {family.name for family in families}
    assert "callcentre_disclosure_announcements" in names
    assert measures.get("/healthz")[1] == "application/json"
    assert measures.get("/elsewhere")[0] == 404


def test_the_ari_handler(
    centre: CallCentre,
    fake_asterisk: Callable[..., FakeAsterisk],
    fake_channel: Callable[..., FakeChannel],
    measures: Measures,
) -> None:
    fake = fake_asterisk()
    (centre.folder / "password").touch(0o600)
    (centre.folder / "password").write_text(fake.password)
    known = f"{{url: {fake.url}, user: {fake.user}, password_file: password}}"
    centre.path.write_text(f"{CONFIGURATION}ari: {{asterisks: {{pbx: {known}}}}}\n")
    handler = AriHandler(centre, 1, measures.option)
    measures.wait_until(lambda: measures.health()[0] == 200)
    by_ari(centre, fake)(fake_channel(SERVICE, sounds=centre.prompts()))
    measures.wait_until(lambda: measures.announcements() == recorded(centre))
    assert measures.value("answer_to_sound_seconds_count") == 1
    assert measures.value("sound_to_release_seconds_count") == 1
    assert measures.values("asterisk_connected") == {("pbx",): 1}
    fake.break_off(away=3.0)
    measures.wait_until(lambda: measures.health()[0] == 503)
    assert measures.health()[1]["problems"] == ["Asterisk pbx is not connected"]
    assert measures.values("asterisk_connected") == {("pbx",): 0}
    measures.wait_until(lambda: measures.health()[0] == 200)
    handler.stop()


def test_who_is_not_asked_to_measure_does_not_load_what_measures() -> None:
    modules = "callcentre_disclosure.cli." + ", callcentre_disclosure.cli.".join(
        ("fastagi", "ari", "script")
    )
    program = f"import sys, {modules}; sys.exit('prometheus_client' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
