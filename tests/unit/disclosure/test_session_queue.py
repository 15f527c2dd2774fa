"""While a queue waits for the announcement: the agent waits elsewhere, and is let go again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from callcentre_disclosure.disclosure.call import Stage, Told
from callcentre_disclosure.disclosure.commands import (
    Command,
    FindChannel,
    FindExtension,
    HangUp,
    Play,
    Redirect,
    Release,
)
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import DisclosureOutcome, Disposition, PlaybackReport
from callcentre_disclosure.disclosure.route import FailurePolicy
from tests.unit.disclosure.journeys import (
    CALL,
    HUNG_UP,
    LOST,
    REFUSED,
    but,
    journey,
    treated,
    variables,
)

AGENT = "PJSIP/201-0000000a"
HOOK = replace(
    CALL, stage=Stage.ANSWERED, agent=AGENT, in_queue=True, told=Told(Stage.POSSIBLE, ("MA", "TN"))
)
WAITS = Redirect("disclosure-answered", "s", 2, AGENT)
JOINS = Redirect("disclosure-answered", "join")


def moves(commands: list[Command]) -> list[object]:
    """Who was sent where, and when something was played."""
    found = [c for c in commands if isinstance(c, Redirect | Release | HangUp | Play)]
    return [Play if isinstance(c, Play) else c for c in found]


def test_the_agent_waits_and_the_caller_joins_them(directory: Directory) -> None:
    record, commands = journey(directory, HOOK)
    assert moves(commands) == [WAITS, Play, JOINS]
    assert (record.disposition, record.carried_out) == (Disposition.BRIDGE, True)


@pytest.mark.parametrize(
    ("exceptions", "moved"),
    [
        ({FindExtension: REFUSED}, [Play]),
        ({FindExtension: LOST}, [Play]),
        ({Redirect: REFUSED}, [WAITS, Play]),
        ({"answered": HUNG_UP}, [WAITS, Play, Release(AGENT)]),
        ({FindChannel: REFUSED}, [WAITS, Play, JOINS]),
    ],
    ids=["no such place", "nobody answers", "cannot be sent", "caller hangs up", "agent has left"],
)
def test_where_it_goes_otherwise(
    directory: Directory, exceptions: Mapping[str | type, PlaybackReport], moved: list[object]
) -> None:
    _, commands = journey(directory, HOOK, but(exceptions))
    assert moves(commands) == moved


def test_an_agent_whom_nobody_can_join_is_released(directory: Directory) -> None:
    def door(command: Command) -> PlaybackReport | None:
        return HUNG_UP if command == JOINS else but({})(command)

    record, commands = journey(directory, HOOK, door)
    assert moves(commands) == [WAITS, Play, JOINS, Release(AGENT)]
    assert not record.carried_out


def test_an_agent_whose_caller_is_refused_is_released_first(directory: Directory) -> None:
    refusing = replace(directory.default_route, on_failure=FailurePolicy.REFUSE)
    call = replace(HOOK, agent="PJSIP/999-0000000a", dialled_number=None)
    record, commands = journey(replace(directory, default_route=refusing), call)
    assert moves(commands)[1:] == [Play, Release("PJSIP/999-0000000a"), HangUp(21)]
    assert record.outcome is DisclosureOutcome.NOT_DISCLOSED


def test_an_agent_whose_caller_chose_another_is_released_first(directory: Directory) -> None:
    centre = treated(directory, profile="choice", choice="eu")
    _, commands = journey(centre, HOOK, but({"answered": "1"}))
    assert moves(commands) == [WAITS, Play, Release(AGENT), Redirect("disclosure-choice", "eu")]


def test_where_nothing_is_to_be_said_the_queue_connects(directory: Directory) -> None:
    _, commands = journey(directory, replace(HOOK, told=Told(Stage.POSSIBLE, ("MA",))))
    assert moves(commands) == []


def test_another_agent_is_announced_where_the_first_had_left(directory: Directory) -> None:
    """Even where the rule wants one announcement a call: nobody has been connected yet."""
    centre = treated(directory, profile="once")
    _, commands = journey(centre, HOOK, but({FindChannel: REFUSED}))
    told = Told.read(variables(commands)["DISCLOSURE_TOLD"])
    assert told == Told(Stage.POSSIBLE, ("MA",))
    record, _ = journey(centre, replace(HOOK, agent="PJSIP/3999-0000000b", told=told))
    assert (record.duty.asked, record.announced) == (True, ("TN",))
