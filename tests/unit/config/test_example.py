from __future__ import annotations

from pathlib import Path

import pytest

from callcentre_disclosure.config.directory import directory
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.shipped import shipped
from callcentre_disclosure.disclosure.call import CallFacts, Stage
from callcentre_disclosure.disclosure.profile import Choice, Region
from callcentre_disclosure.disclosure.resolution import language_of, resolve, route_of
from callcentre_disclosure.disclosure.route import FailurePolicy, Media


def test_the_example_loads_from_anywhere_and_does_what_its_comments_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = directory(load(shipped("config.example.yaml")))

    call = CallFacts("1.1", "PJSIP/x-00000001", "agi", dialled_number="0184880003")
    premium = route_of(call, found)
    assert (premium.id, premium.sites) == ("premium", ("lyon", "casablanca"))
    assert language_of(call, premium, found) == "fr"

    assert (premium.on_failure, premium.media) == (FailurePolicy.REFUSE, Media.EARLY)

    charter = found.routes.get("charter")
    assert charter is not None
    assert (charter.profile, charter.choice, charter.text) == ("charter", "europe", True)
    own = found.profiles.get("charter")
    assert own is not None
    assert (own.deadline, own.choice) == (30.0, Choice(Region.EU))
    trunk = found.trunks.get("PJSIP/maroc-telecom")
    assert trunk is not None
    assert trunk.media is Media.ANSWERED
    assert found.every_country == ("MA", "TN", "FR", "MG", "BE")

    for agent, country in (("PJSIP/201", "MA"), ("PJSIP/300", "MG"), ("PJSIP/901", "BE")):
        answered = CallFacts("1.1", "PJSIP/x-00000001", "agi", stage=Stage.ANSWERED, agent=agent)
        resolved = resolve(answered, found.default_route, found)
        assert resolved.agent is not None
        assert resolved.agent.country == country
