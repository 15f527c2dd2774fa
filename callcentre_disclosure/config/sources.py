"""The files that something was made from, and whether they have changed since."""

from __future__ import annotations

import os
from typing import NamedTuple


class Source(NamedTuple):
    """A file as it was; ``modified`` in nanoseconds, -1 where there was none."""

    path: str
    modified: int = -1
    size: int = -1

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Source:
        """The file as it is. Take this before you read it."""
        path = os.fspath(path)
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError:
            return cls(path)
        return cls(path, status.st_mtime_ns, status.st_size)

    def is_current(self) -> bool:
        """Whether the file still is as it was."""
        return Source.of(self.path) == self
