"""Files that others read while they are written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(file: Path, *, prefix: str, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A file that takes its place once all of it is on disk, or not at all.

    Readers see the old one or the new one. ``prefix`` begins the name of the one that is being
    written, which stays where the process is killed. Raises ``OSError``.
    """
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=prefix)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
