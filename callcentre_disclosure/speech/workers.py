"""The same work on many things, by several processes.

Engines such as Pico hold the interpreter while they speak, so that threads would wait for each
other.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class WorkerDied(Exception):
    """A process ended while it was at work on one of ``tasks``."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        super().__init__(f"at work on {tasks}")
        self.tasks = tasks


def results(
    work: Callable[[T], R], tasks: Sequence[T], jobs: int
) -> Generator[tuple[T, R], None, None]:
    """Each task with what ``work`` makes of it, as they are done by ``jobs`` processes; by this
    one where that is 1.

    ``work`` is pickled once for each process. Where the generator is closed, what is at work is
    waited for, and the rest left. With more than one job, a script that gets here needs
    ``if __name__ == "__main__":``. Raises ``WorkerDied``.
    """
    if jobs < 2:
        for task in tasks:
            yield task, work(task)
        return

    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    waiting = iter(tasks)
    running: dict[Future[Any], T] = {}
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (work,))

    def start(count: int) -> None:
        with _ctrl_c_later():
            for task in islice(waiting, count):
                running[pool.submit(_do, task)] = task

    try:
        start(jobs + 1)  # one is waiting, so that no process ever is
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            whole = [
                future for future in done if not isinstance(future.exception(), BrokenProcessPool)
            ]
            finished = [(running.pop(future), future.result()) for future in whole]
            if len(whole) == len(done):
                start(len(done))
            yield from finished
            if len(whole) < len(done):
                raise WorkerDied(tuple(running.values()))
    except BrokenProcessPool as broken:
        raise WorkerDied(tuple(running.values())) from broken
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Start processes undisturbed: they hold Ctrl-C back, and this one gets it at the end."""
    pressed: list[int] = []
    in_main = threading.current_thread() is threading.main_thread()
    if in_main:
        handler = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which they inherit
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if in_main:
            signal.signal(signal.SIGINT, handler)
        if pressed:
            signal.raise_signal(signal.SIGINT)


_work: Callable[[Any], Any]


def _begin(work: Callable[[Any], Any]) -> None:
    """In a new process: leave Ctrl-C to the parent, and end when the parent does."""
    from multiprocessing import connection, parent_process

    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def follow() -> None:
            connection.wait([sentinel])
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _do(task: Any) -> Any:
    return _work(task)
