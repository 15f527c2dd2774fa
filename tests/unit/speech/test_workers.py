"""Work is shared out, each piece once, and what goes wrong is not lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from callcentre_disclosure.speech import workers
from callcentre_disclosure.speech.workers import WorkerDied, results


def square(number: int) -> int:
    if number < 0:
        os._exit(3)
    if number > 1000:
        raise ValueError(f"{number} is too much")
    return number * number


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_each_task_is_done_once(jobs: int) -> None:
    assert sorted(results(square, range(30), jobs)) == [(n, n * n) for n in range(30)]


def test_no_task_is_no_work() -> None:
    assert list(results(square, [], 2)) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_is_raised_here(jobs: int) -> None:
    with pytest.raises(ValueError, match="1001 is too much"):
        list(results(square, [1, 2, 1001, 3], jobs))


def test_a_process_that_ended_tells_what_it_was_at() -> None:
    done: list[int] = []

    def all_of_it() -> None:
        done.extend(task for task, _ in results(square, [*range(9), -1, *range(10, 30)], 2))

    with pytest.raises(WorkerDied) as died:
        all_of_it()
    assert -1 in died.value.tasks
    assert len(died.value.tasks) <= 3
    assert set(range(9)) <= {*done, *died.value.tasks}


def test_what_is_left_when_it_is_closed_is_not_done() -> None:
    with closing(results(square, range(10**6), 2)) as running:
        assert next(running)[0] < 3, "one more than there are processes was begun"


def test_ctrl_c_while_processes_are_started_comes_after_that() -> None:
    steps: list[str] = []

    def pressed() -> None:
        with workers._ctrl_c_later():
            signal.raise_signal(signal.SIGINT)
            steps.append("started")
        steps.append("not reached")

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            pressed()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert steps == ["started"]


def test_it_works_in_any_thread() -> None:
    done: list[tuple[int, int]] = []
    work: Callable[[], None] = lambda: done.extend(results(square, range(4), 2))  # noqa: E731
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(done) == 4
