"""Where the evidence of a configuration is kept."""

from __future__ import annotations

from typing import NamedTuple

from callcentre_disclosure.disclosure.numbers import Numbering


class LedgerPlace(NamedTuple):
    """The ledger of this machine, the file with its keys, and how its numbers are written."""

    file: str
    key_file: str
    numbering: Numbering | None = None
