from __future__ import annotations

import io

import pytest

from callcentre_disclosure.evidence.sheet import cell, write_sheet


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (3700, "3700"),
        (-1, "-1"),
        ("+33184880001", "+33184880001"),
        ("-3.5", "-3.5"),
        ("+01:00", "+01:00"),
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1|cmd", "'-1|cmd"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("1=1", "1=1"),
    ],
)
def test_a_cell_is_what_it_was_and_no_formula(value: str | int | None, written: str) -> None:
    assert cell(value) == written


def test_every_spreadsheet_in_europe_opens_it() -> None:
    file = io.BytesIO()
    write_sheet(file, ["text"], [["à; b"], ['"c"\nd']])
    assert file.getvalue() == '\ufefftext\r\n"à; b"\r\n"""c""\nd"\r\n'.encode()
