from __future__ import annotations

import pytest

from callcentre_disclosure.config.countries import countries, nearest


def test_there_are_249_codes_of_iso_3166_1_and_kosovo() -> None:
    codes = set(countries())

    assert len(codes) == 250
    assert {"MA", "NO", "SS", "BQ", "XK"} <= codes
    assert not {"UK", "EL", "AN", "YU", "SU", "TP", "EU"} & codes  # exceptional or withdrawn


def test_codes_have_the_shape_of_codes_and_no_two_countries_share_one() -> None:
    assert all(len(c.alpha_2) == 2 and len(c.alpha_3) == 3 for c in countries().values())
    assert len({country.alpha_3 for country in countries().values()}) == 250


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("UK", "GB"),
        ("MAR", "MA"),
        ("ma", "MA"),
        ("Morocco", "MA"),
        ("Maroc", "MA"),
        ("Tunisa", "TN"),
        ("Ile Maurice", "MU"),
        ("Cote d'Ivoire", "CI"),
        ("XX", None),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_nearest_finds_what_was_meant_or_nothing(written: str, meant: str | None) -> None:
    found = nearest(written)

    assert (found.alpha_2 if found else None) == meant
