from __future__ import annotations

import pytest

from callcentre_disclosure.disclosure.record import masked


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+33612345678", "**********78"),
        ("1234", "****"),
        ("", None),
        (None, None),
    ],
)
def test_of_a_callers_number_two_digits_are_shown(number: str | None, shown: str | None) -> None:
    assert masked(number) == shown
