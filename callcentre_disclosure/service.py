"""The one place that wires the rooms together: a configuration, its calls and their evidence."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from .asterisk.agi_driver import AgiDriver
from .config.location import cache_folders, configuration_path
from .config.opening import open_compiled
from .disclosure.announcement import Prompt
from .disclosure.call import CallFacts
from .disclosure.commands import Session
from .disclosure.decision import prompt_for
from .disclosure.directory import Directory
from .disclosure.record import LedgerRecord
from .disclosure.session import disclose as session_of
from .errors import DisclosureError
from .evidence.ledger import Ledger

if TYPE_CHECKING:
    from .asterisk.pyst import Agi
    from .config.model import Configuration, EvidenceEntry

_log = logging.getLogger(__name__)


class Disclosure:
    """One configuration at work.

    ``reload`` replaces ``directory`` as a whole; a session keeps the one that it began with.
    ``configuration`` is None where only one call's share of it was read. ``committed`` is told of
    every commit, by the thread that makes it: how many records, in how many seconds, whether they
    are durable.
    """

    def __init__(
        self, directory: Directory, ledger: Ledger, configuration: Configuration | None = None
    ) -> None:
        self.directory = directory
        self._ledger = ledger
        self.configuration = configuration
        self.committed: Callable[[int, float, bool], None] = _unmeasured

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Disclosure:
        """Read a configuration into memory, for a server or a test.

        Raises ``ConfigurationError`` with everything that is wrong with it.
        """
        from .config.directory import directory, ledger_place
        from .config.loader import load

        configuration = load(Path(path))
        ledger = Ledger(ledger_place(configuration))
        return cls(directory(configuration), ledger, configuration)

    @classmethod
    def for_one_call(cls, path: Path) -> Disclosure:
        """Open what one call needs of a configuration, however large it is.

        Never raises for a bad configuration: a call takes the last one that was good, or the
        sentence that names no country, and the log says why.
        """
        try:
            compiled = open_compiled(path, cache_folders(os.environ))
        except (DisclosureError, OSError) as problem:
            from .config.emergency import emergency

            compiled = emergency()
            _log.error("no usable configuration, calls are not announced: %s", problem)
        for finding in compiled.findings:
            _log.error("the configuration before this one is used: %s", finding)
        if not compiled.kept:
            _log.warning(
                "each call reads the whole configuration, because none of these can be written: %s",
                ", ".join(cache_folders(os.environ)),
            )
        return cls(compiled.directory, Ledger(compiled.evidence))

    def begin(self, call: CallFacts) -> Session:
        """Start the session of a call that asks to be announced now."""
        return session_of(
            call,
            self.directory,
            disclosure_id=f"{time.time_ns() // 1_000_000:x}-{os.urandom(4).hex()}",
            received_at=datetime.now(timezone.utc).astimezone(),
        )

    def keep(self, records: Sequence[LedgerRecord]) -> None:
        """Write the evidence of calls. What cannot be written is logged; the calls go on."""
        for record in records:
            if record.cause:
                _log.warning("%s: %s: %s", record.disclosure_id, record.outcome.value, record.cause)
        began, durable = time.perf_counter(), False
        try:
            self._ledger.append(records)
            durable = True
        except DisclosureError as problem:
            ids = ", ".join(record.disclosure_id for record in records)
            _log.error("no evidence of %s: %s", ids, problem)
        finally:
            self.committed(len(records), time.perf_counter() - began, durable)

    def trouble(self) -> str | None:
        """Why no evidence could be written now, if so."""
        try:
            self._ledger.try_out()
        except DisclosureError as problem:
            return str(problem)
        return None

    def waiting(self) -> int | None:
        """How many records have not gone to the ledger of several machines yet; None where they
        stay in that of this one. Raises ``EvidenceError``."""
        if self.configuration is None or self.configuration.evidence.url is None:
            return None
        from .evidence.forwarding import waiting
        from .evidence.sqlite import SqliteStore

        with closing(SqliteStore(self.configuration.evidence.file)) as spool:
            return waiting(spool)

    def try_evidence(self) -> None:
        """Log it now if no evidence could be written later."""
        if trouble := self.trouble():
            _log.error("%s", trouble)

    def attend(self, heartbeat: int) -> None:
        """Look after the ledger while the workers of a server write it, in a process beside them
        (``asterisk.workers``)."""
        from .evidence.upkeep import attend

        attend(self._evidence_entry(), heartbeat, self._evidence_again)

    def _evidence_entry(self) -> EvidenceEntry:
        assert self.configuration is not None, "only what was read from a file names a ledger"
        return self.configuration.evidence

    def _evidence_again(self) -> EvidenceEntry:
        self.reload()
        return self._evidence_entry()

    def close(self) -> None:
        """Let go of the ledger."""
        self._ledger.close()

    def prompts(self) -> list[Prompt]:
        """Every announcement that the configuration can need and that has a sound."""
        assert self.configuration is not None, "only what was read from a file knows all of them"
        from .config.announcements import needed

        sentences = needed(self.configuration)
        return [p for sentence in sentences if (p := prompt_for(sentence, self.directory))]

    def agi(self, now: float = 0.0) -> AgiDriver:
        """A session over AGI; ``now`` is the time in seconds on the clock of whoever feeds it."""
        return AgiDriver(self.begin, "agi", now, os.uname().nodename)

    def reload(self) -> None:
        """Read the configuration again; where that fails the old one stays, loudly."""
        assert self.configuration is not None, "only what was read from a file can be read again"
        try:
            fresh = Disclosure.from_file(self.configuration.path)
        except (DisclosureError, OSError) as problem:
            _log.error("the configuration is not replaced: %s", problem)
        else:
            self.directory = fresh.directory
            if fresh._ledger.place != self._ledger.place:
                self._ledger = fresh._ledger
            self.configuration = fresh.configuration
            _log.info("the configuration was read again")


def _unmeasured(records: int, seconds: float, durable: bool) -> None:
    """Nobody measures."""


def disclose(
    agi: Agi, *, config: str | os.PathLike[str] | None = None, **keys: str | None
) -> LedgerRecord | None:
    """Announce a call in a script that is written with pyst2, and keep the evidence.

    ``agi`` is its ``asterisk.agi.AGI``, ``keys`` are those of the dialplan: ``queue``, ``stage``,
    ``agent``, ... The evidence is returned, or None where Asterisk had left before it said anything
    of the call. Call it where no other command runs, in the thread that handles signals.

    Where the caller hung up meanwhile, is not to be connected, or goes on to an agent of their
    choice, the script's next command raises pyst2's ``AGISIGHUPHangup``.
    """
    from .asterisk import pyst

    disclosure = Disclosure.for_one_call(Path(config or configuration_path()))
    return pyst.disclose(agi, keys, begin=disclosure.begin, keep=disclosure.keep)
