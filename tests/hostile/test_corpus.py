"""What the fuzzers have found interesting, and what once broke us, again and again."""

from __future__ import annotations

import pytest

from .targets import CORPUS, LONGEST, TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_was_found_breaks_us(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs, "make fuzz keeps some"
    for one in inputs:
        data = one.read_bytes()
        assert len(data) <= LONGEST
        try:
            TARGETS[target](data)
        except Exception as problem:
            raise AssertionError(f"{target}/{one.name}: {problem!r}") from problem
