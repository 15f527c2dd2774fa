"""A door that is a plain function, for journeys in no time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from callcentre_disclosure.disclosure.call import CallFacts
from callcentre_disclosure.disclosure.commands import Ask, Command, Play, SetVariables
from callcentre_disclosure.disclosure.directory import Directory
from callcentre_disclosure.disclosure.outcome import Ending, PlaybackReport
from callcentre_disclosure.disclosure.record import LedgerRecord
from callcentre_disclosure.disclosure.session import disclose

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
CALL = CallFacts("1.1", "PJSIP/trunk-00000001", "test", dialled_number="+33184880001")

REFUSED = PlaybackReport(Ending.REFUSED)
HUNG_UP = PlaybackReport(Ending.HANGUP, 0.5, 0.5)
LOST = PlaybackReport(Ending.LOST)

Door = Callable[[Command], "PlaybackReport | None"]


def completely(command: Command) -> PlaybackReport | None:
    """A door on which everything works."""
    if isinstance(command, Play | Ask):
        seconds = command.prompt.sound.seconds
        return PlaybackReport(Ending.FINISHED, seconds, seconds)
    return None


def ending(how: Ending, played: float = 0.0, elapsed: float = 0.0) -> Door:
    """A door on which every playback ends like that."""

    def door(command: Command) -> PlaybackReport | None:
        return PlaybackReport(how, played, elapsed) if isinstance(command, Play | Ask) else None

    return door


def but(exceptions: Mapping[str | type, PlaybackReport | str]) -> Door:
    """A door on which everything works but some commands, or some sounds by a part of their name.

    A key in place of a report is pressed during a sound, which is played to its end.
    """

    def door(command: Command) -> PlaybackReport | None:
        report = completely(command)
        name = command.prompt.announcement.sound_name if isinstance(command, Play | Ask) else ""
        for what, exception in exceptions.items():
            if what in name if isinstance(what, str) else isinstance(command, what):
                if isinstance(exception, PlaybackReport):
                    return exception
                assert report is not None
                return replace(report, digit=exception)
        return report

    return door


def journey(
    directory: Directory,
    call: CallFacts = CALL,
    door: Door = completely,
    at: datetime = MONDAY_NOON,
) -> tuple[LedgerRecord, list[Command]]:
    session = disclose(call, directory, disclosure_id="id-1", received_at=at)
    commands: list[Command] = []
    report: PlaybackReport | None = None
    while True:
        try:
            command = session.send(report)
        except StopIteration as stop:
            record: LedgerRecord = stop.value
            return record, commands
        commands.append(command)
        report = door(command)


def kinds(commands: list[Command]) -> list[type]:
    return [type(command) for command in commands]


def texts(commands: list[Command]) -> list[str]:
    return [c.prompt.announcement.text for c in commands if isinstance(c, Play | Ask)]


def variables(commands: list[Command]) -> dict[str, str]:
    (only,) = (c for c in commands if isinstance(c, SetVariables))
    return {name.lstrip("_"): value for name, value in only.variables.items()}


def treated(directory: Directory, **changes: Any) -> Directory:
    """The same call centre with another treatment of the calls to ``CALL``'s number."""
    service = directory.routes.get("service")
    assert service is not None
    return replace(directory, routes={"service": replace(service, **changes)})


def without(directory: Directory, *parts: str) -> Directory:
    """The same call centre without the sounds whose names have one of these parts."""
    assert isinstance(directory.sounds, dict)
    kept = {
        name: sound
        for name, sound in directory.sounds.items()
        if not any(part in name for part in parts)
    }
    return replace(directory, sounds=kept)
