"""Four calls at the same moment, each in another state: what a fault meets."""

from __future__ import annotations

from callcentre_disclosure.testing.recording import find_tone
from callcentre_disclosure.testing.sip import Call
from tests.integration.faults import ANSWERED_FR, Staff, said
from tests.integration.office import (
    AMINA,
    ANSWERED_MA,
    ANSWERED_TN,
    LUC,
    POSSIBLE,
    VOICES,
    YASMINE,
    Heard,
)

#: Two telephones' clocks, and a packet that is on its way, in seconds.
A_PACKET = 0.05


class FourCalls:
    """Four calls at the same moment.

    ``announced`` hears what countries are possible, ``ringing`` waits for Luc, who does not pick
    up, ``informed`` hears where Yasmine is, who has, and ``talking`` talks to Amina.
    """

    def __init__(self, staff: Staff, at: str = "") -> None:
        self.staff = staff
        for agent in (YASMINE, LUC):
            staff.agents[agent].answer_after = None
        self.talking = staff.call_from("caller", AMINA, at=at)
        self.ringing = staff.call_from("second", LUC, at=at)
        self.informed = staff.call_from("third", YASMINE, at=at)
        self.talks = staff.leg(AMINA)
        self.rings = staff.leg(LUC)
        self.waits = staff.leg(YASMINE)
        self.talking.listen(AMINA, 0.2)
        self.announced = staff.call_from("last", AMINA, at=at)
        self.waits.answer()
        self.informed.call.wait_until(self.informed.answered_by(self.waits) + 0.5)
        self.announced.call.wait_for("audio")
        for agent in (YASMINE, LUC):
            staff.agents[agent].answer_after = 0.3

    @property
    def agents(self) -> dict[Heard, tuple[str, str]]:
        """The agent of each call, and what the caller is told about them."""
        return {
            self.announced: (AMINA, ANSWERED_MA),
            self.ringing: (LUC, ANSWERED_FR),
            self.informed: (YASMINE, ANSWERED_TN),
            self.talking: (AMINA, ANSWERED_MA),
        }

    def come_to_their_end(self) -> None:
        """All four talk in the end. Each agent is heard after a whole announcement and no other at
        all; those who talked already were never interrupted, and nobody is told twice what they
        were told to the end before."""
        for heard, (agent, _) in self.agents.items():
            heard.listen(agent, 0.5)
        for heard, (agent, answered) in self.agents.items():
            possible, told = said(heard, POSSIBLE), said(heard, answered)
            assert heard.voices() == [agent]
            assert possible[0].end <= told[-1].start
            assert told[-1].end <= heard.first_word(agent) + A_PACKET
            assert len(possible) == 1 or heard is self.announced
            assert len(told) == 1 or heard is self.informed
        assert len(find_tone(self.talking.call.recording(), VOICES[AMINA])) == 1
        assert self.talks.ending is None

    def hang_up(self) -> None:
        """Two callers and two agents do; whoever they talk to is released."""
        for heard in (self.announced, self.talking):
            heard.call.hang_up()
        for agent in (LUC, YASMINE):
            self.staff.agents[agent].calls[-1].hang_up()


def ended(*calls: Call, within: float = 1.0) -> None:
    """They are released soon."""
    for call in calls:
        call.wait_for("ended", timeout=within)
