from __future__ import annotations

import pytest

from callcentre_disclosure.disclosure.call import endpoint_of


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
