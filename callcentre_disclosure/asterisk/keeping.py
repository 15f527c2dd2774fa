"""Evidence that is written while calls go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from callcentre_disclosure.disclosure.record import LedgerRecord

from .agi_driver import EVIDENCE_SECONDS

_log = logging.getLogger(__name__)


class Keeping:
    """Has ``keep`` write evidence in another thread, each time all that has come meanwhile: one
    commit to the disk is enough for many calls.

    ``keep`` may block; it is called from one thread only, with the records in their order.
    """

    def __init__(self, keep: Callable[[Sequence[LedgerRecord]], None]) -> None:
        self._keep = keep
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="evidence")
        self._waiting: list[tuple[LedgerRecord, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def keep(self, record: LedgerRecord) -> asyncio.Future[None]:
        """Done when the record is written, or when its call has waited long enough for a disk that
        does not answer."""
        loop = asyncio.get_running_loop()
        released = loop.create_future()
        patience = loop.call_later(EVIDENCE_SECONDS, _impatient, released)
        released.add_done_callback(lambda _: patience.cancel())
        self._waiting.append((record, released))
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        return released

    async def close(self) -> None:
        """Return when all of it is written."""
        if self._writing:
            await self._writing
        self._writer.shutdown()

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            records = [record for record, _ in batch]
            try:
                await loop.run_in_executor(self._writer, self._keep, records)
            except Exception:
                _log.exception("evidence not written")
            for _, released in batch:
                if not released.done():
                    released.set_result(None)
        self._writing = None


def _impatient(released: asyncio.Future[None]) -> None:
    if not released.done():
        _log.error("evidence not written within %s s; the call goes on", EVIDENCE_SECONDS)
        released.set_result(None)
