from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.disclosure.call import CallFacts, Stage
from callcentre_disclosure.disclosure.resolution import language_of, resolve, route_of


def test_the_example_loads_from_anywhere_and_does_what_its_comments_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = directory(load(shipped("config.example.yaml")))

    call = CallFacts("1.1", "PJSIP/x-00000001", "agi", dialled_number="0184880003")
    premium = route_of(call, found)
    assert (premium.id, premium.sites) == ("premium", ("lyon", "casablanca"))
    assert language_of(call, premium, found) == "fr"

    for agent, country in (("PJSIP/201", "MA"), ("PJSIP/300", "MG"), ("PJSIP/901", "BE")):
        answered = CallFacts("1.1", "PJSIP/x-00000001", "agi", stage=Stage.ANSWERED, agent=agent)
        resolved = resolve(answered, found.default_route, found)
        assert resolved.agent is not None
        assert resolved.agent.country == country
