"""What a process has that it might not give back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

#: Connections that are over may take so many seconds to be closed.
_SETTLED = 5.0

#: What SQLite keeps of a ledger's pages in the memory of two workers, in MiB: it comes once.
PAGES = 4.0


class Leaks:
    """What some processes have more, after work, than they had before it."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._processes = processes
        self._descriptors = self._count()
        self._mebibytes = self._weigh()

    def __str__(self) -> str:
        return f"after it {self.descriptors()} descriptors and {self.mebibytes():.1f} MiB more"

    def descriptors(self) -> int:
        """How many more files, sockets and pipes are open, once what is over is closed."""
        deadline = time.monotonic() + _SETTLED
        while (more := self._count() - self._descriptors) > 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        return more

    def mebibytes(self) -> float:
        """How much more memory is in use."""
        return self._weigh() - self._mebibytes

    def _count(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self._processes)

    def _weigh(self) -> float:
        return sum(map(_kibibytes, self._processes)) / 1024


def _kibibytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
