"""What a ledger needs while calls go on: forwarding, and a signed checkpoint every day."""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timezone
from pathlib import Path

from callcentre_disclosure.config.model import EvidenceEntry
from callcentre_disclosure.errors import EvidenceError

from . import checkpoints
from .chain import Head, is_ours
from .forwarding import alone, forward
from .keys import KeyRing
from .postgresql import PostgresqlStore
from .schema import HEAD
from .sqlite import SqliteStore

#: How often somebody looks whether entries wait, in seconds.
_LOOK_SECONDS = 0.5
#: A ledger that is away is tried again after one second, then less and less often.
_LONGEST_PAUSE = 30.0

#: A checkpoint that could not be signed is tried again after so many seconds.
_SIGN_AGAIN = 60.0

_HEADS = f"SELECT {', '.join(HEAD)} FROM heads ORDER BY writer"  # noqa: S608

_log = logging.getLogger(__name__)


class Upkeep:
    """Looks after the ledger of a configuration, from one thread."""

    def __init__(self, entry: EvidenceEntry) -> None:
        self._entry = entry
        self._file = SqliteStore(entry.file)
        self._remote = PostgresqlStore(entry.url) if entry.url else None
        self._signed: date | None = None
        self._sign_after = 0.0

    def run(self, stop: threading.Event) -> None:
        """Do it until ``stop`` is set. What goes wrong is logged, and tried again."""
        pause = _LOOK_SECONDS
        while not stop.is_set():
            self._sign_today()
            try:
                self._forward()
            except (EvidenceError, OSError) as problem:
                if pause == _LOOK_SECONDS:
                    _log.error("records wait: %s", problem)
                pause = min(_LONGEST_PAUSE, max(1.0, pause * 2))
            else:
                if pause != _LOOK_SECONDS:
                    _log.info("records no longer wait")
                pause = _LOOK_SECONDS
            stop.wait(pause * random.uniform(0.75, 1.0))  # noqa: S311
        self.close()

    def once(self) -> int:
        """Forward what waits, unless another process of this machine does, and sign the checkpoint
        of the day; returns how many entries went. Raises ``EvidenceError``."""
        sent = self._forward()
        self._sign_today()
        return sent

    def sign(self) -> Path | None:
        """Sign how far the chains have come; None where they have not begun. Raises
        ``EvidenceError``."""
        heads = [Head(*row) for row in (self._remote or self._file).read(_HEADS)]
        if not heads:
            return None
        ring = KeyRing.open(self._entry.keys)
        for head in heads:
            if not is_ours(head, ring):
                raise EvidenceError(
                    f"the end of chain {head.writer} is not what was sealed",
                    where=self._entry.url or str(self._entry.file),
                    remedy="run `callcentre-disclosure evidence verify`",
                )
        ends = [(head.writer, head.sequence, head.last) for head in heads]
        signed = checkpoints.sign(ends, ring, datetime.now(timezone.utc))
        return checkpoints.write(signed, ring, self._entry.checkpoint_folder)

    def close(self) -> None:
        """Let go of the file and of the ledger beyond it."""
        self._file.close()
        if self._remote:
            self._remote.close()

    def _forward(self) -> int:
        sent = 0
        if self._remote and self._entry.file.exists():
            with alone(self._file) as is_alone:
                while is_alone and (some := self._some(self._remote)):
                    sent += some
        return sent

    def _some(self, remote: PostgresqlStore) -> int:
        return forward(self._file, KeyRing.open(self._entry.keys), remote)

    def _sign_today(self) -> None:
        """Unless it was done. What fails is said, and tried again after a minute."""
        today = datetime.now(timezone.utc).date()
        if self._signed == today or time.monotonic() < self._sign_after:
            return
        kept = self._entry.checkpoint_folder
        try:
            if self._entry.file.exists() and (any(kept.glob(f"{today}T*.json")) or self.sign()):
                self._signed = today
        except (EvidenceError, OSError) as problem:
            self._sign_after = time.monotonic() + _SIGN_AGAIN
            _log.error("no checkpoint of today: %s", problem)


def attend(entry: EvidenceEntry, heartbeat: int, reload: Callable[[], EvidenceEntry]) -> None:
    """A process of a server: look after its ledger until nobody reads ``heartbeat``, and after
    another one where SIGHUP brings another configuration."""
    stop, over = threading.Event(), threading.Event()

    def beat() -> None:
        try:
            while not over.wait(_LOOK_SECONDS / 2):
                os.write(heartbeat, b".")
        except BrokenPipeError:
            over.set()
            stop.set()

    signal.signal(signal.SIGHUP, lambda *_: stop.set())
    threading.Thread(target=beat, daemon=True).start()
    while not over.is_set():
        Upkeep(entry).run(stop)
        stop.clear()
        entry = reload()
