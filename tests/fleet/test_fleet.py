"""Several machines under load, and each kind of them taken away: calls go on, and of every call
that was told the ledger of all of them has one record."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from .fleet import ASTERISKS, BY_HAPROXY, BY_SRV, WORKERS, Fleet, Placed, wait_until

EACH = 6
"""Calls at each Asterisk at once: two for each worker."""


def told_once(fleet: Fleet, calls: list[Placed]) -> Counter[tuple[str, str]]:
    """Of each of these calls there is one record, which says that it was told; returns who wrote
    them: the machine, and by which door."""
    fleet.drained()
    wrote: Counter[tuple[str, str]] = Counter()
    for call, records in zip(calls, fleet.records(calls), strict=True):
        told = [record for record in records if is_told(record)]
        assert len(told) == 1, records
        assert told[0]["unique_id"].startswith(f"{call.pbx.name}-")
        wrote[told[0]["writer"].rpartition("-")[0], told[0]["door"]] += 1
    return wrote


def is_told(record: dict[str, Any]) -> bool:
    return bool(record["outcome"] == "DISCLOSED" and record["carried_out"])


def by_whom(wrote: Counter[tuple[str, str]], door: str) -> set[str]:
    return {machine for machine, by in wrote if by == door}


def in_progress(fleet: Fleet, each: int = EACH) -> list[Placed]:
    """Calls, of which every worker has one that hears its announcement."""
    calls = fleet.place(each)
    for call in calls[: len(WORKERS) * len(ASTERISKS)]:
        call.wait_for_sound()
    return calls


def test_all_workers_serve_all_asterisks_and_the_ledger_tells_of_each_call(fleet: Fleet) -> None:
    """Who asks it for one may do nothing else."""
    calls = fleet.place(EACH)
    fleet.are_told(calls)
    assert by_whom(told_once(fleet, calls), "fastagi") == set(WORKERS)
    for call, (record,) in list(zip(calls, fleet.records(calls), strict=True))[: len(ASTERISKS)]:
        assert record["asterisk"] == ASTERISKS[call.pbx.name]
        shown = fleet.evidence("show", "--call", record["unique_id"])
        assert shown.startswith("TOLD"), shown
        assert f"Asterisk {record['asterisk']}" in shown


def test_a_worker_is_killed(fleet: Fleet) -> None:
    """Its calls are told by the script of their Asterisk, new ones by another worker; what it had
    written follows when it is back."""
    before = fleet.place(1)
    fleet.are_told(before)
    calls = in_progress(fleet)
    fleet.workers["worker1"].kill()
    later = fleet.place(EACH // 2)
    fleet.are_told(calls + later)
    fleet.workers["worker1"].start()
    wrote = told_once(fleet, calls)
    assert by_whom(wrote, "agi"), wrote
    assert by_whom(wrote, "fastagi") == {"worker2", "worker3"}
    assert by_whom(told_once(fleet, later), "fastagi") == {"worker2", "worker3"}
    told_once(fleet, before)


def test_a_worker_is_cut_off(fleet: Fleet) -> None:
    """Nobody is told, no connection is closed: HAProxy lets go of its calls, and finds another
    worker for new ones before its health check has noticed."""
    calls = in_progress(fleet)
    fleet.network.unplug(fleet.workers["worker2"].machine)
    later = fleet.place(EACH // 2)
    fleet.are_told(later + calls)
    fleet.network.plug_in(fleet.workers["worker2"].machine)
    assert by_whom(told_once(fleet, later), "fastagi") == {"worker1", "worker3"}
    wrote = told_once(fleet, calls)
    assert by_whom(wrote, "agi"), wrote
    assert by_whom(wrote, "fastagi") == {"worker1", "worker3"}


def test_a_worker_is_frozen(fleet: Fleet) -> None:
    """Its system goes on: connections stay, and nothing answers."""
    for pbx in fleet.asterisks.values():
        pbx.balance("2500ms")
    wait_until(fleet.all_there, "HAProxy has found the workers")
    calls = in_progress(fleet)
    fleet.workers["worker3"].freeze()
    pbxs = fleet.asterisks.values()
    wait_until(lambda: {pbx.seen()["worker3"] for pbx in pbxs} == {"DOWN"}, "it is found out")
    later = fleet.place(EACH // 2)
    fleet.are_told(calls + later)
    fleet.workers["worker3"].thaw()
    assert by_whom(told_once(fleet, later), "fastagi") == {"worker1", "worker2"}
    wrote = told_once(fleet, calls)
    assert by_whom(wrote, "agi"), wrote


def test_workers_are_restarted_one_after_the_other(fleet: Fleet) -> None:
    """Not one call needs the script."""
    calls: list[Placed] = []
    for name, worker in fleet.workers.items():
        wait_until(partial(fleet.all_have_another, name), "there is another one")
        calls += in_progress(fleet, EACH // 2)
        worker.stop()
        calls += fleet.place(1)
        worker.start()
    fleet.are_told(calls)
    assert {door for _, door in told_once(fleet, calls)} == {"fastagi"}


def test_an_asterisk_is_killed(fleet: Fleet) -> None:
    """The calls of the other one do not notice; those that were cut are in the ledger as that."""
    calls = in_progress(fleet)
    pbx = fleet.asterisks["pbx1"]
    pbx.asterisk.crash()
    cut = [call for call in calls if call.pbx is pbx]
    others = [call for call in calls if call.pbx is not pbx]
    fleet.are_told(others)
    told_once(fleet, others)
    assert Counter(map(len, fleet.records(cut))).keys() <= {0, 1}
    kept = [record for records in fleet.records(cut) for record in records]
    assert {(record["outcome"], record["carried_out"]) for record in kept} == {
        ("NOT_DISCLOSED", False)
    }
    for call in cut:
        call.call.hang_up()
    pbx.restart()
    again = fleet.place(1)
    fleet.are_told(again)
    told_once(fleet, again)


def test_the_sounds_and_the_ledger_are_away_and_a_worker_dies_with_what_it_wrote(
    fleet: Fleet,
) -> None:
    """Nothing of it is noticed, or lost."""
    fleet.nginx.kill()
    fleet.nginx.wait()
    fleet.postgresql.kill()
    calls = fleet.place(EACH)
    fleet.are_told(calls)
    wait_until(lambda: fleet.waiting() == len(calls), "all records are in files")
    worker = fleet.workers["worker1"]
    worker.kill()
    fleet.start_postgresql()
    wait_until(lambda: fleet.waiting() == worker.waiting() > 0, "those of the others have gone")
    worker.start()
    assert by_whom(told_once(fleet, calls), "fastagi") == set(WORKERS)


def test_workers_by_srv_records(fleet: Fleet) -> None:
    """Without HAProxy: who refuses, or is cut off, is passed over."""
    for pbx in fleet.asterisks.values():
        pbx.asterisk.reload_extensions(BY_SRV)
    fleet.workers["worker1"].kill()
    fleet.network.unplug(fleet.workers["worker2"].machine)
    calls = fleet.place(EACH // 2)
    fleet.are_told(calls)
    for pbx in fleet.asterisks.values():
        pbx.asterisk.reload_extensions(BY_HAPROXY)
    fleet.mend()
    assert set(told_once(fleet, calls)) == {("worker3", "fastagi")}


def test_every_record_came_once_and_the_chains_hold(fleet: Fleet) -> None:
    """After all the tests before."""
    fleet.drained()
    ids = fleet.ids()
    assert ids
    assert len(ids) == len(set(ids))
    assert "unchanged" in fleet.evidence("verify")
