from __future__ import annotations

from typing import Any

from callcentre_disclosure.metrics.board import FRESH_SECONDS, Board
from callcentre_disclosure.metrics.tally import BOUNDS, SUM

KIND = ("announcements", "DISCLOSED", "MA,TN", "service", "possible")


def report(worker: int, *counts: tuple[Any, ...], calls: int = 0, **there: bool) -> dict[str, Any]:
    return {"worker": worker, "calls": calls, "asterisks": there, "counts": counts}


def values(board: Board, name: str, now: float = 0.0) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for metric in board.metrics(now)
        for sample in metric.samples
        if sample.name == f"callcentre_disclosure_{name}"
    }


def test_counts_stay_when_their_worker_has_gone() -> None:
    board = Board(2)
    board.add(report(1, (*KIND, 2), ("failures", 1), calls=3), 0.0)
    board.add(report(2, (*KIND, 5), calls=4), 0.0)
    assert values(board, "calls") == {(): 7}
    later = FRESH_SECONDS + 1.0
    board.add(report(3, (*KIND, 1), calls=1), later)
    assert values(board, "announcements_total", later)[KIND[1:]] == 8
    assert values(board, "failures_total", later) == {(): 1}
    assert values(board, "calls", later) == {(): 1}
    assert values(board, "workers", later) == {(): 1}
    assert values(board, "workers_expected", later) == {(): 2}


def test_an_asterisk_of_which_nobody_tells_is_not_known() -> None:
    board = Board(1)
    board.add(report(1, pbx=True, lyon=False), 0.0)
    assert values(board, "asterisk_connected", FRESH_SECONDS) == {("pbx",): 1, ("lyon",): 0}
    assert values(board, "asterisk_connected", FRESH_SECONDS + 0.1) == {}


def test_times_are_counted_as_prometheus_counts_them() -> None:
    """Each class holds those of the classes before it."""
    board = Board(1)
    last = len(BOUNDS)
    board.add(report(1, ("before", 0, 2), ("before", 1, 1), ("before", last, 1)), 0.0)
    board.add(report(1, ("before", SUM, 12.5)), 0.0)
    name = "answer_to_sound_seconds"
    classes = values(board, f"{name}_bucket")
    assert classes[("0.001",)] == 2
    assert classes[("0.002",)] == classes[("5.0",)] == 3
    assert classes[("+Inf",)] == values(board, f"{name}_count")[()] == 4
    assert values(board, f"{name}_sum") == {(): 12.5}


def test_what_has_not_happened_is_zero() -> None:
    """So that a first failure is seen as one: Prometheus sees no increase where nothing was."""
    board = Board(1)
    board.add(report(1, (*KIND, 1)), 0.0)
    assert sorted(values(board, "announcements_total").values()) == [0, 0, 0, 0, 1]
    assert values(board, "failures_total") == values(board, "unrecorded_total") == {(): 0}
    assert values(board, "commit_seconds_count") == {(): 0}
