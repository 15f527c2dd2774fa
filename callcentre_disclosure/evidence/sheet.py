"""CSV for spreadsheets: semicolons and a byte order mark, with which all in Europe open it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import IO

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9]+([.:][0-9]+)?")


def write_sheet(
    file: IO[bytes], header: Iterable[str], rows: Iterable[Iterable[str | int | None]]
) -> None:
    """Write rows, one at a time; no cell is taken for a formula."""
    text = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")
    try:
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(map(cell, row) for row in rows)
        text.flush()
    finally:
        text.detach()


def cell(value: str | int | None) -> str:
    """What is written of a value. Telephone numbers are numbers: ``+33184880001`` stays."""
    text = "" if value is None else str(value)
    is_formula = text.startswith(_FORMULA) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text
