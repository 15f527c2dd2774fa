"""Agents in a CSV file, as spreadsheets write them: ``interface,site,country``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from callcentre_disclosure.errors import ConfigurationError

from .binding import Binder, Bound, Place
from .kinds import Interface
from .model import AgentEntry
from .near import did_you_mean
from .reading import Pairs, Scalar, read_text
from .shape import record

_SEPARATORS = ";,\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow(AgentEntry):
    """One line of an agent file."""

    interface: Annotated[Interface, "Who it is, as in `agents`"]


def read_agents(path: Path, bound: Bound) -> Iterator[tuple[AgentRow, Place]]:
    """The agents of a file, with the line that each is on; what is wrong goes to ``bound``."""
    try:
        text = read_text(path)
    except ConfigurationError as error:
        bound.findings.extend(error.findings)
        return
    heading, _, _ = text.partition("\n")
    separator = max(_SEPARATORS, key=heading.count)
    rows = csv.reader(text.splitlines(keepends=True), delimiter=separator)
    try:
        columns = [cell.strip().casefold() for cell in next(rows, [])]
        if not _columns_are_known(columns, Place(str(path), 1, ""), bound):
            return
        binder = Binder(path, bound)
        for cells in rows:
            place = Place(str(path), rows.line_num, cells[0].strip() if cells else "")
            if len(cells) > len(columns) and any(cells[len(columns) :]):
                problem = f"here are {len(cells)} cells under {len(columns)} columns"
                bound.find(place.finding(problem, "remove what is too much"))
            elif any(cell.strip() for cell in cells):
                row = binder.bind(_node(columns, cells, place.line), AgentRow, place.key)
                if row is not None:
                    yield row, place
    except csv.Error as problem:
        place = Place(str(path), rows.line_num, "")
        bound.find(place.finding(f"this is not CSV: {problem}", "save it again as CSV"))


def _columns_are_known(columns: list[str], place: Place, bound: Bound) -> bool:
    known = list(record(AgentRow).fields)
    wrong = [column for column in columns if column not in known]
    if "interface" not in columns or len(set(columns)) < len(columns):
        problem = "the first line does not name the columns"
        bound.find(place.finding(problem, "begin with interface,site,country"))
        return False
    for column in wrong:
        problem = f"the column {column!r} is not known"
        bound.find(place.finding(problem, did_you_mean(column, known)))
    return not wrong


def _node(columns: list[str], cells: list[str], line: int) -> Pairs:
    texts = [cell.strip() for cell in cells]
    return Pairs(
        line,
        tuple(
            (Scalar(line, column), Scalar(line, text))
            for column, text in zip(columns, texts, strict=False)
            if text
        ),
        len(cells),
    )
