from __future__ import annotations

import pytest

from callcentre_disclosure.disclosure.numbers import Numbering, written_forms

FRANCE = Numbering("33", "0", "00")
NORTH_AMERICA = Numbering("1", "1", "011")
DENMARK = Numbering("45", "", "00")
BARE = Numbering("33", "0", "")


@pytest.mark.parametrize(
    ("number", "numbering", "forms"),
    [
        (
            "+33 1 84.88-00(01)",
            FRANCE,
            ("+33184880001", "33184880001", "0033184880001", "0184880001"),
        ),
        ("0184880001", FRANCE, ("+33184880001", "33184880001", "0033184880001", "0184880001")),
        ("0033184880001", FRANCE, ("+33184880001", "33184880001", "0033184880001", "0184880001")),
        ("+212 5 22 00 00 00", FRANCE, ("+212522000000", "212522000000", "00212522000000")),
        (
            "+1 202 555 0100",
            NORTH_AMERICA,
            ("+12025550100", "12025550100", "01112025550100", "12025550100"),
        ),
        ("+45 12 34 56 78", DENMARK, ("+4512345678", "4512345678", "004512345678", "12345678")),
        ("+33184880001", BARE, ("+33184880001", "33184880001", "0184880001")),
        ("3949", FRANCE, ("3949",)),
        ("+33184880001", None, ("+33184880001", "33184880001")),
        ("3949", None, ("3949",)),
    ],
)
def test_a_number_is_known_by_every_way_of_writing_it(
    number: str, numbering: Numbering | None, forms: tuple[str, ...]
) -> None:
    assert written_forms(number, numbering) == forms
