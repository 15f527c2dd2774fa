from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcentre_disclosure.disclosure.call import Stage, Told, endpoint_of, interface_of


@pytest.mark.parametrize(
    ("channel", "endpoint"),
    [
        ("PJSIP/201-0000001a", "PJSIP/201"),
        ("SIP/maroc-telecom-0000001a", "SIP/maroc-telecom"),
        ("Local/201@agents-0000001a;2", "Local/201@agents"),
        ("Local/201@agents;1", "Local/201@agents"),
        ("PJSIP/desk-4", "PJSIP/desk-4"),
        ("PJSIP/desk-GGGGGGGG", "PJSIP/desk-GGGGGGGG"),
        ("DAHDI/1;3", "DAHDI/1;3"),
        ("", ""),
    ],
)
def test_a_channel_belongs_to_its_endpoint(channel: str, endpoint: str) -> None:
    assert endpoint_of(channel) == endpoint


@pytest.mark.parametrize(
    ("told", "interface"),
    [
        ("Local/201@agents/n", "Local/201@agents"),
        ("Local/201@agents/nj", "Local/201@agents"),
        ("Local/201@agents-0000001a;1", "Local/201@agents"),
        ("Local/201@agents", "Local/201@agents"),
        ("Local/201@agents/", "Local/201@agents/"),
        ("Local/201@agents/1", "Local/201@agents/1"),
        ("Local/n", "Local/n"),
        ("PJSIP/201@trunk/n", "PJSIP/201@trunk/n"),
        ("PJSIP/201-0000001a", "PJSIP/201"),
        ("", ""),
    ],
)
def test_a_queue_and_a_dialplan_know_an_agent_by_one_name(told: str, interface: str) -> None:
    assert interface_of(told) == interface


COUNTRIES = st.from_regex("[A-Z]{2}", fullmatch=True)


@given(
    st.builds(
        Told, st.sampled_from(Stage), st.lists(COUNTRIES, max_size=4).map(tuple), st.booleans()
    )
)
def test_what_was_told_travels_with_the_call(told: Told) -> None:
    assert Told.read(str(told)) == told


@pytest.mark.parametrize(
    "variable",
    ["", " ", "MA TN", "answered ma", "possible MA,TN", 'possible MA",X="1', "later", "generic"],
)
def test_what_is_not_understood_was_not_told(variable: str) -> None:
    assert Told.read(variable) is None


@given(st.text())
def test_no_variable_breaks_a_call(variable: str) -> None:
    told = Told.read(variable)
    assert told is None or Told.read(str(told)) == told


@pytest.mark.parametrize(
    ("told", "stage", "countries", "covered"),
    [
        ("possible MA TN", Stage.POSSIBLE, "TN", True),
        ("possible MA", Stage.POSSIBLE, "MA TN", False),
        ("possible MA TN", Stage.ANSWERED, "TN", False),
        ("possible MA TN", Stage.ANSWERED, "TN MA", True),
        ("answered MA", Stage.ANSWERED, "MA", True),
        ("possible MA", Stage.POSSIBLE, "", False),
        ("possible MA", Stage.ANSWERED, "", False),
    ],
)
def test_a_country_is_news_unless_it_was_told(
    told: str, stage: Stage, countries: str, covered: bool
) -> None:
    before = Told.read(told)
    assert before is not None
    assert before.covers(stage, tuple(countries.split())) is covered
