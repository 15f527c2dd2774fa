"""Opens the configuration for one call: compiled, and compiled again where that is out of date."""

# ruff: noqa: PTH118
# Importing pathlib would cost every call 2 ms.

from __future__ import annotations

import os
from collections.abc import Sequence

from .compiled import Compiled, CompiledFile, compiled_name


def open_compiled(path: str | os.PathLike[str], caches: Sequence[str]) -> Compiled:
    """The configuration of a file, from one of the cache folders if it is there and up to date.

    Else it is loaded, compiled and put into the first folder that can be written. Raises
    ``ConfigurationError`` when it cannot be used and was not compiled before either.
    """
    name = compiled_name(path)
    for cache in caches:
        file = CompiledFile.open(os.path.join(cache, name))
        if file and file.is_current():
            return file.compiled()
    from pathlib import Path

    from .compiling import recompile

    return recompile(Path(path), caches)
