"""Files that commands are told to write."""

from __future__ import annotations

import os
from typing import Any

import click


class Written(click.File):
    """A file that is replaced once all of it is there; ``-`` is standard output.

    Where it cannot be written is wrong use, and said before anything is read or counted.
    """

    def __init__(self, mode: str, encoding: str | None = None) -> None:
        super().__init__(mode, encoding, atomic=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A file that is opened when it is written to."""
        file = os.fspath(value)
        folder = os.path.dirname(file) or os.curdir  # noqa: PTH120
        if file != "-" and (os.path.isdir(file) or not os.access(folder, os.W_OK | os.X_OK)):  # noqa: PTH112
            what = f"{file} cannot be written; name a file in a folder that you may write to"
            self.fail(what, param, ctx)
        return super().convert(value, param, ctx)
