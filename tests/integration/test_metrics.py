"""What the servers count on a real Asterisk is what the evidence says of the same calls."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from callcentre_disclosure.testing.installation import Installation
from tests.integration import test_roads as roads
from tests.integration import test_stasis as stasis
from tests.integration.office import AMINA, DIALPLAN, YASMINE
from tests.measures import Measures, recorded


@pytest.mark.parametrize("door", ["fastagi", "ari"])
def test_counters_agree_with_the_evidence(
    installation: Installation, tmp_path: Path, door: str
) -> None:
    measures = Measures()
    with ExitStack() as running:
        if door == "fastagi":
            building = roads.Building(tmp_path, installation, running, DIALPLAN, measures.option)
        else:
            building = stasis.Building(tmp_path, installation, running, measures.option)
        measures.wait_until(lambda: measures.health()[0] == 200)
        with roads.at_work(building) as office:
            office.only(AMINA)
            office.call("group").talk(office.leg(AMINA))
            office.call("none").talk(office.leg(AMINA))
            office.call("silent").talk(office.leg(AMINA))
            office.only(YASMINE)
            left = office.call("group")
            leg = office.leg(YASMINE)
            left.call.wait_until(left.answered_by(leg) + 0.8)
            measures.wait_until(lambda: measures.value("calls") == 1)
            left.call.hang_up()
            leg.wait_for("ended", timeout=2)
        measures.wait_until(
            lambda: (
                measures.announcements() == recorded(building.centre)
                and not measures.value("calls")
            )
        )
        counted = recorded(building.centre)
        assert counted["DISCLOSED", "MA", "group", "answered"] == 1
        assert counted["ABANDONED", "TN", "group", "answered"] == 1
        assert counted["NOT_DISCLOSED", "unknown", "silent", "possible"] == 1
        records = building.centre.evidence()
        heard = sum(any(p["played"] for p in record["playbacks"]) for record in records)
        left_alone = sum(record["outcome"] == "ABANDONED" for record in records)
        assert measures.value("answer_to_sound_seconds_count") == heard
        assert measures.value("sound_to_release_seconds_count") == heard - left_alone
