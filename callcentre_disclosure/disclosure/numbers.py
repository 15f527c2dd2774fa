"""Telephone numbers as people and trunks write them."""

from __future__ import annotations

from dataclasses import dataclass

_PUNCTUATION = str.maketrans("", "", " .-()/\t\u00a0\u202f")


@dataclass(frozen=True, slots=True)
class Numbering:
    """The numbering plan that national numbers are written in (ITU-T E.164, E.123).

    ``country_code`` without ``+`` (``33``), ``trunk_prefix`` what people dial before a national
    number (``0``), ``international_prefix`` what they dial instead of ``+`` (``00``).
    """

    country_code: str
    trunk_prefix: str = ""
    international_prefix: str = "00"


def dialled(number: str) -> str:
    """The number as dialled: without spaces and punctuation. Other characters stay."""
    return number.translate(_PUNCTUATION)


def written_forms(number: str, numbering: Numbering | None) -> tuple[str, ...]:
    """Every way in which a trunk may present ``number``, the E.164 form first.

    >>> written_forms("01 84 88 00 01", Numbering("33", "0"))
    ('+33184880001', '33184880001', '0033184880001', '0184880001')
    """
    plain = dialled(number)
    if numbering is None:
        return (plain, plain[1:]) if plain.startswith("+") else (plain,)
    if plain.startswith("+"):
        international = plain[1:]
    elif numbering.international_prefix and plain.startswith(numbering.international_prefix):
        international = plain[len(numbering.international_prefix) :]
    elif numbering.trunk_prefix and plain.startswith(numbering.trunk_prefix):
        international = numbering.country_code + plain[len(numbering.trunk_prefix) :]
    else:
        return (plain,)  # a short code or an extension: it has no other form
    forms = [f"+{international}", international]
    if numbering.international_prefix:
        forms.append(numbering.international_prefix + international)
    if international.startswith(numbering.country_code):
        forms.append(numbering.trunk_prefix + international[len(numbering.country_code) :])
    return tuple(forms)
